/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP Message Signatures (RFC 9421) as far as signed requests use them. */
#include "unit.h"

#include <string.h>

#include "crypto/base64.h"
#include "native/request.h"

/* RFC 9421 appendix B.1.3: test-key-ecc-p256. */
#define RFC_KEY                                                                                    \
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf"                         \
	"w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ=="
/* Appendix B.2.4: signature base and signature. */
#define RFC_BASE                                                                                   \
	"\"@status\": 200\n"                                                                       \
	"\"content-type\": application/json\n"                                                     \
	"\"content-digest\": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41Q"                  \
	"JgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:\n"                                        \
	"\"content-length\": 23\n"                                                                 \
	"\"@signature-params\": (\"@status\" \"content-type\" \"content-digest\" "                 \
	"\"content-length\");created=1618884473;keyid=\"test-key-ecc-p256\""
#define RFC_SIGNATURE                                                                              \
	"wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw=="

static struct dk_pkey *
rfc_key(void)
{
	struct dk_pkey *key;
	uint8_t spki[128];
	size_t len;

	assert_ok(dk_base64_decode(RFC_KEY, strlen(RFC_KEY), spki, sizeof(spki), &len));
	assert_ok(dk_pkey_from_spki(spki, len, &key));
	return key;
}

static void
the_signature_of_rfc_9421_verifies(void **state)
{
	char base[] = RFC_BASE;
	const struct dk_part part = { base, strlen(base) };
	struct dk_pkey *key = rfc_key();
	uint8_t sig[64];
	size_t len;

	(void)state;
	assert_ok(dk_base64_decode(RFC_SIGNATURE, strlen(RFC_SIGNATURE), sig, sizeof(sig), &len));
	assert_int_equal(len, 64);
	assert_ok(dk_ecdsa_verify(key, &part, 1, sig));
	for (size_t i = 0; i < part.len; i += 7) {
		base[i] ^= 1;
		assert_err(dk_ecdsa_verify(key, &part, 1, sig), DK_ERR_CREATOR_SIGNATURE);
		base[i] ^= 1;
	}
	dk_pkey_free(key);
}

/* Section 2.5 of the RFC, by hand, for the components of a request. */
static void
the_base_is_that_of_the_rfc(void **state)
{
	static const char want[] =
	    "\"@method\": POST\n"
	    "\"@target-uri\": https://keys.example.org:8443/v1/release\n"
	    "\"content-digest\": sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:\n"
	    "\"@signature-params\": (\"@method\" \"@target-uri\" \"content-digest\")"
	    ";created=1618884473;nonce=\"000102030405060708090a0b0c0d0e0f\";keyid=\""
	    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"";
	/* Content-Digest of appendix B.2: RFC 9530 appendix A has its body. */
	const struct dk_part body = { "{\"hello\": \"world\"}", 18 };
	struct dk_request_signature sig = { .created = 1618884473 };
	char base[DK_SIGNATURE_BASE_MAX_BYTES];
	uint8_t hash[32];
	size_t len;

	(void)state;
	for (uint8_t i = 0; i < sizeof(sig.nonce); i++)
		sig.nonce[i] = i;
	memset(sig.key_id, 0xff, sizeof(sig.key_id));
	assert_ok(dk_sha256(&body, 1, hash));
	assert_ok(dk_signature_base(
	    &sig, "https://keys.example.org:8443", "/v1/release", hash, base, &len));
	assert_int_equal(len, strlen(want));
	assert_string_equal(base, want);
}

static void
one_form_and_no_other(void **state)
{
	struct dk_request_signature sig = { .created = (UINT64_C(1) << 40) - 1 }, read;
	char text[DK_SIGNATURE_INPUT_MAX_BYTES], header[DK_SIGNATURE_INPUT_MAX_BYTES + 8] = "dk=";

	(void)state;
	for (unsigned token = 0; token < 2; token++) {
		sig.has_token = token;
		assert_true(dk_signature_params(&sig, text));
		memcpy(header + 3, text, strlen(text) + 1);
		assert_true(dk_signature_input_parse(header, &read));
		assert_true(read.created == sig.created && read.has_token == sig.has_token);
		/* No byte of it can be another one, but for the digits. */
		for (size_t i = 0; header[i]; i++) {
			char kept = header[i];

			header[i] = '~';
			assert_false(dk_signature_input_parse(header, &read));
			header[i] = kept;
		}
	}
	sig.created++;
	assert_false(dk_signature_params(&sig, text));
}

/* spec/key-service.md section 1. */
static void
what_is_a_base_url(void **state)
{
	static const char *const good[] = { "https://a:1", "https://keys.example.org:8443",
		"https://[::1]:65535", "https://127.0.0.1:443" };
	static const char *const bad[] = { "", "https://", "https://a", "https://a:", "https://:1",
		"https://a:0", "https://a:01", "https://a:65536", "https://a:73979",
		"https://a:99999", "https://a:100000", "https://a:4294967297", "https://a:1/",
		"https://a:+1", "https://a: 1", "https://a:1x", "https://A:1", "http://a:1",
		"https://a@b:1", "https://a:1#" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(dk_base_url_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(dk_base_url_valid(bad[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_signature_of_rfc_9421_verifies),
		cmocka_unit_test(the_base_is_that_of_the_rfc),
		cmocka_unit_test(one_form_and_no_other),
		cmocka_unit_test(what_is_a_base_url),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
