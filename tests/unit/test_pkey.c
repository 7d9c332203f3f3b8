/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: what comes back as it went in, and every malformed key that must not come in. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "crypto/hash.h"
#include "crypto/pkey.h"
#include "fixture.h"

#define SPKI_P256 "3059301306072a8648ce3d020106082a8648ce3d030107034200"
#define SPKI_P384 "3076301006072a8648ce3d020106052b81040022036200"
/* RFC 6979 appendix A.2.5. */
#define X_P256 "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
#define Y_P256 "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define SCALAR_P256 "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define ORDER_P256 "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define PRIME_P256 "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"

static struct fixture fx;
static struct dk_pkey *const untouched = (struct dk_pkey *)&fx;

static void
refused_bytes(const uint8_t *der, size_t len, dk_err want)
{
	struct dk_pkey *key = untouched;

	assert_err(dk_pkey_from_spki(der, len, &key), want);
	assert_ptr_equal(key, untouched);
	assert_true(ERR_peek_error() == 0);
}

static void
refused(const char *hex, dk_err want)
{
	uint8_t der[DK_SPKI_MAX_BYTES];

	refused_bytes(der, unhex(hex, der, sizeof(der)), want);
}

static void
round_trip_of_each_type(void **state)
{
	static const size_t spki_lens[] = { 0, 91, 120, 422 };
	static const size_t recipient_lens[] = { 0, 65, 97, 422 };

	(void)state;
	for (enum dk_key_type type = DK_KEY_P256; type <= DK_KEY_RSA; type++) {
		uint8_t priv[DK_PKEY_PRIVATE_MAX_BYTES];
		uint8_t again[DK_PKEY_PRIVATE_MAX_BYTES];
		size_t priv_len = sizeof(priv);
		size_t again_len = sizeof(again);
		dk_auto_pkey *made = NULL;
		dk_auto_pkey *public = NULL;
		dk_auto_pkey *pair = NULL;
		const uint8_t *recipient;
		const uint8_t *spki;
		uint8_t id[32];
		size_t len;

		assert_ok(dk_pkey_generate(type, 3072, &made));
		spki = dk_pkey_spki(made, &len);
		assert_int_equal(len, spki_lens[type]);
		assert_ok(dk_sha256(&(struct dk_part){ spki, len }, 1, id));
		assert_memory_equal(dk_pkey_id(made), id, 32);
		assert_ok(dk_pkey_from_spki(spki, len, &public));
		assert_int_equal(dk_pkey_type(public), type);
		assert_true(dk_pkey_has_private(made));
		assert_false(dk_pkey_has_private(public));
		assert_memory_equal(dk_pkey_id(public), id, 32);
		assert_int_equal(dk_pkey_rsa_bytes(public), type == DK_KEY_RSA ? 384 : 0);
		recipient = dk_pkey_recipient(public, &len);
		assert_int_equal(len, recipient_lens[type]);
		assert_memory_equal(recipient, spki + spki_lens[type] - len, len);

		assert_err(dk_pkey_private_bytes(public, priv, &priv_len), DK_ERR_KEY_NEED_PRIVATE);
		assert_ok(dk_pkey_private_bytes(made, priv, &priv_len));
		again_len = priv_len - 1;
		assert_err(dk_pkey_private_bytes(made, again, &again_len), DK_ERR_OUTPUT_TOO_SMALL);
		assert_ok(dk_pkey_from_private(type, spki, spki_lens[type], priv, priv_len, &pair));
		again_len = priv_len;
		assert_ok(dk_pkey_private_bytes(pair, again, &again_len));
		assert_int_equal(again_len, priv_len);
		assert_memory_equal(again, priv, priv_len);
	}
	dk_pkey_free(NULL);
}

static void
only_types_of_ours_are_generated(void **state)
{
	struct dk_pkey *key = untouched;

	(void)state;
	assert_err(dk_pkey_generate(DK_KEY_P256_MLKEM768, 0, &key), DK_ERR_KEY_TYPE);
	assert_err(dk_pkey_generate((enum dk_key_type)0, 0, &key), DK_ERR_KEY_TYPE);
	assert_err(dk_pkey_generate(DK_KEY_RSA, 2048, &key), DK_ERR_ARGUMENT);
	assert_err(dk_pkey_generate(DK_KEY_RSA, 0, &key), DK_ERR_ARGUMENT);
	assert_ptr_equal(key, untouched);
}

