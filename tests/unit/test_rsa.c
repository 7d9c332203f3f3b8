/* SPDX-License-Identifier: Apache-2.0 */
/* OAEP: what another implementation made, and implicit rejection. */
#include "unit.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "crypto/evp.h"
#include "crypto/pkey.h"
#include "crypto/rsa.h"
#include "fixture.h"

#define FIXTURE "tests/unit/data/oaep.txt"

/* Opens the fixture and reads its first case. */
static struct dk_pkey *
fixture_key(struct fixture *fx)
{
	const struct fixture_field *spki;
	const struct fixture_field *pkcs8;
	struct dk_pkey *key;

	fixture_open(fx, FIXTURE);
	assert_true(fixture_next(fx));
	spki = fixture_get(fx, "spki");
	pkcs8 = fixture_get(fx, "pkcs8");
	assert_ok(
	    dk_pkey_from_private(DK_KEY_RSA, spki->data, spki->len, pkcs8->data, pkcs8->len, &key));
	return key;
}

static void
round_trip(void **state)
{
	struct fixture fx;
	struct dk_pkey *key = fixture_key(&fx);
	const struct dk_secret32 seed = { "thirty-two bytes of a fixed seed" };
	struct dk_secret32 opened;
	uint8_t a[DK_RSA_MAX_BYTES];
	uint8_t b[DK_RSA_MAX_BYTES];
	size_t len;

	(void)state;
	assert_ok(dk_oaep_seal(key, &seed, a, &len));
	assert_int_equal(len, 384);
	assert_ok(dk_oaep_seal(key, &seed, b, &len));
	assert_memory_not_equal(a, b, len);
	assert_ok(dk_oaep_open(key, a, len, &opened));
	assert_memory_equal(&opened, &seed, sizeof(seed));
	assert_ok(dk_oaep_open(key, b, len, &opened));
	assert_memory_equal(&opened, &seed, sizeof(seed));
	dk_pkey_free(key);
	fixture_close(&fx);
}

/* What a token gives: the power alone; 0 for a number that is not below the modulus. */
static size_t
raw_power(const struct dk_pkey *key, const uint8_t *ct, size_t len, uint8_t *out)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->evp, NULL);
	size_t n = DK_RSA_MAX_BYTES;

	assert_non_null(ctx);
	assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
	if (EVP_PKEY_decrypt(ctx, out, &n, ct, len) != 1)
		n = 0;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return n;
}

/* Decoding here agrees with libcrypto's on every case, good or bad. */
static void
decoding_of_a_raw_result(void **state)
{
	struct fixture fx;
	struct dk_pkey *key = fixture_key(&fx);
	uint8_t em[DK_RSA_MAX_BYTES];
	struct dk_secret32 a, b;
	unsigned cases = 0;
	size_t len;

	(void)state;
	while (fixture_next(&fx)) {
		const struct fixture_field *ct = fixture_get(&fx, "ct");

		len = raw_power(key, ct->data, ct->len, em);
		if (len == 0) {
			assert_string_equal(fx.what, "bad-modulus");
			continue;
		}
		assert_ok(dk_oaep_decode(em, len, &a));
		assert_ok(dk_oaep_decode(em, len, &b));
		if (strcmp(fx.what, "good") == 0) {
			assert_memory_equal(&a, fixture_get(&fx, "seed")->data, 32);
			/* Each byte of the block counts. */
			for (size_t i = 0; i < len; i++) {
				em[i] ^= 0x40;
				assert_ok(dk_oaep_decode(em, len, &b));
				assert_memory_not_equal(&a, &b, sizeof(a));
				em[i] ^= 0x40;
			}
		} else {
			assert_memory_not_equal(&a, &b, sizeof(a));
		}
		cases++;
	}
	assert_int_equal(cases, 9);
	assert_err(dk_oaep_decode(em, 383, &a), DK_ERR_KEY_TYPE);
	assert_err(dk_oaep_decode(em, 1025, &a), DK_ERR_KEY_TYPE);
	dk_pkey_free(key);
	fixture_close(&fx);
}

/* Good ones open; bad ones give DK_OK and a seed that is new each time. */
static void
of_another_implementation(void **state)
{
	struct fixture fx;
	struct dk_pkey *key = fixture_key(&fx);
	unsigned good = 0;
	unsigned bad = 0;

	(void)state;
	while (fixture_next(&fx)) {
		const struct fixture_field *ct = fixture_get(&fx, "ct");
		struct dk_secret32 a = { { 0 } };
		struct dk_secret32 b = { { 0 } };

		assert_ok(dk_oaep_open(key, ct->data, ct->len, &a));
		assert_ok(dk_oaep_open(key, ct->data, ct->len, &b));
		assert_true(ERR_peek_error() == 0);
		if (strcmp(fx.what, "good") == 0) {
			assert_memory_equal(&a, fixture_get(&fx, "seed")->data, 32);
			assert_memory_equal(&b, fixture_get(&fx, "seed")->data, 32);
			good++;
		} else {
			assert_memory_not_equal(&a, &b, sizeof(a));
			bad++;
		}
	}
	assert_int_equal(good, 1);
	assert_int_equal(bad, 9);
	dk_pkey_free(key);
	fixture_close(&fx);
}

static void
another_length_is_rejected_the_same_way(void **state)
{
	struct fixture fx;
	struct dk_pkey *key = fixture_key(&fx);
	const struct dk_secret32 seed = { { 1 } };
	uint8_t ct[DK_RSA_MAX_BYTES] = { 0 };
	static const size_t lengths[] = { 0, 1, 383, 385, 512, 1024 };
	size_t len;

	(void)state;
	assert_ok(dk_oaep_seal(key, &seed, ct, &len));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct dk_secret32 a = { { 0 } };
		struct dk_secret32 b = { { 0 } };

		assert_ok(dk_oaep_open(key, ct, lengths[i], &a));
		assert_ok(dk_oaep_open(key, ct, lengths[i], &b));
		assert_memory_not_equal(&a, &b, sizeof(a));
		assert_memory_not_equal(&a, &seed, sizeof(a));
	}
	dk_pkey_free(key);
	fixture_close(&fx);
}

static void
wrong_kinds_of_key_are_refused(void **state)
{
	struct fixture fx;
	struct dk_pkey *key = fixture_key(&fx);
	const struct fixture_field *spki = fixture_get(&fx, "spki");
	struct dk_secret32 seed = { { 1 } };
	struct dk_pkey *public;
	struct dk_pkey *p256;
	uint8_t ct[DK_RSA_MAX_BYTES] = { 0 };
	size_t len;

	(void)state;
	assert_ok(dk_pkey_from_spki(spki->data, spki->len, &public));
	assert_int_equal(dk_pkey_rsa_bytes(public), 384);
	assert_err(dk_oaep_open(public, ct, 384, &seed), DK_ERR_KEY_NEED_PRIVATE);
	assert_ok(dk_pkey_generate(DK_KEY_P256, 0, &p256));
	assert_err(dk_oaep_seal(p256, &seed, ct, &len), DK_ERR_KEY_TYPE);
	assert_err(dk_oaep_open(p256, ct, 384, &seed), DK_ERR_KEY_TYPE);
	dk_pkey_free(p256);
	dk_pkey_free(public);
	dk_pkey_free(key);
	fixture_close(&fx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(of_another_implementation),
		cmocka_unit_test(decoding_of_a_raw_result),
		cmocka_unit_test(another_length_is_rejected_the_same_way),
		cmocka_unit_test(wrong_kinds_of_key_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
