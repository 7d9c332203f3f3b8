/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys in the forms in which other systems keep those of this protocol. */
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/secret.h"
#include "crypto/base64.h"
#include "crypto/dke_impl.h"
#include "crypto/evp.h"

/* PKCS #8, else PKCS #1; nothing may follow it. */
static dk_err
from_der(const uint8_t *der, size_t len, struct dk_dke_key **ret)
{
	const unsigned char *p = der;
	EVP_PKEY_CTX *check;
	EVP_PKEY *evp = NULL;
	bool good;
	dk_err err = dk_evp_rsa_from_pkcs8(der, len, &evp);

	if (err == DK_ERR_KEY_INVALID) {
		evp = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &p, (long)len);
		if (!evp)
			return dk_evp_error() == DK_ERR_NOMEM ? DK_ERR_NOMEM : err;
		err = p == der + len ? DK_OK : DK_ERR_KEY_INVALID;
	}
	if (err != DK_OK) {
		EVP_PKEY_free(evp);
		return err;
	}
	if (EVP_PKEY_get_size(evp) > DK_DKE_MAX_BYTES) { /* before a check that takes minutes */
		EVP_PKEY_free(evp);
		return DK_ERR_KEY_TYPE;
	}
	check = EVP_PKEY_CTX_new_from_pkey(NULL, evp, NULL);
	good = check && EVP_PKEY_check(check) == 1;
	EVP_PKEY_CTX_free(check);
	if (!good) {
		EVP_PKEY_free(evp);
		return dk_evp_error() == DK_ERR_NOMEM ? DK_ERR_NOMEM : DK_ERR_KEY_INVALID;
	}
	return dk_dke_take(evp, ret);
}

static dk_err
from_pem(const char *text, size_t len, struct dk_dke_key **ret)
{
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	long der_len = 0;
	dk_err err = DK_ERR_KEY_INVALID;

	if (bio && PEM_read_bio_ex(bio, &name, &header, &der, &der_len, PEM_FLAG_SECURE) == 1) {
		if (strcmp(name, PEM_STRING_PKCS8) == 0 || header[0] != '\0')
			err = DK_ERR_KEY_NEED_PASSPHRASE;
		else if (strcmp(name, PEM_STRING_PKCS8INF) == 0 ||
		    strcmp(name, PEM_STRING_RSA) == 0)
			err = from_der(der, (size_t)der_len, ret);
		else
			err = DK_ERR_KEY_TYPE;
	}
	(void)dk_evp_error();
	OPENSSL_secure_clear_free(der, (size_t)der_len);
	OPENSSL_secure_free(name);
	OPENSSL_secure_free(header);
	BIO_free(bio);
	return err;
}

/* Lines may be broken anywhere. */
static dk_err
from_base64(const char *text, size_t len, struct dk_dke_key **ret)
{
	char *joined = malloc(len + 1);
	uint8_t *der = malloc(len + 1);
	size_t n = 0, der_len;
	dk_err err = DK_ERR_NOMEM;

	if (joined && der) {
		for (size_t i = 0; i < len; i++)
			if (!strchr(" \t\r\n", text[i]) || text[i] == '\0')
				joined[n++] = text[i];
		err = dk_base64_decode(joined, n, der, len, &der_len) == DK_OK
		    ? from_der(der, der_len, ret)
		    : DK_ERR_KEY_INVALID;
		dk_wipe(joined, len);
		dk_wipe(der, len);
	}
	free(joined);
	free(der);
	return err;
}

dk_err
dk_dke_import(const char *text, size_t len, struct dk_dke_key **ret)
{
	if (len == 0 || len > DK_DKE_TEXT_MAX_BYTES)
		return DK_ERR_KEY_INVALID;
	return memmem(text, len, "-----BEGIN", strlen("-----BEGIN")) ? from_pem(text, len, ret)
								     : from_base64(text, len, ret);
}
