/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-2, HMAC and HKDF against published values. */
#include "unit.h"

#include <string.h>

#include "crypto/hash.h"
#include "fixture.h"

static void
sha2_of_abc_in_parts(void **state)
{
	const struct dk_part parts[] = { { "a", 1 }, { NULL, 0 }, { "bc", 2 } };
	uint8_t want[48];
	uint8_t got[48];

	(void)state;
	/* FIPS 180-4, examples of NIST. */
	unhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", want, 48);
	assert_ok(dk_sha256(parts, 3, got));
	assert_memory_equal(got, want, 32);
	unhex("cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
	      "8086072ba1e7cc2358baeca134c825a7",
	    want, 48);
	assert_ok(dk_sha384(parts, 3, got));
	assert_memory_equal(got, want, 48);
	unhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", want, 48);
	assert_ok(dk_sha256(NULL, 0, got));
	assert_memory_equal(got, want, 32);
}

static void
too_many_parts_are_refused(void **state)
{
	const struct dk_part parts[DK_PARTS_MAX + 1] = { { "a", 1 } };
	struct dk_secret48 key = { { 0 } };
	uint8_t out[48] = { 0xee };

	(void)state;
	assert_err(dk_sha256(parts, DK_PARTS_MAX + 1, out), DK_ERR_ARGUMENT);
	assert_err(dk_hmac_sha384(&key, parts, DK_PARTS_MAX + 1, out), DK_ERR_ARGUMENT);
	assert_err(dk_hkdf_extract_parts(DK_SHA384, NULL, 0, parts, DK_PARTS_MAX + 1, &key),
	    DK_ERR_ARGUMENT);
	assert_err(dk_hkdf_expand_parts(DK_SHA384, &key, parts, DK_PARTS_MAX + 1, out, 1),
	    DK_ERR_ARGUMENT);
	assert_int_equal(out[0], 0xee);
	assert_ok(dk_sha256(parts, DK_PARTS_MAX, out));
}

/* RFC 4231 section 4.2 to 4.5; HMAC pads the shorter keys with zeros itself. */
static void
hmac_sha384_of_rfc_4231(void **state)
{
	static const struct {
		const char *key, *data, *mac;
	} cases[] = {
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
		    "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
		    "faea9ea9076ede7f4af152e8b2fa9cb6" },
		{ "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
		    "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
		    "8e2240ca5e69e2c78b3239ecfab21649" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		    "dddddddddddddddddddddddddddddddddddddddddddddddddd"
		    "dddddddddddddddddddddddddddddddddddddddddddddddddd",
		    "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b"
		    "2a5ab39dc13814b94e3ab6e101a34f27" },
		{ "0102030405060708090a0b0c0d0e0f10111213141516171819",
		    "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
		    "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
		    "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e"
		    "6801dd23c4a7d679ccf8a386c674cffb" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dk_secret48 key = { { 0 } };
		uint8_t data[64];
		uint8_t want[48];
		uint8_t got[48];
		size_t len = unhex(cases[i].data, data, sizeof(data));
		struct dk_part parts[2] = { { data, 3 }, { data + 3, len - 3 } };

		unhex(cases[i].key, key.bytes, sizeof(key.bytes));
		unhex(cases[i].mac, want, sizeof(want));
		assert_ok(dk_hmac_sha384(&key, parts, 2, got));
		assert_memory_equal(got, want, sizeof(want));
	}
}

/* RFC 5869 appendix A.1 to A.3. */
static void
hkdf_sha256_of_rfc_5869(void **state)
{
	uint8_t bytes[256];
	uint8_t want[82];
	uint8_t okm[82];
	struct dk_secret48 prk;

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	memset(okm, 0x0b, 22);
	assert_ok(dk_hkdf_extract(DK_SHA256, bytes, 13, okm, 22, &prk));
	unhex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5", want, 82);
	assert_memory_equal(prk.bytes, want, 32);
	unhex(
	    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
	    want, 82);
	assert_ok(dk_hkdf_expand(DK_SHA256, &prk, bytes + 0xf0, 10, okm, 42));
	assert_memory_equal(okm, want, 42);

	assert_ok(dk_hkdf_extract(DK_SHA256, bytes + 0x60, 80, bytes, 80, &prk));
	unhex(
	    "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41"
	    "c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
	    want, 82);
	assert_ok(dk_hkdf_expand(DK_SHA256, &prk, bytes + 0xb0, 80, okm, 82));
	assert_memory_equal(okm, want, 82);

	memset(okm, 0x0b, 22);
	assert_ok(dk_hkdf_extract(DK_SHA256, NULL, 0, okm, 22, &prk));
	unhex(
	    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
	    want, 82);
	assert_ok(dk_hkdf_expand(DK_SHA256, &prk, NULL, 0, okm, 42));
	assert_memory_equal(okm, want, 42);
}

