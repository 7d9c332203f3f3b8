/* SPDX-License-Identifier: Apache-2.0 */
/* One share wrapped to one key: what opens, and everything that must not. */
#include "unit.h"

#include <string.h>

#include "format/key_impl.h"
#include "format/stanza.h"

static const struct kind {
	enum dk_key_type type;
	unsigned rsa_bits;
	size_t enc_len;
} kinds[] = {
	{ DK_KEY_P256, 0, 65 },
	{ DK_KEY_P384, 0, 97 },
	{ DK_KEY_RSA, 3072, 384 },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct dk_pkey *keys[KINDS];
static const struct dk_secret32 share = { "a share is thirty-two bytes long" };
static const uint8_t digest[DK_SHA384_BYTES] = { 1, 2, 3 };

static int
make_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++)
		if (dk_pkey_generate(kinds[i].type, kinds[i].rsa_bits, &keys[i]) != DK_OK)
			return -1;
	return 0;
}

static int
free_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++)
		dk_pkey_free(keys[i]);
	return 0;
}

struct wrapped {
	const struct dk_pkey *key;
	dk_side side;
	uint8_t digest[DK_SHA384_BYTES];
	uint16_t type;
	uint8_t id[DK_KEY_ID_BYTES];
	uint8_t body[DK_STANZA_BODY_MAX_BYTES];
	size_t len;
};

static void
wrap(size_t i, struct wrapped *w)
{
	w->key = keys[i];
	w->side = DK_SIDE_CUSTOMER;
	memcpy(w->digest, digest, sizeof(digest));
	w->type = (uint16_t)kinds[i].type;
	memcpy(w->id, dk_pkey_id(keys[i]), sizeof(w->id));
	assert_ok(dk_stanza_wrap(w->key, w->side, w->digest, &share, w->body, &w->len));
	assert_int_equal(w->len, kinds[i].enc_len + 48);
}

static dk_err
unwrap(const struct wrapped *w, struct dk_secret32 *ret)
{
	return dk_stanza_unwrap(w->key, w->side, w->digest, w->type, w->id, w->body, w->len, ret);
}

/* Must fail, and must leave the output alone. */
static void
refuse(const struct wrapped *w)
{
	struct dk_secret32 got = { { 7 } };
	const struct dk_secret32 before = got;

	assert_err(unwrap(w, &got), DK_ERR_STANZA_AUTH);
	assert_memory_equal(&got, &before, sizeof(got));
}

/* every type opens what it wrapped */
static void
opens(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct wrapped w;
		struct dk_secret32 got;

		wrap(i, &w);
		assert_ok(unwrap(&w, &got));
		assert_memory_equal(&got, &share, sizeof(got));
	}
}

/* two stanzas of one share to one key differ */
static void
is_fresh(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct wrapped a, b;

		wrap(i, &a);
		wrap(i, &b);
		assert_memory_not_equal(a.body, b.body, a.len);
	}
}

/* no byte of the body may change */
static void
refuses_changed_body(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		size_t step = kinds[i].type == DK_KEY_RSA ? 37 : 1;
		struct wrapped w;

		wrap(i, &w);
		for (size_t at = 0; at < w.len; at += step) {
			w.body[at] ^= 1;
			refuse(&w);
			w.body[at] ^= 1;
		}
	}
}

/* side, object, type and key id are bound */
static void
refuses_changed_context(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct wrapped w;

		wrap(i, &w);
		w.side = DK_SIDE_PROVIDER;
		refuse(&w);
		w.side = DK_SIDE_CUSTOMER;
		w.digest[47] ^= 1;
		refuse(&w);
		w.digest[47] ^= 1;
		w.type ^= 3;
		refuse(&w);
		w.type ^= 3;
		w.id[0] ^= 1;
		refuse(&w);
	}
}

/* a length that is not that of the key is refused before anything is read */
static void
refuses_lengths(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct wrapped w;
		size_t len;

		wrap(i, &w);
		len = w.len;
		for (size_t j = 0; j < 3; j++) {
			w.len = (const size_t[]){ 0, len - 1, len + 1 }[j];
			refuse(&w);
		}
	}
}

/* another key of the same type does not open it */
static void
refuses_another_key(void **state)
{
	struct dk_pkey *other = NULL;
	struct wrapped w;

	(void)state;
	wrap(0, &w);
	assert_ok(dk_pkey_generate(DK_KEY_P256, 0, &other));
	w.key = other;
	refuse(&w);
	/* not even if the stanza names it */
	memcpy(w.id, dk_pkey_id(other), sizeof(w.id));
	refuse(&w);
	dk_pkey_free(other);
}

/* a public key wraps, and says that it cannot unwrap */
static void
needs_private(void **state)
{
	struct dk_pkey *public_half = NULL;
	struct dk_secret32 got;
	struct wrapped w;
	const uint8_t *spki;
	size_t len;

	(void)state;
	wrap(0, &w);
	spki = dk_pkey_spki(keys[0], &len);
	assert_ok(dk_pkey_from_spki(spki, len, &public_half));
	w.key = public_half;
	assert_err(unwrap(&w, &got), DK_ERR_KEY_NEED_PRIVATE);
	assert_ok(dk_stanza_wrap(public_half, w.side, w.digest, &share, w.body, &w.len));
	w.key = keys[0];
	assert_ok(unwrap(&w, &got));
	dk_pkey_free(public_half);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens),
		cmocka_unit_test(is_fresh),
		cmocka_unit_test(refuses_changed_body),
		cmocka_unit_test(refuses_changed_context),
		cmocka_unit_test(refuses_lengths),
		cmocka_unit_test(refuses_another_key),
		cmocka_unit_test(needs_private),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
