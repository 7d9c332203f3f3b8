/* SPDX-License-Identifier: Apache-2.0 */
/* Shamir's scheme: the field of AES (FIPS 197 section 4.2), and every set of shares. */
#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "format/shamir.h"

/* FIPS 197, sections 4.2 and 4.2.1 */
static void
multiplies_as_aes_does(void **state)
{
	(void)state;
	assert_int_equal(dk_gf256_mul(0x57, 0x83), 0xc1);
	assert_int_equal(dk_gf256_mul(0x57, 0x13), 0xfe);
	assert_int_equal(dk_gf256_mul(0x57, 0x02), 0xae);
	assert_int_equal(dk_gf256_mul(0x57, 0x04), 0x47);
	assert_int_equal(dk_gf256_mul(0x57, 0x08), 0x8e);
	assert_int_equal(dk_gf256_mul(0x57, 0x10), 0x07);
}

static void
is_a_field(void **state)
{
	(void)state;
	assert_int_equal(dk_gf256_inv(0), 0);
	for (unsigned a = 1; a < 256; a++)
		assert_int_equal(dk_gf256_mul((uint8_t)a, dk_gf256_inv((uint8_t)a)), 1);
	for (unsigned a = 0; a < 256; a += 5)
		for (unsigned b = 0; b < 256; b += 3)
			assert_int_equal(dk_gf256_mul((uint8_t)a, (uint8_t)b),
			    dk_gf256_mul((uint8_t)b, (uint8_t)a));
}

#define LEN 4
#define SHARES 6

static void
make(unsigned threshold, const uint8_t *secret, uint8_t *index, uint8_t *value)
{
	uint8_t coefficients[SHARES * LEN];

	for (unsigned i = 0; i < sizeof(coefficients); i++)
		coefficients[i] = (uint8_t)(i * 73 + 11);
	for (unsigned i = 0; i < SHARES; i++) {
		index[i] = (uint8_t)(i * i + 1);
		dk_shamir_share(secret, LEN, coefficients, threshold, index[i], value + i * LEN);
	}
}

/* The shares in set, a bit for each, joined. */
static void
join(unsigned set, const uint8_t *index, const uint8_t *value, uint8_t *ret)
{
	uint8_t some_index[SHARES], some_value[SHARES * LEN];
	unsigned n = 0;

	for (unsigned i = 0; i < SHARES; i++) {
		if (!(set & 1u << i))
			continue;
		some_index[n] = index[i];
		memcpy(some_value + n * LEN, value + i * LEN, LEN);
		n++;
	}
	dk_shamir_value_at(some_index, some_value, n, LEN, 0, ret);
}

/* each set of at least threshold shares gives the secret, no smaller one does */
static void
joins_every_set(void **state)
{
	static const uint8_t secret[LEN] = { 0, 1, 0x80, 0xff };

	(void)state;
	for (unsigned threshold = 2; threshold <= SHARES; threshold++) {
		uint8_t index[SHARES], value[SHARES * LEN], got[LEN];

		make(threshold, secret, index, value);
		for (unsigned set = 1; set < 1u << SHARES; set++) {
			join(set, index, value, got);
			if ((unsigned)__builtin_popcount(set) >= threshold)
				assert_memory_equal(got, secret, LEN);
			else
				assert_memory_not_equal(got, secret, LEN);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(multiplies_as_aes_does),
		cmocka_unit_test(is_a_field),
		cmocka_unit_test(joins_every_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