/* Values of another implementation; data/make.py says which. */
static void
hkdf_sha384(void **state)
{
	struct fixture fx;
	unsigned n = 0;

	(void)state;
	fixture_open(&fx, "tests/unit/data/hkdf_sha384.txt");
	while (fixture_next(&fx)) {
		const struct fixture_field *ikm = fixture_get(&fx, "ikm");
		const struct fixture_field *salt = fixture_get(&fx, "salt");
		const struct fixture_field *info = fixture_get(&fx, "info");
		const struct fixture_field *length = fixture_get(&fx, "length");
		const struct fixture_field *okm = fixture_get(&fx, "okm");
		size_t len = (size_t)length->data[0] << 8 | length->data[1];
		struct dk_secret48 prk;
		uint8_t out[255 * 48];

		assert_true(len <= sizeof(out) && okm->len <= len);
		assert_ok(
		    dk_hkdf_extract(DK_SHA384, salt->data, salt->len, ikm->data, ikm->len, &prk));
		assert_memory_equal(prk.bytes, fixture_get(&fx, "prk")->data, 48);
		assert_ok(dk_hkdf_expand(DK_SHA384, &prk, info->data, info->len, out, len));
		assert_memory_equal(out + len - okm->len, okm->data, okm->len);
		n++;
	}
	fixture_close(&fx);
	assert_int_equal(n, 4);
}

static void
hkdf_parts_are_one_text(void **state)
{
	const struct dk_part parts[] = { { "ab", 2 }, { "", 0 }, { "c", 1 } };
	struct dk_secret48 whole;
	struct dk_secret48 split;
	uint8_t a[100];
	uint8_t b[100];

	(void)state;
	assert_ok(
	    dk_hkdf_extract(DK_SHA384, (const uint8_t *)"s", 1, (const uint8_t *)"abc", 3, &whole));
	assert_ok(dk_hkdf_extract_parts(DK_SHA384, (const uint8_t *)"s", 1, parts, 3, &split));
	assert_memory_equal(&whole, &split, sizeof(whole));
	assert_ok(dk_hkdf_expand(DK_SHA384, &whole, (const uint8_t *)"abc", 3, a, sizeof(a)));
	assert_ok(dk_hkdf_expand_parts(DK_SHA384, &whole, parts, 3, b, sizeof(b)));
	assert_memory_equal(a, b, sizeof(a));
}

static void
hkdf_has_an_end(void **state)
{
	struct dk_secret48 prk = { { 1 } };
	uint8_t out[255 * 48 + 1];

	(void)state;
	memset(out, 0xee, sizeof(out));
	assert_err(dk_hkdf_expand(DK_SHA384, &prk, NULL, 0, out, 255 * 48 + 1), DK_ERR_ARGUMENT);
	assert_err(dk_hkdf_expand(DK_SHA256, &prk, NULL, 0, out, 255 * 32 + 1), DK_ERR_ARGUMENT);
	assert_int_equal(out[0], 0xee);
	assert_ok(dk_hkdf_expand(DK_SHA256, &prk, NULL, 0, out, 255 * 32));
	assert_int_equal(out[255 * 32], 0xee);
}

/* Keys and hashes take turns in the contexts that a scope keeps. */
static void
all_in_a_scope(void **state)
{
	dk_auto_hmac_scope scope = dk_hmac_scope_open();
	struct dk_secret48 key = { { 1 } };
	uint8_t out[48];

	hmac_sha384_of_rfc_4231(state);
	hkdf_sha256_of_rfc_5869(state);
	assert_err(dk_hkdf_expand(DK_SHA384, &key, NULL, 0, out, 255 * 48 + 1), DK_ERR_ARGUMENT);
	hkdf_sha384(state);
	hkdf_parts_are_one_text(state);
}

static void
the_same_in_scopes(void **state)
{
	dk_auto_hmac_scope scope = dk_hmac_scope_open();

	all_in_a_scope(state);
	hmac_sha384_of_rfc_4231(state);
	all_in_a_scope(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha2_of_abc_in_parts),
		cmocka_unit_test(too_many_parts_are_refused),
		cmocka_unit_test(hmac_sha384_of_rfc_4231),
		cmocka_unit_test(hkdf_sha256_of_rfc_5869),
		cmocka_unit_test(hkdf_sha384),
		cmocka_unit_test(hkdf_parts_are_one_text),
		cmocka_unit_test(hkdf_has_an_end),
		cmocka_unit_test(all_in_a_scope),
		cmocka_unit_test(the_same_in_scopes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
