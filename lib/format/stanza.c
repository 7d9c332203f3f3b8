/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stanza.h"

#include <string.h>

#include "base/bytes.h"
#include "format/key_impl.h"
#include "format/schedule.h"

/* Each wrap key of an RSA stanza is used once. */
static const uint8_t zero_iv[DK_GCM_IV_BYTES];

struct wrap_info {
	uint8_t bytes[DK_INFO_MAX_BYTES];
	size_t len;
};

uint16_t
dk_stanza_type_of(const struct dk_pkey *pkey)
{
	return (uint16_t)dk_pkey_type(pkey);
}

static dk_err
wrap_info(const struct dk_pkey *pkey, dk_side side, const uint8_t core_digest[DK_SHA384_BYTES],
    struct wrap_info *ret_info)
{
	uint16_t type = dk_stanza_type_of(pkey);
	const uint8_t head[3] = { (uint8_t)side, (uint8_t)(type >> 8), (uint8_t)type };
	const struct dk_part data[] = {
		{ head, sizeof(head) },
		{ dk_pkey_id(pkey), DK_KEY_ID_BYTES },
		{ core_digest, DK_SHA384_BYTES },
	};

	return dk_info("stanza", data, 3, ret_info->bytes, &ret_info->len);
}

static dk_err
wrap_aad(const struct dk_pkey *pkey, const uint8_t *enc, size_t enc_len,
    uint8_t ret_aad[DK_SHA384_BYTES])
{
	size_t recipient_len;
	const uint8_t *recipient = dk_pkey_recipient(pkey, &recipient_len);
	const struct dk_part parts[] = { { enc, enc_len }, { recipient, recipient_len } };

	return dk_sha384(parts, 2, ret_aad);
}

static size_t
enc_bytes(const struct dk_pkey *pkey)
{
	switch (dk_pkey_type(pkey)) {
	case DK_KEY_P256:
		return DK_P256_POINT_BYTES;
	case DK_KEY_P384:
		return DK_P384_POINT_BYTES;
	case DK_KEY_RSA:
		return dk_pkey_rsa_bytes(pkey);
	default:
		return 0;
	}
}

static dk_err
ec_wrap(const struct dk_pkey *pkey, const struct wrap_info *info, const struct dk_secret32 *share,
    uint8_t *body, size_t *ret_enc_len)
{
	dk_auto_hpke hpke = { 0 };
	uint8_t aad[DK_SHA384_BYTES];
	size_t enc_len;
	dk_err err;

	err = dk_hpke_sender(pkey, info->bytes, info->len, NULL, &hpke, body, &enc_len);
	if (err != DK_OK)
		return err;
	err = wrap_aad(pkey, body, enc_len, aad);
	if (err != DK_OK)
		return err;
	err = dk_hpke_seal(&hpke, aad, sizeof(aad), share->bytes, DK_SHARE_BYTES, body + enc_len);
	if (err != DK_OK)
		return err;
	*ret_enc_len = enc_len;
	return DK_OK;
}

static dk_err
ec_unwrap(const struct dk_pkey *pkey, const struct wrap_info *info, const uint8_t *body,
    size_t enc_len, const struct dk_secret66 *dh, struct dk_secret32 *ret_share)
{
	dk_auto_hpke hpke = { 0 };
	dk_auto_secret32 share = { { 0 } };
	uint8_t aad[DK_SHA384_BYTES];
	dk_err err;

	err = wrap_aad(pkey, body, enc_len, aad);
	if (err != DK_OK)
		return err;
	err = dh ? dk_hpke_receiver_dh(pkey, body, enc_len, dh, info->bytes, info->len, &hpke)
		 : dk_hpke_receiver(pkey, body, enc_len, info->bytes, info->len, &hpke);
	if (err != DK_OK)
		return err;
	err = dk_hpke_open(
	    &hpke, aad, sizeof(aad), body + enc_len, DK_WRAPPED_SHARE_BYTES, share.bytes);
	if (err != DK_OK)
		return err;
	*ret_share = share;
	return DK_OK;
}

