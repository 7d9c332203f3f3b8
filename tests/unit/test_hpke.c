/* SPDX-License-Identifier: Apache-2.0 */
/* HPKE against known answers, and what must not open. */
#include "unit.h"

#include <string.h>

#include "crypto/hpke.h"
#include "crypto/pkey.h"
#include "fixture.h"

static struct dk_pkey *
pair_of(
    enum dk_key_type type, const struct fixture_field *scalar, const struct fixture_field *point)
{
	struct dk_pkey *public;
	struct dk_pkey *pair;
	const uint8_t *spki;
	size_t len;

	assert_ok(dk_pkey_from_point(type, point->data, point->len, &public));
	spki = dk_pkey_spki(public, &len);
	assert_ok(dk_pkey_from_private(type, spki, len, scalar->data, scalar->len, &pair));
	dk_pkey_free(public);
	return pair;
}

/* Both ends of the case "setup": one context to seal with, one to open with. */
static void
set_up(const struct fixture *fx, enum dk_key_type type, struct dk_hpke *seal, struct dk_hpke *open)
{
	const struct fixture_field *info = fixture_get(fx, "info");
	const struct fixture_field *enc = fixture_get(fx, "enc");
	struct dk_pkey *recipient = pair_of(type, fixture_get(fx, "skRm"), fixture_get(fx, "pkRm"));
	struct dk_pkey *ephemeral = pair_of(type, fixture_get(fx, "skEm"), enc);
	uint8_t got[97];
	size_t got_len;

	assert_string_equal(fx->what, "setup");
	assert_ok(dk_hpke_sender(recipient, info->data, info->len, ephemeral, seal, got, &got_len));
	assert_int_equal(got_len, enc->len);
	assert_memory_equal(got, enc->data, enc->len);
	assert_ok(dk_hpke_receiver(recipient, enc->data, enc->len, info->data, info->len, open));
	assert_memory_equal(seal, open, sizeof(*seal));
	assert_memory_equal(seal->key.bytes, fixture_get(fx, "key")->data, 32);
	assert_memory_equal(seal->base_nonce, fixture_get(fx, "base_nonce")->data, 12);
	assert_true(seal->seq == 0);
	dk_pkey_free(recipient);
	dk_pkey_free(ephemeral);
}

static void
known_answers(const char *path, enum dk_key_type type, unsigned messages)
{
	struct fixture fx;
	struct dk_hpke seal;
	struct dk_hpke open;
	unsigned n = 0;

	fixture_open(&fx, path);
	assert_true(fixture_next(&fx));
	set_up(&fx, type, &seal, &open);
	while (fixture_next(&fx)) {
		const struct fixture_field *aad = fixture_get(&fx, "aad");
		const struct fixture_field *pt = fixture_get(&fx, "pt");
		const struct fixture_field *ct = fixture_get(&fx, "ct");
		const struct fixture_field *seq = fixture_get(&fx, "seq");
		uint8_t out[128];

		seal.seq = 0;
		for (size_t i = 0; i < seq->len; i++)
			seal.seq = seal.seq << 8 | seq->data[i];
		open.seq = seal.seq;
		assert_true(ct->len <= sizeof(out));
		assert_ok(dk_hpke_seal(&seal, aad->data, aad->len, pt->data, pt->len, out));
		assert_memory_equal(out, ct->data, ct->len);
		assert_ok(dk_hpke_open(&open, aad->data, aad->len, ct->data, ct->len, out));
		assert_memory_equal(out, pt->data, pt->len);
		n++;
	}
	fixture_close(&fx);
	assert_int_equal(n, messages);
}

static void
p256_of_the_rfc_authors(void **state)
{
	(void)state;
	known_answers("spec/vectors/hpke/p256.txt", DK_KEY_P256, 6);
}

static void
p384_of_another_implementation(void **state)
{
	(void)state;
	known_answers("spec/vectors/hpke/p384.txt", DK_KEY_P384, 5);
}

struct ends {
	struct dk_pkey *key;
	struct dk_hpke seal;
	uint8_t enc[97];
	size_t enc_len;
};

static void
make_ends(enum dk_key_type type, struct ends *ends)
{
	assert_ok(dk_pkey_generate(type, 0, &ends->key));
	assert_ok(dk_hpke_sender(
	    ends->key, (const uint8_t *)"info", 4, NULL, &ends->seal, ends->enc, &ends->enc_len));
}

static void
messages_come_in_order(void **state)
{
	struct ends ends;
	struct dk_hpke open;
	uint8_t ct[3][20];
	uint8_t out[4];

	(void)state;
	make_ends(DK_KEY_P256, &ends);
	for (unsigned i = 0; i < 3; i++)
		assert_ok(dk_hpke_seal(&ends.seal, NULL, 0, (const uint8_t *)"abcd", 4, ct[i]));
	assert_ok(
	    dk_hpke_receiver(ends.key, ends.enc, ends.enc_len, (const uint8_t *)"info", 4, &open));
	assert_err(dk_hpke_open(&open, NULL, 0, ct[1], 20, out), DK_ERR_STANZA_AUTH);
	/* A message that fails does not count. */
	for (unsigned i = 0; i < 3; i++) {
		assert_ok(dk_hpke_open(&open, NULL, 0, ct[i], 20, out));
		assert_memory_equal(out, "abcd", 4);
		assert_err(dk_hpke_open(&open, NULL, 0, ct[i], 20, out), DK_ERR_STANZA_AUTH);
	}
	open.seq = UINT64_MAX;
	assert_err(dk_hpke_open(&open, NULL, 0, ct[0], 20, out), DK_ERR_STATE);
	assert_err(dk_hpke_seal(&open, NULL, 0, out, 4, ct[0]), DK_ERR_STATE);
	dk_pkey_free(ends.key);
}

