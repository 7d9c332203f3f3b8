/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys in the forms in which other systems show them. */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "crypto/evp.h"
#include "crypto/pkey.h"

#define PEM_MAX_BYTES 4096

/* The one SubjectPublicKeyInfo of the key, read back as any other. */
static dk_err
from_evp(EVP_PKEY *evp, struct dk_pkey **ret)
{
	unsigned char *der = NULL;
	int len = evp ? i2d_PUBKEY(evp, &der) : -1;
	dk_err err = DK_ERR_KEY_INVALID;

	if (len > 0 && len <= DK_SPKI_MAX_BYTES)
		err = dk_pkey_from_spki(der, (size_t)len, ret);
	OPENSSL_free(der);
	EVP_PKEY_free(evp);
	return err;
}

dk_err
dk_pkey_from_pem(const char *text, size_t len, struct dk_pkey **ret)
{
	BIO *bio = len <= PEM_MAX_BYTES ? BIO_new_mem_buf(text, (int)len) : NULL;
	EVP_PKEY *evp = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	if (!evp) {
		(void)dk_evp_error();
		return DK_ERR_KEY_INVALID;
	}
	return from_evp(evp, ret);
}

dk_err
dk_pkey_from_rsa(
    const uint8_t *n, size_t n_len, const uint8_t *e, size_t e_len, struct dk_pkey **ret)
{
	BIGNUM *modulus = n_len <= DK_RSA_MAX_BYTES ? BN_bin2bn(n, (int)n_len, NULL) : NULL;
	BIGNUM *exponent = e_len <= 8 ? BN_bin2bn(e, (int)e_len, NULL) : NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *evp = NULL;

	if (modulus && exponent && ctx && build &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	if (params && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &evp, EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_free(modulus);
	BN_free(exponent);
	if (!evp) {
		(void)dk_evp_error();
		return DK_ERR_KEY_INVALID;
	}
	return from_evp(evp, ret);
}