static void
points_off_the_curve_are_refused(void **state)
{
	uint8_t der[91];

	(void)state;
	unhex(SPKI_P256 "04" X_P256 Y_P256, der, sizeof(der));
	for (unsigned bit = 8 * 27; bit < 8 * 91; bit++) {
		der[bit / 8] ^= (uint8_t)(1u << bit % 8);
		refused_bytes(der, sizeof(der), DK_ERR_KEY_INVALID);
		der[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	refused(SPKI_P256 "04" Y_P256 X_P256, DK_ERR_KEY_INVALID);
	refused(SPKI_P256 "04" PRIME_P256 Y_P256, DK_ERR_KEY_INVALID);
	memset(der + 27, 0, 64);
	refused_bytes(der, sizeof(der), DK_ERR_KEY_INVALID);
	memset(der + 27, 0xff, 64);
	refused_bytes(der, sizeof(der), DK_ERR_KEY_INVALID);
}

static void
other_encodings_of_a_point_are_refused(void **state)
{
	(void)state;
	/* compressed, hybrid, infinity */
	refused("3039301306072a8648ce3d020106082a8648ce3d030107032200"
		"03" X_P256,
	    DK_ERR_KEY_INVALID);
	refused(SPKI_P256 "07" X_P256 Y_P256, DK_ERR_KEY_INVALID);
	refused("3019301306072a8648ce3d020106082a8648ce3d030107030200"
		"00",
	    DK_ERR_KEY_INVALID);
	/* a bit of the last byte unused; a length in two bytes; bytes behind the end */
	refused("3059301306072a8648ce3d020106082a8648ce3d030107034201"
		"04" X_P256 Y_P256,
	    DK_ERR_KEY_INVALID);
	refused("308159301306072a8648ce3d020106082a8648ce3d030107034200"
		"04" X_P256 Y_P256,
	    DK_ERR_KEY_INVALID);
	refused(SPKI_P256 "04" X_P256 Y_P256 "00", DK_ERR_KEY_INVALID);
	refused("305a301306072a8648ce3d020106082a8648ce3d030107034200"
		"04" X_P256 Y_P256 "00",
	    DK_ERR_KEY_INVALID);
	/* the point of one curve as one of the other */
	refused(SPKI_P384 "04" X_P256 Y_P256, DK_ERR_KEY_INVALID);
	refused("3056301006072a8648ce3d020106052b81040022034200"
		"04" X_P256 Y_P256,
	    DK_ERR_KEY_INVALID);
}

static void
every_cut_of_a_key_is_refused(void **state)
{
	uint8_t der[91];

	(void)state;
	unhex(SPKI_P256 "04" X_P256 Y_P256, der, sizeof(der));
	for (size_t len = 0; len < sizeof(der); len++)
		refused_bytes(der, len, DK_ERR_KEY_INVALID);
}

/* Keys of python3-cryptography that are right, but not for us. */
static void
other_types_have_their_own_error(void **state)
{
	unsigned n = 0;

	(void)state;
	fixture_open(&fx, "tests/unit/data/foreign_keys.txt");
	while (fixture_next(&fx)) {
		const struct fixture_field *spki = fixture_get(&fx, "spki");
		bool type = strncmp(fx.what, "type-", 5) == 0;

		print_message("%s\n", fx.what);
		refused_bytes(spki->data, spki->len, type ? DK_ERR_KEY_TYPE : DK_ERR_KEY_INVALID);
		n++;
	}
	fixture_close(&fx);
	assert_int_equal(n, 14);
}

static void
rsa_sizes_from_3072_to_8192(void **state)
{
	unsigned n = 0;

	(void)state;
	fixture_open(&fx, "tests/unit/data/rsa_sizes.txt");
	while (fixture_next(&fx)) {
		const struct fixture_field *spki = fixture_get(&fx, "spki");
		dk_auto_pkey *key = NULL;

		assert_ok(dk_pkey_from_spki(spki->data, spki->len, &key));
		assert_int_equal(dk_pkey_type(key), DK_KEY_RSA);
		n++;
	}
	fixture_close(&fx);
	assert_int_equal(n, 4);
}

static void
every_bit_of_an_rsa_frame_counts(void **state)
{
	uint8_t der[422];

	(void)state;
	fixture_open(&fx, "tests/unit/data/oaep.txt");
	assert_true(fixture_next(&fx));
	assert_int_equal(fixture_get(&fx, "spki")->len, sizeof(der));
	memcpy(der, fixture_get(&fx, "spki")->data, sizeof(der));
	fixture_close(&fx);
	for (size_t len = 0; len < sizeof(der); len++)
		refused_bytes(der, len, DK_ERR_KEY_INVALID);
	for (unsigned bit = 0; bit < 8 * sizeof(der); bit++) {
		struct dk_pkey *key = untouched;

		if (bit == 8 * 33)
			bit = 8 * (422 - 5);
		der[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_true(dk_pkey_from_spki(der, sizeof(der), &key) != DK_OK);
		assert_ptr_equal(key, untouched);
		der[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	der[33] &= 0x7f; /* a modulus of fewer bits than its length says */
	refused_bytes(der, sizeof(der), DK_ERR_KEY_INVALID);
	der[33] |= 0x80;
	der[416] &= 0xfe; /* an even one */
	refused_bytes(der, sizeof(der), DK_ERR_KEY_INVALID);
}

static void
scalar(const char *hex, dk_err want)
{
	uint8_t spki[91];
	uint8_t priv[64];
	size_t len = unhex(hex, priv, sizeof(priv));
	struct dk_pkey *key = untouched;

	unhex(SPKI_P256 "04" X_P256 Y_P256, spki, sizeof(spki));
	assert_err(dk_pkey_from_private(DK_KEY_P256, spki, sizeof(spki), priv, len, &key), want);
	assert_true(ERR_peek_error() == 0);
	if (want == DK_OK)
		dk_pkey_free(key);
	else
		assert_ptr_equal(key, untouched);
}

static void
scalars_must_be_those_of_the_point(void **state)
{
	(void)state;
	scalar(SCALAR_P256, DK_OK);
	scalar(
	    "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6720", DK_ERR_KEY_INVALID);
	/* order - scalar gives the point with the other y */
	scalar(
	    "36505626ba458aea94a3dea8984e296c6e9636d2702f0372782f6897ea53be30", DK_ERR_KEY_INVALID);
	scalar(
	    "0000000000000000000000000000000000000000000000000000000000000000", DK_ERR_KEY_INVALID);
	scalar(ORDER_P256, DK_ERR_KEY_INVALID);
	scalar(
	    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", DK_ERR_KEY_INVALID);
	scalar("", DK_ERR_KEY_INVALID);
	scalar(
	    "afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721", DK_ERR_KEY_INVALID);
	scalar("00" SCALAR_P256, DK_ERR_KEY_INVALID);
	scalar(SCALAR_P256 "00", DK_ERR_KEY_INVALID);
}

static void
private_and_public_must_be_of_one_type(void **state)
{
	uint8_t spki[91];
	uint8_t priv[32];
	struct dk_pkey *key = untouched;

	(void)state;
	unhex(SPKI_P256 "04" X_P256 Y_P256, spki, sizeof(spki));
	unhex(SCALAR_P256, priv, sizeof(priv));
	assert_err(dk_pkey_from_private(DK_KEY_P384, spki, 91, priv, 32, &key), DK_ERR_KEY_INVALID);
	assert_err(dk_pkey_from_private(DK_KEY_RSA, spki, 91, priv, 32, &key), DK_ERR_KEY_INVALID);
	assert_err(dk_pkey_from_private(DK_KEY_P256, spki, 90, priv, 32, &key), DK_ERR_KEY_INVALID);
	spki[90] ^= 1;
	assert_err(dk_pkey_from_private(DK_KEY_P256, spki, 91, priv, 32, &key), DK_ERR_KEY_INVALID);
	assert_ptr_equal(key, untouched);
}

static void
rsa_private_halves_must_fit(void **state)
{
	const struct fixture_field *spki;
	const struct fixture_field *pkcs8;
	uint8_t der[DK_PKEY_PRIVATE_MAX_BYTES] = { 0 };
	dk_auto_pkey *other = NULL;
	struct dk_pkey *key = untouched;
	const uint8_t *other_spki;
	size_t len;

	(void)state;
	fixture_open(&fx, "tests/unit/data/oaep.txt");
	assert_true(fixture_next(&fx));
	spki = fixture_get(&fx, "spki");
	pkcs8 = fixture_get(&fx, "pkcs8");
	memcpy(der, pkcs8->data, pkcs8->len);
	assert_ok(dk_pkey_generate(DK_KEY_RSA, 3072, &other));
	other_spki = dk_pkey_spki(other, &len);
	assert_err(dk_pkey_from_private(DK_KEY_RSA, other_spki, len, der, pkcs8->len, &key),
	    DK_ERR_KEY_INVALID);
	/* cut, and a byte behind the end */
	assert_err(
	    dk_pkey_from_private(DK_KEY_RSA, spki->data, spki->len, der, pkcs8->len - 1, &key),
	    DK_ERR_KEY_INVALID);
	assert_err(
	    dk_pkey_from_private(DK_KEY_RSA, spki->data, spki->len, der, pkcs8->len + 1, &key),
	    DK_ERR_KEY_INVALID);
	assert_err(dk_pkey_from_private(DK_KEY_RSA, spki->data, spki->len, der, 0, &key),
	    DK_ERR_KEY_INVALID);
	/* the right modulus with another private exponent and factor */
	der[26 + 4 + 3 + 4 + 385 + 5 + 4 + 100] ^= 1;
	der[26 + 4 + 3 + 4 + 385 + 5 + 4 + 385 + 4 + 100] ^= 1;
	assert_err(dk_pkey_from_private(DK_KEY_RSA, spki->data, spki->len, der, pkcs8->len, &key),
	    DK_ERR_KEY_INVALID);
	assert_ptr_equal(key, untouched);
	fixture_close(&fx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip_of_each_type),
		cmocka_unit_test(only_types_of_ours_are_generated),
		cmocka_unit_test(points_off_the_curve_are_refused),
		cmocka_unit_test(other_encodings_of_a_point_are_refused),
		cmocka_unit_test(every_cut_of_a_key_is_refused),
		cmocka_unit_test(other_types_have_their_own_error),
		cmocka_unit_test(rsa_sizes_from_3072_to_8192),
		cmocka_unit_test(every_bit_of_an_rsa_frame_counts),
		cmocka_unit_test(scalars_must_be_those_of_the_point),
		cmocka_unit_test(private_and_public_must_be_of_one_type),
		cmocka_unit_test(rsa_private_halves_must_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
