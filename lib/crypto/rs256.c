/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/rs256.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "crypto/evp.h"

#define PEM_MAX_BYTES 16384

/* A sealed PEM asks nobody. */
static int
no_passphrase(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

static dk_err
sign(EVP_PKEY *key, const uint8_t *data, size_t len, uint8_t *ret, size_t *ret_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = DK_RSA_MAX_BYTES;
	bool ok;

	ok = ctx && EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_size(key) <= DK_RSA_MAX_BYTES &&
	    EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
	    EVP_DigestSign(ctx, ret, &n, data, len) == 1;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return dk_evp_error();
	*ret_len = n;
	return DK_OK;
}

dk_err
dk_rs256_sign(const char *pem, size_t pem_len, const uint8_t *data, size_t len,
    uint8_t ret[DK_RSA_MAX_BYTES], size_t *ret_len)
{
	BIO *bio = pem_len <= PEM_MAX_BYTES ? BIO_new_mem_buf(pem, (int)pem_len) : NULL;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	dk_err err;

	BIO_free(bio);
	if (!key) {
		(void)dk_evp_error();
		return DK_ERR_KEY_INVALID;
	}
	err = sign(key, data, len, ret, ret_len);
	EVP_PKEY_free(key);
	return err;
}
