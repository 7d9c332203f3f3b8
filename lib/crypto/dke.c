/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/dke.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/rsa.h>

#include "crypto/dke_impl.h"
#include "crypto/evp.h"
#include "crypto/oaep.h"

#define H DK_SHA256_BYTES

struct dk_dke_key {
	EVP_PKEY *evp;
	bool has_private;
	size_t bytes; /* of the modulus */
	size_t spki_len;
	uint8_t id[DK_KEY_ID_BYTES];
	uint8_t spki[DK_SPKI_MAX_BYTES];
};

void
dk_dke_free(struct dk_dke_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->evp);
	free(key);
}

void
dk_dke_cleanup(struct dk_dke_key **key)
{
	dk_dke_free(*key);
	*key = NULL;
}

void
dk_dke_plain_clear(struct dk_dke_plain *plain)
{
	dk_wipe(plain, sizeof(*plain));
}

static bool
size_allowed(int bytes)
{
	return bytes == 256 || bytes == 384 || bytes == 512;
}

/* Takes evp, also on error. */
static dk_err
key_new(EVP_PKEY *evp, bool has_private, struct dk_dke_key **ret)
{
	struct dk_dke_key *key = calloc(1, sizeof(*key));
	dk_err err = key ? DK_OK : DK_ERR_NOMEM;

	if (err == DK_OK && !size_allowed(EVP_PKEY_get_size(evp)))
		err = DK_ERR_KEY_TYPE;
	if (err == DK_OK)
		err = dk_evp_rsa_spki(evp, DK_DKE_MIN_BYTES, key->spki, &key->spki_len);
	if (err == DK_OK && !dk_evp_rsa_is_spki(key->spki, key->spki_len, DK_DKE_MIN_BYTES))
		err = DK_ERR_KEY_INVALID;
	if (err == DK_OK) {
		const struct dk_part part = { key->spki, key->spki_len };

		err = dk_sha256(&part, 1, key->id);
	}
	if (err != DK_OK) {
		EVP_PKEY_free(evp);
		free(key);
		return err;
	}
	key->evp = evp;
	key->has_private = has_private;
	key->bytes = (size_t)EVP_PKEY_get_size(evp);
	*ret = key;
	return DK_OK;
}

dk_err
dk_dke_generate(unsigned bits, struct dk_dke_key **ret)
{
	EVP_PKEY *evp;
	dk_err err;

	if (bits % 8 != 0 || !size_allowed((int)(bits / 8)))
		return DK_ERR_ARGUMENT;
	err = dk_evp_rsa_generate(bits, &evp);
	return err == DK_OK ? key_new(evp, true, ret) : err;
}

dk_err
dk_dke_take(EVP_PKEY *evp, struct dk_dke_key **ret)
{
	struct dk_dke_key *key;
	EVP_PKEY *pub = NULL;
	dk_err err = key_new(evp, true, &key);

	if (err != DK_OK)
		return err;
	/* Made from the modulus and 65537: a key of another exponent is no pair with it. */
	err = dk_evp_rsa_from_spki(key->spki, key->spki_len, &pub);
	if (err == DK_OK)
		err = dk_evp_rsa_check_pair(pub, key->evp, key->bytes);
	EVP_PKEY_free(pub);
	if (err != DK_OK) {
		dk_dke_free(key);
		return err;
	}
	*ret = key;
	return DK_OK;
}

dk_err
dk_dke_from_private(const uint8_t *der, size_t len, struct dk_dke_key **ret)
{
	EVP_PKEY *evp = NULL;
	dk_err err = dk_evp_rsa_from_pkcs8(der, len, &evp);

	return err == DK_OK ? dk_dke_take(evp, ret) : err;
}

dk_err
dk_dke_from_spki(const uint8_t *der, size_t len, struct dk_dke_key **ret)
{
	EVP_PKEY *evp;
	dk_err err;

	if (!dk_evp_rsa_is_spki(der, len, DK_DKE_MIN_BYTES))
		return DK_ERR_KEY_INVALID;
	err = dk_evp_rsa_from_spki(der, len, &evp);
	return err == DK_OK ? key_new(evp, false, ret) : err;
}

dk_err
dk_dke_private_bytes(const struct dk_dke_key *key, uint8_t *out, size_t *len)
{
	return key->has_private ? dk_evp_rsa_private_bytes(key->evp, out, len)
				: DK_ERR_KEY_NEED_PRIVATE;
}

const uint8_t *
dk_dke_spki(const struct dk_dke_key *key, size_t *ret_len)
{
	*ret_len = key->spki_len;
	return key->spki;
}

const uint8_t *
dk_dke_id(const struct dk_dke_key *key)
{
	return key->id;
}

const uint8_t *
dk_dke_modulus(const struct dk_dke_key *key, size_t *ret_len)
{
	*ret_len = key->bytes;
	return dk_evp_rsa_spki_modulus(key->spki, key->spki_len);
}

/* ---- unwrapping ---- */

/* All ones if a is 0, else 0. */
static uint32_t
zero_mask(uint32_t a)
{
	return 0u - (((~a & (a - 1u)) >> 31) & 1u);
}

static uint32_t
choose(uint32_t mask, uint32_t yes, uint32_t no)
{
	return (mask & yes) | (~mask & no);
}