static dk_err
rsa_wrap_key(
    const struct dk_secret32 *seed, const struct wrap_info *info, struct dk_secret32 *ret_key)
{
	dk_auto_secret48 prk = { { 0 } };
	uint8_t salt[DK_INFO_MAX_BYTES];
	size_t salt_len;
	dk_err err;

	err = dk_info("rsa-oaep", NULL, 0, salt, &salt_len);
	if (err != DK_OK)
		return err;
	err = dk_hkdf_extract(DK_SHA384, salt, salt_len, seed->bytes, sizeof(seed->bytes), &prk);
	if (err != DK_OK)
		return err;
	return dk_hkdf_expand(
	    DK_SHA384, &prk, info->bytes, info->len, ret_key->bytes, sizeof(ret_key->bytes));
}

static dk_err
rsa_wrap(const struct dk_pkey *pkey, const struct wrap_info *info, const struct dk_secret32 *share,
    uint8_t *body, size_t *ret_enc_len)
{
	dk_auto_secret32 seed = { { 0 } };
	dk_auto_secret32 key = { { 0 } };
	uint8_t aad[DK_SHA384_BYTES];
	size_t enc_len;
	dk_err err;

	err = dk_random(seed.bytes, sizeof(seed.bytes));
	if (err != DK_OK)
		return err;
	err = dk_oaep_seal(pkey, &seed, body, &enc_len);
	if (err != DK_OK)
		return err;
	err = rsa_wrap_key(&seed, info, &key);
	if (err != DK_OK)
		return err;
	err = wrap_aad(pkey, body, enc_len, aad);
	if (err != DK_OK)
		return err;
	err = dk_gcm_seal(
	    &key, zero_iv, aad, sizeof(aad), share->bytes, DK_SHARE_BYTES, body + enc_len);
	if (err != DK_OK)
		return err;
	*ret_enc_len = enc_len;
	return DK_OK;
}

/* The inner layer. */
static dk_err
rsa_unwrap_seed(const struct dk_pkey *pkey, const struct wrap_info *info, const uint8_t *body,
    size_t enc_len, const struct dk_secret32 *seed, struct dk_secret32 *ret_share)
{
	dk_auto_secret32 key = { { 0 } };
	dk_auto_secret32 share = { { 0 } };
	uint8_t aad[DK_SHA384_BYTES];
	dk_err err;

	err = wrap_aad(pkey, body, enc_len, aad);
	if (err != DK_OK)
		return err;
	err = rsa_wrap_key(seed, info, &key);
	if (err != DK_OK)
		return err;
	err = dk_gcm_open(
	    &key, zero_iv, aad, sizeof(aad), body + enc_len, DK_WRAPPED_SHARE_BYTES, share.bytes);
	if (err != DK_OK)
		return err;
	*ret_share = share;
	return DK_OK;
}

/* raw: what a token gave for the encapsulation; NULL: the key is here. */
static dk_err
rsa_unwrap(const struct dk_pkey *pkey, const struct wrap_info *info, const uint8_t *body,
    size_t enc_len, const uint8_t *raw, struct dk_secret32 *ret_share)
{
	dk_auto_secret32 seed = { { 0 } };
	dk_err err;

	err = raw ? dk_oaep_decode(raw, enc_len, &seed) : dk_oaep_open(pkey, body, enc_len, &seed);
	if (err != DK_OK)
		return err;
	return rsa_unwrap_seed(pkey, info, body, enc_len, &seed, ret_share);
}

/*
 * A wrong padding and memory that libcrypto did not get look the same, and must. What
 * tells them apart is a second try, whatever it was that failed. It is made with a
 * copy of the key: where memory was short while libcrypto renewed the blinding of a
 * key, that key gives wrong results for a while.
 */
static dk_err
rsa_unwrap_twice(const struct dk_pkey *pkey, const struct wrap_info *info, const uint8_t *body,
    size_t enc_len, struct dk_secret32 *ret_share)
{
	dk_auto_pkey *copy = NULL;
	dk_err err;

	err = rsa_unwrap(pkey, info, body, enc_len, NULL, ret_share);
	if (err != DK_ERR_STANZA_AUTH)
		return err;
	err = dk_pkey_dup(pkey, &copy);
	if (err != DK_OK)
		return err;
	return rsa_unwrap(copy, info, body, enc_len, NULL, ret_share);
}

