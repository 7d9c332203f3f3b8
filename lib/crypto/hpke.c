/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hpke.h"

#include <string.h>

#include "crypto/evp.h"

#define MODE_BASE 0
#define AEAD_AES_256_GCM 2
#define VERSION_LABEL "HPKE-v1"
#define SUITE_MAX_BYTES 10

/* The registry numbers of RFC 9180 section 7 that go with a curve. */
struct suite {
	enum dk_hash hash;
	uint8_t kem_id[5];                /* "KEM", number */
	uint8_t hpke_id[SUITE_MAX_BYTES]; /* "HPKE", KEM, KDF, AEAD */
	/* LabeledExtract("", "psk_id_hash", ""), the same in every key schedule without a PSK. */
	uint8_t psk_id_hash[DK_SHA384_BYTES];
};

static const struct suite suites[2] = {
	{ DK_SHA256, { 'K', 'E', 'M', 0, 0x10 },
	    { 'H', 'P', 'K', 'E', 0, 0x10, 0, 1, 0, AEAD_AES_256_GCM },
	    { 0x8f, 0xc3, 0xae, 0xb8, 0x32, 0x49, 0x0a, 0x4b, 0x5a, 0xb3, 0xe4, 0x20, 0x23, 0x28,
		0x7d, 0xb2, 0x9a, 0x1f, 0x4b, 0xc7, 0xc2, 0x22, 0xc0, 0xdf, 0x22, 0x87, 0x27, 0xb7,
		0x0a, 0x40, 0x21, 0x12 } },
	{ DK_SHA384, { 'K', 'E', 'M', 0, 0x11 },
	    { 'H', 'P', 'K', 'E', 0, 0x11, 0, 2, 0, AEAD_AES_256_GCM },
	    { 0xcb, 0x6b, 0x6c, 0x22, 0x16, 0x68, 0x37, 0x98, 0x61, 0x29, 0xd5, 0x7d, 0xd6, 0x06,
		0x89, 0x3c, 0x6d, 0x38, 0xce, 0x24, 0xb7, 0x65, 0xe5, 0x77, 0xf4, 0x5d, 0x3c, 0x72,
		0x59, 0x94, 0x7d, 0x44, 0xac, 0x49, 0x98, 0x19, 0xe0, 0x0b, 0x3d, 0x26, 0x0a, 0xbf,
		0xfe, 0xeb, 0xb7, 0xe1, 0x08, 0xc9 } },
};

/* A hash and the id under which its derivations run. */
struct labels {
	enum dk_hash hash;
	const uint8_t *id;
	size_t id_len;
};

static const struct suite *
suite_of(const struct dk_pkey *key)
{
	if (key->type == DK_KEY_P256)
		return &suites[0];
	return key->type == DK_KEY_P384 ? &suites[1] : NULL;
}

static dk_err
labeled_extract(const struct labels *labels, const uint8_t *salt, size_t salt_len,
    const char *label, const uint8_t *ikm, size_t ikm_len, struct dk_secret48 *ret_prk)
{
	struct dk_part parts[4] = {
		{ VERSION_LABEL, sizeof(VERSION_LABEL) - 1 },
		{ labels->id, labels->id_len },
		{ label, strlen(label) },
		{ ikm, ikm_len },
	};

	return dk_hkdf_extract_parts(labels->hash, salt, salt_len, parts, 4, ret_prk);
}

static dk_err
labeled_expand(const struct labels *labels, const struct dk_secret48 *prk, const char *label,
    const uint8_t *info, size_t info_len, uint8_t *out, size_t len)
{
	uint8_t size[2] = { (uint8_t)(len >> 8), (uint8_t)(len & 0xff) };
	struct dk_part parts[5] = {
		{ size, sizeof(size) },
		{ VERSION_LABEL, sizeof(VERSION_LABEL) - 1 },
		{ labels->id, labels->id_len },
		{ label, strlen(label) },
		{ info, info_len },
	};

	return dk_hkdf_expand_parts(labels->hash, prk, parts, 5, out, len);
}

/*
 * The peer's key is not validated a second time here: dk_evp_ec_from_point() did
 * all that a curve of prime order needs, and libcrypto's full check costs more
 * than the exchange.
 */
static dk_err
exchange(EVP_PKEY_CTX *ctx, EVP_PKEY *peer, struct dk_secret66 *ret_dh)
{
	int ok = 0;

	ret_dh->len = sizeof(ret_dh->bytes);
	if (ctx != NULL && EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1)
		ok = EVP_PKEY_derive(ctx, ret_dh->bytes, &ret_dh->len);
	dk_ct_secret(ret_dh->bytes, sizeof(ret_dh->bytes));
	return ok == 1 ? DK_OK : dk_evp_error();
}

