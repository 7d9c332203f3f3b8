/* SPDX-License-Identifier: Apache-2.0 */
/* ECDSA P-256 with SHA-256. */
#include "unit.h"

#include <string.h>

#include "crypto/pkey.h"
#include "crypto/sign.h"
#include "fixture.h"

static const struct dk_part sample = { "sample", 6 };

/* RFC 6979 appendix A.2.5: the key, and its signature of "sample" with SHA-256. */
static struct dk_pkey *
rfc_6979_key(void)
{
	struct dk_pkey *key;
	uint8_t point[65];

	unhex("0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
	      "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
	    point, sizeof(point));
	assert_ok(dk_pkey_from_point(DK_KEY_P256, point, sizeof(point), &key));
	return key;
}

static void
rfc_6979_signature(uint8_t sig[64])
{
	unhex("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
	      "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
	    sig, 64);
}

static void
published_signature_verifies(void **state)
{
	struct dk_pkey *key = rfc_6979_key();
	const struct dk_part parts[] = { { "sam", 3 }, { "ple", 3 } };
	const struct dk_part other = { "samplf", 6 };
	uint8_t sig[64];

	(void)state;
	rfc_6979_signature(sig);
	assert_ok(dk_ecdsa_verify(key, &sample, 1, sig));
	assert_ok(dk_ecdsa_verify(key, parts, 2, sig));
	assert_err(dk_ecdsa_verify(key, &other, 1, sig), DK_ERR_CREATOR_SIGNATURE);
	for (unsigned i = 0; i < 64; i++) {
		sig[i] ^= 1;
		assert_err(dk_ecdsa_verify(key, &sample, 1, sig), DK_ERR_CREATOR_SIGNATURE);
		sig[i] ^= 1;
	}
	dk_pkey_free(key);
}

static void
r_and_s_have_a_range(void **state)
{
	static const char *const order =
	    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
	struct dk_pkey *key = rfc_6979_key();
	uint8_t sig[64];

	(void)state;
	for (unsigned half = 0; half < 2; half++) {
		rfc_6979_signature(sig);
		memset(sig + 32 * half, 0, 32);
		assert_err(dk_ecdsa_verify(key, &sample, 1, sig), DK_ERR_CREATOR_SIGNATURE);
		unhex(order, sig + 32 * half, 32);
		assert_err(dk_ecdsa_verify(key, &sample, 1, sig), DK_ERR_CREATOR_SIGNATURE);
		memset(sig + 32 * half, 0xff, 32);
		assert_err(dk_ecdsa_verify(key, &sample, 1, sig), DK_ERR_CREATOR_SIGNATURE);
	}
	memset(sig, 0, sizeof(sig));
	assert_err(dk_ecdsa_verify(key, &sample, 1, sig), DK_ERR_CREATOR_SIGNATURE);
	dk_pkey_free(key);
}

static void
own_signatures_verify(void **state)
{
	struct dk_pkey *key;
	struct dk_pkey *other;
	uint8_t sig[64];

	(void)state;
	assert_ok(dk_pkey_generate(DK_KEY_P256, 0, &key));
	assert_ok(dk_pkey_generate(DK_KEY_P256, 0, &other));
	/* Often enough to meet an r or s that begins with a zero byte. */
	for (unsigned i = 0; i < 600; i++) {
		const struct dk_part parts[] = { sample, { &i, sizeof(i) } };

		assert_ok(dk_ecdsa_sign(key, parts, 2, sig));
		assert_ok(dk_ecdsa_verify(key, parts, 2, sig));
	}
	assert_ok(dk_ecdsa_sign(key, &sample, 1, sig));
	assert_err(dk_ecdsa_verify(other, &sample, 1, sig), DK_ERR_CREATOR_SIGNATURE);
	dk_pkey_free(key);
	dk_pkey_free(other);
}

static void
wrong_kinds_of_key_are_refused(void **state)
{
	struct dk_pkey *public = rfc_6979_key();
	struct dk_pkey *p384;
	uint8_t sig[64] = { 1 };

	(void)state;
	assert_err(dk_ecdsa_sign(public, &sample, 1, sig), DK_ERR_KEY_NEED_PRIVATE);
	assert_ok(dk_pkey_generate(DK_KEY_P384, 0, &p384));
	assert_err(dk_ecdsa_sign(p384, &sample, 1, sig), DK_ERR_KEY_TYPE);
	assert_err(dk_ecdsa_verify(p384, &sample, 1, sig), DK_ERR_KEY_TYPE);
	dk_pkey_free(p384);
	dk_pkey_free(public);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_signature_verifies),
		cmocka_unit_test(r_and_s_have_a_range),
		cmocka_unit_test(own_signatures_verify),
		cmocka_unit_test(wrong_kinds_of_key_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