dk_err
dk_stanza_wrap(const struct dk_pkey *pkey, dk_side side, const uint8_t core_digest[DK_SHA384_BYTES],
    const struct dk_secret32 *share, uint8_t *body, size_t *ret_len)
{
	struct wrap_info info;
	size_t enc_len;
	dk_err err;

	err = wrap_info(pkey, side, core_digest, &info);
	if (err != DK_OK)
		return err;
	if (dk_pkey_type(pkey) == DK_KEY_RSA)
		err = rsa_wrap(pkey, &info, share, body, &enc_len);
	else
		err = ec_wrap(pkey, &info, share, body, &enc_len);
	if (err != DK_OK)
		return err;
	*ret_len = enc_len + DK_WRAPPED_SHARE_BYTES;
	return DK_OK;
}

bool
dk_stanza_fits(const struct dk_pkey *pkey, uint16_t type, const uint8_t key_id[DK_KEY_ID_BYTES],
    size_t len, size_t *ret_enc_len)
{
	*ret_enc_len = enc_bytes(pkey);
	return type == dk_stanza_type_of(pkey) && len == *ret_enc_len + DK_WRAPPED_SHARE_BYTES &&
	    memcmp(key_id, dk_pkey_id(pkey), DK_KEY_ID_BYTES) == 0;
}

dk_err
dk_stanza_unwrap(const struct dk_pkey *pkey, dk_side side,
    const uint8_t core_digest[DK_SHA384_BYTES], uint16_t type,
    const uint8_t key_id[DK_KEY_ID_BYTES], const uint8_t *body, size_t len,
    struct dk_secret32 *ret_share)
{
	struct wrap_info info;
	size_t enc_len;
	dk_err err;

	if (!dk_pkey_has_private(pkey))
		return DK_ERR_KEY_NEED_PRIVATE;
	if (!dk_stanza_fits(pkey, type, key_id, len, &enc_len))
		return DK_ERR_STANZA_AUTH;
	err = wrap_info(pkey, side, core_digest, &info);
	if (err != DK_OK)
		return err;
	if (dk_pkey_type(pkey) == DK_KEY_RSA)
		return rsa_unwrap_twice(pkey, &info, body, enc_len, ret_share);
	return ec_unwrap(pkey, &info, body, enc_len, NULL, ret_share);
}

dk_err
dk_stanza_unwrap_raw(const struct dk_pkey *pkey, dk_side side,
    const uint8_t core_digest[DK_SHA384_BYTES], const uint8_t *body, size_t len, const uint8_t *raw,
    size_t raw_len, struct dk_secret32 *ret_share)
{
	dk_auto_secret66 dh = { { 0 }, raw_len };
	size_t enc_len = enc_bytes(pkey);
	struct wrap_info info;
	dk_err err;

	if (len != enc_len + DK_WRAPPED_SHARE_BYTES)
		return DK_ERR_STANZA_AUTH;
	err = wrap_info(pkey, side, core_digest, &info);
	if (err != DK_OK)
		return err;
	if (dk_pkey_type(pkey) == DK_KEY_RSA)
		return raw_len == enc_len ? rsa_unwrap(pkey, &info, body, enc_len, raw, ret_share)
					  : DK_ERR_CRYPTO;
	if (raw_len != enc_len / 2)
		return DK_ERR_CRYPTO;
	memcpy(dh.bytes, raw, raw_len);
	return ec_unwrap(pkey, &info, body, enc_len, &dh, ret_share);
}

dk_err
dk_stanza_unwrap_seed(const struct dk_pkey *pkey, dk_side side,
    const uint8_t core_digest[DK_SHA384_BYTES], const uint8_t *body, size_t len,
    const struct dk_secret32 *seed, struct dk_secret32 *ret_share)
{
	size_t enc_len = enc_bytes(pkey);
	struct wrap_info info;
	dk_err err;

	if (dk_pkey_type(pkey) != DK_KEY_RSA || len != enc_len + DK_WRAPPED_SHARE_BYTES)
		return DK_ERR_STANZA_AUTH;
	err = wrap_info(pkey, side, core_digest, &info);
	if (err != DK_OK)
		return err;
	return rsa_unwrap_seed(pkey, &info, body, enc_len, seed, ret_share);
}
