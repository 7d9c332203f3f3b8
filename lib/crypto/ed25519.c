/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ed25519.h"

#include <stdlib.h>

#include <openssl/evp.h>

struct dk_ed25519 {
	EVP_PKEY *evp;
};

dk_err
dk_ed25519_public(const struct dk_secret32 *seed, uint8_t ret_public[DK_ED25519_BYTES])
{
	size_t len = DK_ED25519_BYTES;
	EVP_PKEY *key;
	int ok;

	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed->bytes, 32);
	if (!key)
		return DK_ERR_CRYPTO;
	ok = EVP_PKEY_get_raw_public_key(key, ret_public, &len);
	EVP_PKEY_free(key);
	return ok == 1 ? DK_OK : DK_ERR_CRYPTO;
}

dk_err
dk_ed25519_new(const struct dk_secret32 *seed, struct dk_ed25519 **ret)
{
	struct dk_ed25519 *key = calloc(1, sizeof(*key));

	if (!key)
		return DK_ERR_NOMEM;
	key->evp = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed->bytes, 32);
	if (!key->evp) {
		free(key);
		return DK_ERR_CRYPTO;
	}
	*ret = key;
	return DK_OK;
}

void
dk_ed25519_free(struct dk_ed25519 *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->evp);
	free(key);
}

dk_err
dk_ed25519_sign(const struct dk_ed25519 *key, const uint8_t *text, size_t len,
    uint8_t ret_sig[DK_ED25519_SIGNATURE_BYTES])
{
	size_t sig_len = DK_ED25519_SIGNATURE_BYTES;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok;

	ok = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key->evp) == 1 &&
	    EVP_DigestSign(ctx, ret_sig, &sig_len, text, len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? DK_OK : DK_ERR_CRYPTO;
}

dk_err
dk_ed25519_verify(const uint8_t public_key[DK_ED25519_BYTES], const uint8_t *text, size_t len,
    const uint8_t sig[DK_ED25519_SIGNATURE_BYTES])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY *key;
	int ok;

	key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, DK_ED25519_BYTES);
	ok = ctx && key && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestVerify(ctx, sig, DK_ED25519_SIGNATURE_BYTES, text, len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok ? DK_OK : DK_ERR_RECEIPT;
}
