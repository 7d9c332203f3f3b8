/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EC keys as libcrypto's objects.
 *
 * Everything starts from a duplicate of a key that has a curve and no point:
 * building the curve anew takes longer than all the rest, and so does the
 * generic DER decoder.
 */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/params.h>

#include "crypto/evp.h"

dk_err
dk_evp_ec_generate(enum dk_key_type type, EVP_PKEY **ret)
{
	EVP_PKEY_CTX *ctx = dk_evp_keygen_take(type);
	EVP_PKEY *key = NULL;

	if (ctx == NULL)
		return dk_evp_error();
	if (EVP_PKEY_generate(ctx, &key) != 1) {
		EVP_PKEY_CTX_free(ctx);
		return dk_evp_error();
	}
	dk_evp_keygen_give(type, ctx);
	*ret = key;
	return DK_OK;
}

/*
 * The import checks the length, the range of the coordinates and that the point
 * is on the curve. No more is needed: both curves have prime order, so that
 * every point but infinity, which has no uncompressed form, has the full order
 * (SP 800-56A section 5.6.2.3.4, as RFC 9180 section 7.1.4 asks).
 */
dk_err
dk_evp_ec_from_point(enum dk_key_type type, const uint8_t *point, size_t len, EVP_PKEY **ret)
{
	EVP_PKEY *key;

	if (len == 0 || len != dk_point_bytes(type) || point[0] != POINT_CONVERSION_UNCOMPRESSED)
		return DK_ERR_KEY_INVALID;
	key = dk_evp_public_take(type);
	if (key == NULL)
		return dk_evp_error();
	if (EVP_PKEY_set1_encoded_public_key(key, point, len) != 1) {
		EVP_PKEY_free(key);
		return dk_evp_error() == DK_ERR_NOMEM ? DK_ERR_NOMEM : DK_ERR_KEY_INVALID;
	}
	*ret = key;
	return DK_OK;
}

dk_err
dk_evp_ec_point(const EVP_PKEY *key, enum dk_key_type type, uint8_t *ret_point)
{
	unsigned char *point = NULL;
	/* Without const in OpenSSL 3.0, though it changes nothing. */
	size_t len = EVP_PKEY_get1_encoded_public_key((EVP_PKEY *)key, &point);
	bool ok = len != 0 && len == dk_point_bytes(type);

	if (ok)
		memcpy(ret_point, point, len);
	OPENSSL_free(point);
	return ok ? DK_OK : dk_evp_error();
}

/* Whether the scalar is in range and the point is its own. */
static dk_err
check_pair(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool ok;

	if (ctx == NULL)
		return dk_evp_error();
	ok = EVP_PKEY_private_check(ctx) == 1 && EVP_PKEY_pairwise_check(ctx) == 1;
	EVP_PKEY_CTX_free(ctx);
	if (ok)
		return DK_OK;
	return dk_evp_error() == DK_ERR_NOMEM ? DK_ERR_NOMEM : DK_ERR_KEY_INVALID;
}

static dk_err
import_pair(enum dk_key_type type, const uint8_t *point, uint8_t *scalar, EVP_PKEY **ret)
{
	char p256[] = "P-256";
	char p384[] = "P-384";
	OSSL_PARAM params[4];
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_PKEY_PARAM_GROUP_NAME, type == DK_KEY_P384 ? p384 : p256, 0);
	params[1] = OSSL_PARAM_construct_octet_string(
	    OSSL_PKEY_PARAM_PUB_KEY, (void *)point, dk_point_bytes(type));
	params[2] =
	    OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, scalar, dk_scalar_bytes(type));
	params[3] = OSSL_PARAM_construct_end();
	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params);
	EVP_PKEY_CTX_free(ctx);
	if (key == NULL)
		return dk_evp_error() == DK_ERR_NOMEM ? DK_ERR_NOMEM : DK_ERR_KEY_INVALID;
	*ret = key;
	return DK_OK;
}

dk_err
dk_evp_ec_from_private(enum dk_key_type type, const uint8_t *point, const uint8_t *priv,
    size_t priv_len, EVP_PKEY **ret)
{
	dk_auto_secret48 native = { { 0 } };
	EVP_PKEY *key;
	dk_err err;

	if (priv_len == 0 || priv_len != dk_scalar_bytes(type))
		return DK_ERR_KEY_INVALID;
	/* A number parameter is in the machine's byte order. */
	for (size_t i = 0; i < priv_len; i++) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		native.bytes[i] = priv[priv_len - 1 - i];
#else
		native.bytes[i] = priv[i];
#endif
	}
	err = import_pair(type, point, native.bytes, &key);
	if (err != DK_OK)
		return err;
	err = check_pair(key);
	if (err != DK_OK) {
		EVP_PKEY_free(key);
		return err;
	}
	*ret = key;
	return DK_OK;
}

dk_err
dk_evp_ec_private_bytes(const EVP_PKEY *key, enum dk_key_type type, uint8_t *out)
{
	BIGNUM *scalar = NULL;
	int len = (int)dk_scalar_bytes(type);
	bool ok = false;

	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &scalar) == 1)
		ok = BN_bn2binpad(scalar, out, len) == len;
	BN_clear_free(scalar);
	return ok ? DK_OK : dk_evp_error();
}