/* With a key that is used once. */
static dk_err
exchange_once(EVP_PKEY *own, EVP_PKEY *peer, struct dk_secret66 *ret_dh)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	dk_err err;

	if (ctx != NULL && EVP_PKEY_derive_init(ctx) != 1) {
		EVP_PKEY_CTX_free(ctx);
		ctx = NULL;
	}
	err = exchange(ctx, peer, ret_dh);
	EVP_PKEY_CTX_free(ctx);
	return err;
}

static dk_err
exchange_kept(const struct dk_pkey *own, EVP_PKEY *peer, struct dk_secret66 *ret_dh)
{
	EVP_PKEY_CTX *ctx = dk_evp_use_take(own, DK_EVP_DERIVE);
	dk_err err = exchange(ctx, peer, ret_dh);

	if (err == DK_OK)
		dk_evp_use_give(own, DK_EVP_DERIVE, ctx);
	else
		EVP_PKEY_CTX_free(ctx);
	return err;
}

/* ExtractAndExpand, RFC 9180 section 4.1. */
static dk_err
kem_secret(const struct suite *suite, const struct dk_secret66 *dh, const uint8_t *enc,
    const uint8_t *recipient, size_t point_len, struct dk_secret48 *ret_secret)
{
	struct labels labels = { suite->hash, suite->kem_id, sizeof(suite->kem_id) };
	dk_auto_secret48 prk = { { 0 } };
	uint8_t context[2 * DK_P384_POINT_BYTES];
	dk_err err;

	memcpy(context, enc, point_len);
	memcpy(context + point_len, recipient, point_len);
	err = labeled_extract(&labels, NULL, 0, "eae_prk", dh->bytes, dh->len, &prk);
	if (err != DK_OK)
		return err;
	return labeled_expand(&labels, &prk, "shared_secret", context, 2 * point_len,
	    ret_secret->bytes, dk_hash_bytes(suite->hash));
}

/* KeySchedule, RFC 9180 section 5.1, in base mode: no PSK. */
static dk_err
key_schedule(const struct suite *suite, const struct dk_secret48 *shared, const uint8_t *info,
    size_t info_len, struct dk_hpke *ret_ctx)
{
	struct labels labels = { suite->hash, suite->hpke_id, sizeof(suite->hpke_id) };
	size_t size = dk_hash_bytes(suite->hash);
	uint8_t context[1 + 2 * DK_SHA384_BYTES] = { MODE_BASE };
	dk_auto_hpke ctx = { 0 };
	dk_auto_secret48 hash = { { 0 } };
	dk_err err;

	memcpy(context + 1, suite->psk_id_hash, size);
	err = labeled_extract(&labels, NULL, 0, "info_hash", info, info_len, &hash);
	if (err != DK_OK)
		return err;
	memcpy(context + 1 + size, hash.bytes, size);
	err = labeled_extract(&labels, shared->bytes, size, "secret", NULL, 0, &hash);
	if (err != DK_OK)
		return err;
	err = labeled_expand(
	    &labels, &hash, "key", context, 1 + 2 * size, ctx.key.bytes, sizeof(ctx.key.bytes));
	if (err != DK_OK)
		return err;
	err = labeled_expand(&labels, &hash, "base_nonce", context, 1 + 2 * size, ctx.base_nonce,
	    sizeof(ctx.base_nonce));
	if (err != DK_OK)
		return err;
	*ret_ctx = ctx;
	return DK_OK;
}

void
dk_hpke_clear(struct dk_hpke *ctx)
{
	dk_wipe(ctx, sizeof(*ctx));
}

/* What follows the exchange, at both ends. */
static dk_err
setup(const struct dk_pkey *recipient, const struct dk_secret66 *dh, const uint8_t *enc,
    const uint8_t *info, size_t info_len, struct dk_hpke *ret_ctx)
{
	const struct suite *suite = suite_of(recipient);
	dk_auto_secret48 shared = { { 0 } };
	dk_auto_hmac_scope hmacs = dk_hmac_scope_open();
	size_t point_len;
	const uint8_t *point = dk_pkey_recipient(recipient, &point_len);
	dk_err err;

	err = kem_secret(suite, dh, enc, point, point_len, &shared);
	if (err != DK_OK)
		return err;
	return key_schedule(suite, &shared, info, info_len, ret_ctx);
}