static void
ephemeral_keys_are_new(void **state)
{
	struct ends ends;
	struct dk_hpke other;
	uint8_t enc[97];
	size_t len;

	(void)state;
	make_ends(DK_KEY_P256, &ends);
	assert_ok(dk_hpke_sender(ends.key, (const uint8_t *)"info", 4, NULL, &other, enc, &len));
	assert_memory_not_equal(enc, ends.enc, 65);
	assert_memory_not_equal(&other.key, &ends.seal.key, 32);
	dk_pkey_free(ends.key);
}

static void
another_info_key_or_aad_does_not_open(void **state)
{
	struct ends ends;
	struct dk_hpke open;
	struct dk_pkey *stranger;
	uint8_t ct[20];
	uint8_t out[4];

	(void)state;
	make_ends(DK_KEY_P384, &ends);
	assert_ok(
	    dk_hpke_seal(&ends.seal, (const uint8_t *)"aad", 3, (const uint8_t *)"abcd", 4, ct));
	assert_ok(
	    dk_hpke_receiver(ends.key, ends.enc, ends.enc_len, (const uint8_t *)"Info", 4, &open));
	assert_err(dk_hpke_open(&open, (const uint8_t *)"aad", 3, ct, 20, out), DK_ERR_STANZA_AUTH);
	assert_ok(dk_pkey_generate(DK_KEY_P384, 0, &stranger));
	assert_ok(
	    dk_hpke_receiver(stranger, ends.enc, ends.enc_len, (const uint8_t *)"info", 4, &open));
	assert_err(dk_hpke_open(&open, (const uint8_t *)"aad", 3, ct, 20, out), DK_ERR_STANZA_AUTH);
	assert_ok(
	    dk_hpke_receiver(ends.key, ends.enc, ends.enc_len, (const uint8_t *)"info", 4, &open));
	assert_err(dk_hpke_open(&open, (const uint8_t *)"aae", 3, ct, 20, out), DK_ERR_STANZA_AUTH);
	assert_ok(dk_hpke_open(&open, (const uint8_t *)"aad", 3, ct, 20, out));
	dk_pkey_free(stranger);
	dk_pkey_free(ends.key);
}

static void
bad_encapsulations_are_refused(void **state)
{
	struct ends ends;
	struct dk_hpke open;
	uint8_t enc[98] = { 0 };

	(void)state;
	make_ends(DK_KEY_P256, &ends);
	memcpy(enc, ends.enc, 65);
	for (size_t len = 0; len < 98; len += len == 64 ? 2 : 1)
		assert_err(
		    dk_hpke_receiver(ends.key, enc, len, NULL, 0, &open), DK_ERR_STANZA_AUTH);
	enc[64] ^= 1; /* off the curve */
	assert_err(dk_hpke_receiver(ends.key, enc, 65, NULL, 0, &open), DK_ERR_STANZA_AUTH);
	enc[64] ^= 1;
	for (unsigned form = 0; form < 256; form++) {
		enc[0] = (uint8_t)form;
		if (form != 4)
			assert_err(dk_hpke_receiver(ends.key, enc, 65, NULL, 0, &open),
			    DK_ERR_STANZA_AUTH);
	}
	enc[0] = 0; /* infinity */
	assert_err(dk_hpke_receiver(ends.key, enc, 1, NULL, 0, &open), DK_ERR_STANZA_AUTH);
	memset(enc, 0, sizeof(enc));
	enc[0] = 4;
	assert_err(dk_hpke_receiver(ends.key, enc, 65, NULL, 0, &open), DK_ERR_STANZA_AUTH);
	dk_pkey_free(ends.key);
}

static void
wrong_kinds_of_key_are_refused(void **state)
{
	struct ends ends;
	struct dk_hpke ctx;
	struct dk_pkey *public;
	struct dk_pkey *other;
	const uint8_t *spki;
	uint8_t enc[97];
	size_t len;

	(void)state;
	make_ends(DK_KEY_P256, &ends);
	spki = dk_pkey_spki(ends.key, &len);
	assert_ok(dk_pkey_from_spki(spki, len, &public));
	assert_err(dk_hpke_receiver(public, ends.enc, ends.enc_len, NULL, 0, &ctx),
	    DK_ERR_KEY_NEED_PRIVATE);
	assert_err(dk_hpke_sender(public, NULL, 0, public, &ctx, enc, &len), DK_ERR_ARGUMENT);
	assert_ok(dk_pkey_generate(DK_KEY_P384, 0, &other));
	assert_err(dk_hpke_sender(public, NULL, 0, other, &ctx, enc, &len), DK_ERR_ARGUMENT);
	dk_pkey_free(other);
	assert_ok(dk_pkey_generate(DK_KEY_RSA, 3072, &other));
	assert_err(dk_hpke_sender(other, NULL, 0, NULL, &ctx, enc, &len), DK_ERR_KEY_TYPE);
	assert_err(dk_hpke_receiver(other, ends.enc, ends.enc_len, NULL, 0, &ctx), DK_ERR_KEY_TYPE);
	dk_pkey_free(other);
	dk_pkey_free(public);
	dk_pkey_free(ends.key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p256_of_the_rfc_authors),
		cmocka_unit_test(p384_of_another_implementation),
		cmocka_unit_test(messages_come_in_order),
		cmocka_unit_test(ephemeral_keys_are_new),
		cmocka_unit_test(another_info_key_or_aad_does_not_open),
		cmocka_unit_test(bad_encapsulations_are_refused),
		cmocka_unit_test(wrong_kinds_of_key_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
