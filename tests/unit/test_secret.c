/* SPDX-License-Identifier: Apache-2.0 */
/* Wiping and comparing. */
#include "unit.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/random.h"

static void
clear_wipes_all(void **state)
{
	static const uint8_t zero[sizeof(struct dk_secret66)];
	struct dk_secret32 a;
	struct dk_secret48 b;
	struct dk_secret66 c;

	(void)state;
	memset(&a, 1, sizeof(a));
	memset(&b, 1, sizeof(b));
	memset(&c, 1, sizeof(c));
	dk_secret32_clear(&a);
	dk_secret48_clear(&b);
	dk_secret66_clear(&c);
	assert_memory_equal(&a, zero, sizeof(a));
	assert_memory_equal(&b, zero, sizeof(b));
	assert_memory_equal(&c, zero, sizeof(c));
	dk_wipe(NULL, 0);
}

static void
equal_sees_every_bit(void **state)
{
	uint8_t a[48];
	uint8_t b[48];

	(void)state;
	memset(a, 0xa5, sizeof(a));
	memcpy(b, a, sizeof(b));
	assert_true(dk_equal_ct(a, b, sizeof(a)));
	assert_true(dk_equal_ct(a, b, 0));
	for (unsigned bit = 0; bit < 8 * sizeof(a); bit++) {
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(dk_equal_ct(a, b, sizeof(a)));
		b[bit / 8] = 0xa5;
	}
}

static void
random_is_not_the_same_twice(void **state)
{
	uint8_t a[32] = { 0 };
	uint8_t b[32] = { 0 };

	(void)state;
	assert_ok(dk_random(a, sizeof(a)));
	assert_ok(dk_random(b, sizeof(b)));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_ok(dk_random(a, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clear_wipes_all),
		cmocka_unit_test(equal_sees_every_bit),
		cmocka_unit_test(random_is_not_the_same_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
