/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/rsa.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "crypto/evp.h"

static int
set_oaep(EVP_PKEY_CTX *ctx)
{
	char sha256[] = "SHA256";
	int padding = RSA_PKCS1_OAEP_PADDING;
	OSSL_PARAM params[4];

	params[0] = OSSL_PARAM_construct_int(OSSL_PKEY_PARAM_PAD_MODE, &padding);
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, sha256, 0);
	params[2] = OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, sha256, 0);
	params[3] = OSSL_PARAM_construct_end();
	return EVP_PKEY_CTX_set_params(ctx, params);
}

dk_err
dk_oaep_seal(
    const struct dk_pkey *key, const struct dk_secret32 *seed, uint8_t *ct, size_t *ret_len)
{
	EVP_PKEY_CTX *ctx;
	size_t len = key->rsa_bytes;
	int ok = 0;

	if (key->type != DK_KEY_RSA)
		return DK_ERR_KEY_TYPE;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->evp, NULL);
	if (ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 && set_oaep(ctx) == 1)
		ok = EVP_PKEY_encrypt(ctx, ct, &len, seed->bytes, sizeof(seed->bytes));
	EVP_PKEY_CTX_free(ctx);
	if (ok != 1)
		return dk_evp_error();
	*ret_len = len;
	return DK_OK;
}

/* 0xff if a and b are equal and 0 otherwise, without a branch. */
static uint8_t
equal_mask(uint32_t a, uint32_t b)
{
	uint32_t diff = a ^ b;

	return (uint8_t)(((diff | (0u - diff)) >> 31) - 1u);
}

/*
 * ok and len tell good padding from bad, so nothing may branch on them. libcrypto
 * keeps to that as well (CVE-2022-4304 and the Manger attack are why), up to the
 * error that it queues: emptying the queue looks at no entry.
 */
static void
choose(int ok, size_t len, const uint8_t *opened, const struct dk_secret32 *rejected,
    struct dk_secret32 *ret_seed)
{
	uint8_t good = equal_mask((uint32_t)ok, 1) & equal_mask((uint32_t)len, DK_SHARE_BYTES);

	for (unsigned i = 0; i < sizeof(ret_seed->bytes); i++) {
		uint8_t yes = (uint8_t)(opened[i] & good);
		uint8_t no = (uint8_t)(rejected->bytes[i] & (uint8_t)~good);

		ret_seed->bytes[i] = yes | no;
	}
}

dk_err
dk_oaep_open(
    const struct dk_pkey *key, const uint8_t *ct, size_t ct_len, struct dk_secret32 *ret_seed)
{
	dk_auto_secret32 rejected = { { 0 } };
	uint8_t opened[DK_RSA_MAX_BYTES] = { 0 };
	size_t len = sizeof(opened);
	EVP_PKEY_CTX *ctx;
	int ok;
	dk_err err;

	if (key->type != DK_KEY_RSA)
		return DK_ERR_KEY_TYPE;
	if (!key->has_private)
		return DK_ERR_KEY_NEED_PRIVATE;
	err = dk_random(rejected.bytes, sizeof(rejected.bytes));
	if (err != DK_OK)
		return err;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->evp, NULL);
	if (ctx == NULL || EVP_PKEY_decrypt_init(ctx) != 1 || set_oaep(ctx) != 1) {
		EVP_PKEY_CTX_free(ctx);
		return dk_evp_error();
	}
	ok = EVP_PKEY_decrypt(ctx, opened, &len, ct, ct_len);
	dk_ct_secret(opened, sizeof(opened));
	dk_ct_secret(&ok, sizeof(ok));
	dk_ct_secret(&len, sizeof(len));
	choose(ok, len, opened, &rejected, ret_seed);
	EVP_PKEY_CTX_free(ctx);
	dk_wipe(opened, sizeof(opened));
	ERR_clear_error();
	return DK_OK;
}