/* Where the text begins in DB, behind 00... 01; *bad gets bits if it begins nowhere. */
static uint32_t
find_text(const uint8_t *db, size_t len, uint32_t *bad)
{
	uint32_t found = 0, start = 0;

	for (size_t i = H; i < len; i++) {
		uint32_t one = zero_mask(db[i] ^ 1u);

		start = choose(~found & one, (uint32_t)i + 1, start);
		found |= one;
		*bad |= ~found & ~zero_mask(db[i]);
	}
	*bad |= ~found;
	return start;
}

/* Bytes of the window from shift on come to its begin; shift below 256. */
static void
shift_left(uint8_t window[DK_DKE_PLAIN_MAX_BYTES], uint32_t shift)
{
	for (unsigned bit = 0; bit < 8; bit++) {
		uint32_t mask = 0u - ((shift >> bit) & 1u);
		size_t step = (size_t)1 << bit;

		for (size_t i = 0; i < DK_DKE_PLAIN_MAX_BYTES; i++) {
			uint8_t next = i + step < DK_DKE_PLAIN_MAX_BYTES ? window[i + step] : 0;

			window[i] = (uint8_t)choose(mask, next, window[i]);
		}
	}
}

static uint32_t
decode(const uint8_t *em, size_t len, struct dk_dke_plain *ret)
{
	const uint8_t *db = em + 1 + H;
	size_t db_len = len - 1 - H;
	uint32_t bad = em[0], text_len;

	for (size_t i = 0; i < H; i++)
		bad |= (uint32_t)(db[i] ^ dk_oaep_label_hash[i]);
	text_len = (uint32_t)db_len - find_text(db, db_len, &bad);
	bad |= zero_mask(text_len);
	bad |= 0u - ((DK_DKE_PLAIN_MAX_BYTES - text_len) >> 31); /* longer than that */
	memcpy(ret->bytes, db + db_len - sizeof(ret->bytes), sizeof(ret->bytes));
	shift_left(ret->bytes, (DK_DKE_PLAIN_MAX_BYTES - text_len) & 0xffu);
	ret->len = text_len;
	return bad;
}

dk_err
dk_dke_decode(const struct dk_dke_key *key, const uint8_t *em, size_t len, bool fits,
    struct dk_dke_plain *ret_plain)
{
	dk_auto_dke_plain plain = { .len = 0 };
	uint8_t block[DK_DKE_MAX_BYTES];
	uint32_t bad = fits ? 0 : 1;
	dk_err err;

	if (len != key->bytes)
		return DK_ERR_CRYPTO;
	memcpy(block, em, len);
	dk_ct_secret(block, len);
	err = dk_oaep_unmask(block, len);
	if (err == DK_OK) {
		bad |= decode(block, len, &plain);
		/* Whether it opened is told, and then how long it is. */
		bad = ~zero_mask(bad);
		dk_ct_public(&bad, sizeof(bad));
		err = bad ? DK_ERR_STANZA_AUTH : DK_OK;
	}
	if (err == DK_OK) {
		dk_ct_public(&plain.len, sizeof(plain.len));
		*ret_plain = plain;
	}
	dk_wipe(block, sizeof(block));
	return err;
}

/* 0 stays 0 in libcrypto's blinding, and would be the one number that is quick. */
static bool
is_below(const uint8_t *value, const uint8_t *modulus, size_t len)
{
	uint32_t any = 0, borrow = 0;

	for (size_t i = len; i-- > 0;) {
		any |= value[i];
		borrow = (((uint32_t)value[i] - modulus[i] - borrow) >> 8) & 1u;
	}
	return (any != 0) & (borrow != 0);
}

/* One that has another length takes as long: what is looked at is as long as the modulus. */
dk_err
dk_dke_number(
    const struct dk_dke_key *key, const uint8_t *value, size_t len, uint8_t *number, bool *ret_fits)
{
	uint8_t given[DK_DKE_MAX_BYTES] = { 0 };
	uint32_t take;
	dk_err err = dk_random(number, key->bytes);

	if (err != DK_OK)
		return err;
	if (len > 0)
		memcpy(given, value, len < key->bytes ? len : key->bytes);
	number[0] &= 0x7f; /* below any modulus of that length, and as long as most values are */
	*ret_fits = is_below(given, dk_evp_rsa_spki_modulus(key->spki, key->spki_len), key->bytes) &
	    (len == key->bytes);
	take = 0u - (uint32_t)*ret_fits;
	for (size_t i = 0; i < key->bytes; i++)
		number[i] = (uint8_t)choose(take, given[i], number[i]);
	return DK_OK;
}

dk_err
dk_dke_unwrap(
    const struct dk_dke_key *key, const uint8_t *value, size_t len, struct dk_dke_plain *ret_plain)
{
	uint8_t number[DK_DKE_MAX_BYTES], em[DK_DKE_MAX_BYTES];
	bool fits;
	dk_err err;

	if (!key->has_private)
		return DK_ERR_KEY_NEED_PRIVATE;
	err = dk_dke_number(key, value, len, number, &fits);
	if (err == DK_OK)
		err = dk_evp_rsa_power(key->evp, number, em, key->bytes);
	/* The key works, which was tried when it was made. */
	if (err == DK_ERR_KEY_INVALID)
		err = DK_ERR_CRYPTO;
	if (err == DK_OK)
		err = dk_dke_decode(key, em, key->bytes, fits, ret_plain);
	dk_wipe(em, sizeof(em));
	return err;
}
