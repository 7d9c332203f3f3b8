/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shamir's scheme against numbers from elsewhere: the field of AES (FIPS 197
 * section 4.2) and two vectors of SLIP-0039, which uses the same field.
 */
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

/*
 * Share values of "shadow pistol academic ..." and "humidity disease academic ..."
 * in the vectors of SLIP-0039 (trezor/python-shamir-mnemonic, vectors.json). The
 * secret stands at 255 and its digest at 254; decrypted with SLIP-0039's own
 * cipher, the secrets give the published master secrets b43ceb7e... and
 * c938b319...
 */
static const struct slip39 {
	size_t len;
	uint8_t index[2];
	const char *value[2];
	const char *at_255;
	const char *at_254;
} slip39[] = {
	{ 16, { 2, 0 }, { "08fb14b66e692e25dfe2edf53289ed62", "06ab48fef4bedc8ce58baeef0a73f76e" },
	    "cdc017fddc829e791b1371780be0605a", "cae839d99164e7a006aadd75179d6d5c" },
	{ 32, { 2, 1 },
	    { "81e5473f4b7f66094f888d2f98fe0ded6a692dc72c65dc498d6e28bee6ebdfcc",
		"19e366e9b2e34851e52132c31c2b2c957321bf5ce6c9c1410ea1ddf5fef92c27" },
	    "0204622ff84267b5dae0ca4e0c1328d6611b96b92b11692e5a7542314f7a54ee",
	    "83067d94af367d74bc8756e370a937fe9f2311396d7562dfd2301108477405b7" },
};

static void
agrees_with_slip39(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(slip39) / sizeof(slip39[0]); i++) {
		const struct slip39 *v = &slip39[i];
		uint8_t value[2 * 32], want[32], got[32];

		for (size_t k = 0; k < 2; k++)
			assert_true(dk_unhex(v->value[k], value + k * v->len, v->len));
		assert_true(dk_unhex(v->at_255, want, v->len));
		dk_shamir_value_at(v->index, value, 2, v->len, 255, got);
		assert_memory_equal(got, want, v->len);
		assert_true(dk_unhex(v->at_254, want, v->len));
		dk_shamir_value_at(v->index, value, 2, v->len, 254, got);
		assert_memory_equal(got, want, v->len);
	}
}

/* 0x42 + 0x17 x + 0x99 x^2, computed by hand in the field */
static void
evaluates_a_polynomial(void **state)
{
	static const uint8_t secret[1] = { 0x42 };
	static const uint8_t coefficients[2] = { 0x17, 0x99 };
	uint8_t got;

	(void)state;
	dk_shamir_share(secret, 1, coefficients, 3, 1, &got);
	assert_int_equal(got, 0x42 ^ 0x17 ^ 0x99);
	/* 0x17 * 2 = 0x2e; 0x99 * 4 = 0x52, since 0x99 * 2 = 0x29 */
	dk_shamir_share(secret, 1, coefficients, 3, 2, &got);
	assert_int_equal(got, 0x42 ^ 0x2e ^ 0x52);
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
		cmocka_unit_test(agrees_with_slip39),
		cmocka_unit_test(evaluates_a_polynomial),
		cmocka_unit_test(joins_every_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
