/* SPDX-License-Identifier: Apache-2.0 */
#include "keyring.h"
#include "vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

static void
need(int ok, const char *name)
{
	if (ok)
		return;
	fprintf(stderr, "test key %s is not usable\n", name);
	abort();
}

static EVP_PKEY *
load_pem(const char *dir, const char *name)
{
	char path[512];
	EVP_PKEY *key;
	FILE *f;

	need((size_t)snprintf(path, sizeof(path), "%s/%s.pem", dir, name) < sizeof(path), name);
	f = fopen(path, "r");
	need(f != NULL, name);
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	need(key != NULL, name);
	return key;
}

/* The private bytes in the form that dk_pkey_from_private() takes. */
static size_t
private_bytes(EVP_PKEY *key, enum dk_key_type type, uint8_t *out, size_t room, const char *name)
{
	size_t scalar = type == DK_KEY_P256 ? 32 : 48;
	PKCS8_PRIV_KEY_INFO *info;
	BIGNUM *d = NULL;
	uint8_t *to = out;
	int len;

	if (type != DK_KEY_RSA) {
		need(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d) == 1, name);
		need(BN_bn2binpad(d, out, (int)scalar) == (int)scalar, name);
		BN_clear_free(d);
		return scalar;
	}
	info = EVP_PKEY2PKCS8(key);
	len = i2d_PKCS8_PRIV_KEY_INFO(info, NULL);
	need(info && len > 0 && (size_t)len <= room, name);
	len = i2d_PKCS8_PRIV_KEY_INFO(info, &to);
	PKCS8_PRIV_KEY_INFO_free(info);
	return (size_t)len;
}

static enum dk_key_type
type_of(EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "RSA"))
		return DK_KEY_RSA;
	return EVP_PKEY_get_bits(key) == 256 ? DK_KEY_P256 : DK_KEY_P384;
}

static void
custodian_of(const char *dir, const char *name, uint8_t field[DK_CUSTODIAN_BYTES])
{
	char path[512], line[256], key[64], type[32], custodian[64];
	bool found = false;
	FILE *f;

	need((size_t)snprintf(path, sizeof(path), "%s/keys.txt", dir) < sizeof(path), name);
	f = fopen(path, "r");
	need(f != NULL, name);
	while (!found && fgets(line, sizeof(line), f)) {
		const char *at = line;

		found = vector_word(&at, key, sizeof(key)) && strcmp(key, name) == 0 &&
		    vector_word(&at, type, sizeof(type)) &&
		    vector_word(&at, custodian, sizeof(custodian));
	}
	fclose(f);
	need(found && dk_custodian_from_string(custodian, field), name);
}

struct dk_key *
keyring_open(const char *dir, const char *name, dk_side side)
{
	uint8_t priv[DK_PKEY_PRIVATE_MAX_BYTES], custodian[DK_CUSTODIAN_BYTES];
	EVP_PKEY *evp = load_pem(dir, name);
	enum dk_key_type type = type_of(evp);
	struct dk_key *key = NULL;
	struct dk_pkey *pkey = NULL;
	uint8_t *spki = NULL;
	size_t len;
	int spki_len;

	spki_len = i2d_PUBKEY(evp, &spki);
	need(spki_len > 0, name);
	len = private_bytes(evp, type, priv, sizeof(priv), name);
	need(dk_pkey_from_private(type, spki, (size_t)spki_len, priv, len, &pkey) == DK_OK, name);
	custodian_of(dir, name, custodian);
	need(dk_key_local_new(side, custodian, 0, pkey, &key) == DK_OK, name);
	OPENSSL_free(spki);
	EVP_PKEY_free(evp);
	return key;
}