dk_err
dk_hpke_sender(const struct dk_pkey *recipient, const uint8_t *info, size_t info_len,
    const struct dk_pkey *ephemeral, struct dk_hpke *ret_ctx, uint8_t *ret_enc, size_t *ret_enc_len)
{
	uint8_t enc[DK_P384_POINT_BYTES];
	dk_auto_secret66 dh = { { 0 }, 0 };
	EVP_PKEY *fresh = NULL;
	EVP_PKEY *own;
	dk_err err = DK_OK;

	if (suite_of(recipient) == NULL)
		return DK_ERR_KEY_TYPE;
	if (ephemeral != NULL && (ephemeral->type != recipient->type || !ephemeral->has_private))
		return DK_ERR_ARGUMENT;
	if (ephemeral == NULL)
		err = dk_evp_ec_generate(recipient->type, &fresh);
	if (err != DK_OK)
		return err;
	own = ephemeral != NULL ? ephemeral->evp : fresh;
	err = dk_evp_ec_point(own, recipient->type, enc);
	if (err == DK_OK)
		err = exchange_once(own, recipient->evp, &dh);
	EVP_PKEY_free(fresh);
	if (err == DK_OK)
		err = setup(recipient, &dh, enc, info, info_len, ret_ctx);
	if (err != DK_OK)
		return err;
	*ret_enc_len = dk_point_bytes(recipient->type);
	memcpy(ret_enc, enc, *ret_enc_len);
	return DK_OK;
}

dk_err
dk_hpke_receiver(const struct dk_pkey *key, const uint8_t *enc, size_t enc_len, const uint8_t *info,
    size_t info_len, struct dk_hpke *ret_ctx)
{
	dk_auto_secret66 dh = { { 0 }, 0 };
	EVP_PKEY *peer;
	dk_err err;

	if (suite_of(key) == NULL)
		return DK_ERR_KEY_TYPE;
	if (!key->has_private)
		return DK_ERR_KEY_NEED_PRIVATE;
	err = dk_evp_ec_from_point(key->type, enc, enc_len, &peer);
	if (err == DK_ERR_KEY_INVALID)
		return DK_ERR_STANZA_AUTH;
	if (err != DK_OK)
		return err;
	err = exchange_kept(key, peer, &dh);
	dk_evp_public_give(key->type, peer);
	return err == DK_OK ? setup(key, &dh, enc, info, info_len, ret_ctx) : err;
}

dk_err
dk_hpke_receiver_dh(const struct dk_pkey *key, const uint8_t *enc, size_t enc_len,
    const struct dk_secret66 *dh, const uint8_t *info, size_t info_len, struct dk_hpke *ret_ctx)
{
	if (suite_of(key) == NULL || enc_len != dk_point_bytes(key->type) ||
	    dh->len != dk_scalar_bytes(key->type))
		return DK_ERR_KEY_TYPE;
	return setup(key, dh, enc, info, info_len, ret_ctx);
}

/* ComputeNonce, RFC 9180 section 5.2: the nonce of the next message. */
static dk_err
next_nonce(const struct dk_hpke *ctx, uint8_t nonce[DK_GCM_IV_BYTES])
{
	if (ctx->seq == UINT64_MAX)
		return DK_ERR_STATE;
	memcpy(nonce, ctx->base_nonce, DK_GCM_IV_BYTES);
	for (unsigned i = 0; i < 8; i++)
		nonce[DK_GCM_IV_BYTES - 1 - i] ^= (uint8_t)((ctx->seq >> (8 * i)) & 0xff);
	return DK_OK;
}

dk_err
dk_hpke_seal(struct dk_hpke *ctx, const uint8_t *aad, size_t aad_len, const uint8_t *pt, size_t len,
    uint8_t *ct)
{
	uint8_t nonce[DK_GCM_IV_BYTES];
	dk_err err = next_nonce(ctx, nonce);

	if (err != DK_OK)
		return err;
	err = dk_gcm_seal(&ctx->key, nonce, aad, aad_len, pt, len, ct);
	if (err != DK_OK)
		return err;
	ctx->seq++;
	return DK_OK;
}

dk_err
dk_hpke_open(struct dk_hpke *ctx, const uint8_t *aad, size_t aad_len, const uint8_t *ct,
    size_t ct_len, uint8_t *pt)
{
	uint8_t nonce[DK_GCM_IV_BYTES];
	dk_err err = next_nonce(ctx, nonce);

	if (err != DK_OK)
		return err;
	err = dk_gcm_open(&ctx->key, nonce, aad, aad_len, ct, ct_len, pt);
	if (err != DK_OK)
		return err;
	ctx->seq++;
	return DK_OK;
}
