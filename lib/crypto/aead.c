/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/aead.h"

#include <stdlib.h>

#include "crypto/evp.h"

enum lane_mode { LANE_IDLE, LANE_SEAL, LANE_OPEN };

struct dk_gcm_lane {
	EVP_CIPHER_CTX *ctx;
	enum lane_mode mode;
};

static bool
too_long(size_t len, size_t aad_len)
{
	return len > DK_GCM_TEXT_MAX_BYTES || aad_len > DK_GCM_TEXT_MAX_BYTES;
}

static dk_err
set_key(EVP_CIPHER_CTX *ctx, const struct dk_secret32 *key, bool encrypt)
{
	EVP_CIPHER *gcm = dk_evp_gcm();

	if (gcm == NULL)
		return dk_evp_error();
	if (EVP_CipherInit_ex2(ctx, gcm, key->bytes, NULL, encrypt, NULL) != 1)
		return dk_evp_error();
	return DK_OK;
}

/* The key stays; only the nonce is new. */
static int
start(EVP_CIPHER_CTX *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len)
{
	int n;

	if (EVP_CipherInit_ex2(ctx, NULL, NULL, iv, -1, NULL) != 1)
		return 0;
	return aad_len == 0 || EVP_CipherUpdate(ctx, NULL, &n, aad, (int)aad_len) == 1;
}

static dk_err
seal(EVP_CIPHER_CTX *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, const uint8_t *pt,
    size_t len, uint8_t *ct, uint8_t *tag)
{
	int n = 0;
	int end = 0;
	int ok;

	ok = start(ctx, iv, aad, aad_len);
	if (ok && len > 0)
		ok = EVP_EncryptUpdate(ctx, ct, &n, pt, (int)len) == 1;
	ok = ok && EVP_EncryptFinal_ex(ctx, ct + n, &end) == 1;
	ok = ok && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, DK_GCM_TAG_BYTES, tag) == 1;
	if (ok)
		return DK_OK;

	/* In place, this is the plaintext. */
	dk_wipe(ct, len);
	return dk_evp_error();
}

/* auth is the error for a wrong tag. */
static dk_err
open_checked(EVP_CIPHER_CTX *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len,
    const uint8_t *ct, size_t len, const uint8_t *tag, uint8_t *pt, dk_err auth)
{
	uint8_t expected[DK_GCM_TAG_BYTES];
	int n = 0;
	int end = 0;
	int ok;

	/* The control call takes no const pointer. */
	for (unsigned i = 0; i < DK_GCM_TAG_BYTES; i++)
		expected[i] = tag[i];

	ok = start(ctx, iv, aad, aad_len);
	if (ok && len > 0)
		ok = EVP_DecryptUpdate(ctx, pt, &n, ct, (int)len) == 1;
	ok = ok && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, DK_GCM_TAG_BYTES, expected) == 1;
	if (!ok) {
		dk_wipe(pt, len);
		return dk_evp_error();
	}
	if (EVP_DecryptFinal_ex(ctx, pt + n, &end) == 1)
		return DK_OK;

	/* GCM decrypts before it knows the tag: nobody may see what it wrote. */
	dk_wipe(pt, len);
	(void)dk_evp_error();
	return auth;
}

dk_err
dk_gcm_seal(const struct dk_secret32 *key, const uint8_t iv[DK_GCM_IV_BYTES], const uint8_t *aad,
    size_t aad_len, const uint8_t *pt, size_t len, uint8_t *ct)
{
	EVP_CIPHER_CTX *ctx;
	dk_err err;

	if (too_long(len, aad_len))
		return DK_ERR_ARGUMENT;
	ctx = EVP_CIPHER_CTX_new();
	if (ctx == NULL) {
		dk_wipe(ct, len);
		return dk_evp_error();
	}
	err = set_key(ctx, key, true);
	if (err == DK_OK)
		err = seal(ctx, iv, aad, aad_len, pt, len, ct, ct + len);
	EVP_CIPHER_CTX_free(ctx);
	if (err != DK_OK)
		dk_wipe(ct, len);
	return err;
}

dk_err
dk_gcm_open(const struct dk_secret32 *key, const uint8_t iv[DK_GCM_IV_BYTES], const uint8_t *aad,
    size_t aad_len, const uint8_t *ct, size_t ct_len, uint8_t *pt)
{
	size_t len = ct_len - DK_GCM_TAG_BYTES;
	EVP_CIPHER_CTX *ctx;
	dk_err err;

	if (ct_len < DK_GCM_TAG_BYTES)
		return DK_ERR_STANZA_AUTH;
	if (too_long(len, aad_len))
		return DK_ERR_ARGUMENT;
	ctx = EVP_CIPHER_CTX_new();
	if (ctx == NULL) {
		dk_wipe(pt, len);
		return dk_evp_error();
	}
	err = set_key(ctx, key, false);
	if (err == DK_OK)
		err =
		    open_checked(ctx, iv, aad, aad_len, ct, len, ct + len, pt, DK_ERR_STANZA_AUTH);
	EVP_CIPHER_CTX_free(ctx);
	if (err != DK_OK)
		dk_wipe(pt, len);
	return err;
}

dk_err
dk_gcm_lane_new(struct dk_gcm_lane **ret)
{
	struct dk_gcm_lane *lane = calloc(1, sizeof(*lane));

	if (lane == NULL)
		return DK_ERR_NOMEM;
	lane->ctx = EVP_CIPHER_CTX_new();
	if (lane->ctx == NULL) {
		free(lane);
		return dk_evp_error();
	}
	*ret = lane;
	return DK_OK;
}

void
dk_gcm_lane_free(struct dk_gcm_lane *lane)
{
	if (lane == NULL)
		return;
	EVP_CIPHER_CTX_free(lane->ctx);
	free(lane);
}

dk_err
dk_gcm_lane_key(struct dk_gcm_lane *lane, const struct dk_secret32 *key, bool encrypt)
{
	dk_err err;

	lane->mode = LANE_IDLE;
	err = set_key(lane->ctx, key, encrypt);
	if (err != DK_OK)
		return err;
	lane->mode = encrypt ? LANE_SEAL : LANE_OPEN;
	return DK_OK;
}

dk_err
dk_gcm_lane_seal(struct dk_gcm_lane *lane, const uint8_t iv[DK_GCM_IV_BYTES], const uint8_t *aad,
    size_t aad_len, const uint8_t *pt, size_t len, uint8_t *ct, uint8_t tag[DK_GCM_TAG_BYTES])
{
	if (too_long(len, aad_len))
		return DK_ERR_ARGUMENT;
	if (lane->mode != LANE_SEAL)
		return DK_ERR_STATE;
	return seal(lane->ctx, iv, aad, aad_len, pt, len, ct, tag);
}

dk_err
dk_gcm_lane_open(struct dk_gcm_lane *lane, const uint8_t iv[DK_GCM_IV_BYTES], const uint8_t *aad,
    size_t aad_len, const uint8_t *ct, size_t len, const uint8_t tag[DK_GCM_TAG_BYTES], uint8_t *pt)
{
	if (too_long(len, aad_len))
		return DK_ERR_ARGUMENT;
	if (lane->mode != LANE_OPEN)
		return DK_ERR_STATE;
	return open_checked(lane->ctx, iv, aad, aad_len, ct, len, tag, pt, DK_ERR_SEGMENT_AUTH);
}
