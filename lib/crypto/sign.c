/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sign.h"

#include <string.h>

#include <openssl/ec.h>

#include "crypto/evp.h"

#define SCALAR_BYTES 32

static dk_err
der_to_raw(const uint8_t *der, size_t len, uint8_t *ret_sig)
{
	const unsigned char *p = der;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	uint8_t raw[DK_SIGNATURE_BYTES];
	bool ok = false;

	if (sig != NULL)
		ok = BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, SCALAR_BYTES) == SCALAR_BYTES &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + SCALAR_BYTES, SCALAR_BYTES) ==
			SCALAR_BYTES;
	ECDSA_SIG_free(sig);
	if (!ok)
		return dk_evp_error();
	memcpy(ret_sig, raw, sizeof(raw));
	return DK_OK;
}

/* DER INTEGER of a number of 32 bytes; returns the length. */
static size_t
der_integer(const uint8_t v[SCALAR_BYTES], uint8_t *out)
{
	size_t skip = 0, pad, n;

	while (skip < SCALAR_BYTES - 1 && v[skip] == 0)
		skip++;
	pad = v[skip] & 0x80 ? 1 : 0;
	n = SCALAR_BYTES - skip + pad;
	out[0] = 0x02;
	out[1] = (uint8_t)n;
	out[2] = 0;
	memcpy(out + 2 + pad, v + skip, SCALAR_BYTES - skip);
	return 2 + n;
}

size_t
dk_ecdsa_der(const uint8_t sig[DK_SIGNATURE_BYTES], uint8_t out[DK_SIGNATURE_DER_MAX_BYTES])
{
	size_t n = der_integer(sig, out + 2);

	n += der_integer(sig + SCALAR_BYTES, out + 2 + n);
	out[0] = 0x30;
	out[1] = (uint8_t)n;
	return n + 2;
}

dk_err
dk_ecdsa_raw(const uint8_t *der, size_t len, uint8_t ret_sig[DK_SIGNATURE_BYTES])
{
	uint8_t raw[DK_SIGNATURE_BYTES], again[DK_SIGNATURE_DER_MAX_BYTES];
	dk_err err;

	if (len > sizeof(again))
		return DK_ERR_CREATOR_SIGNATURE;
	err = der_to_raw(der, len, raw);
	if (err != DK_OK)
		return err == DK_ERR_NOMEM ? err : DK_ERR_CREATOR_SIGNATURE;
	if (dk_ecdsa_der(raw, again) != len || memcmp(der, again, len) != 0)
		return DK_ERR_CREATOR_SIGNATURE;
	memcpy(ret_sig, raw, sizeof(raw));
	return DK_OK;
}

dk_err
dk_ecdsa_sign(const struct dk_pkey *key, const struct dk_part *parts, size_t n,
    uint8_t ret_sig[DK_SIGNATURE_BYTES])
{
	uint8_t digest[DK_SHA256_BYTES];
	uint8_t der[DK_SIGNATURE_DER_MAX_BYTES];
	size_t len = sizeof(der);
	EVP_PKEY_CTX *ctx;
	dk_err err;

	if (key->type != DK_KEY_P256)
		return DK_ERR_KEY_TYPE;
	if (!key->has_private)
		return DK_ERR_KEY_NEED_PRIVATE;
	err = dk_sha256(parts, n, digest);
	if (err != DK_OK)
		return err;
	ctx = dk_evp_use_take(key, DK_EVP_SIGN);
	if (ctx == NULL)
		return dk_evp_error();
	if (EVP_PKEY_sign(ctx, der, &len, digest, sizeof(digest)) != 1) {
		EVP_PKEY_CTX_free(ctx);
		return dk_evp_error();
	}
	dk_evp_use_give(key, DK_EVP_SIGN, ctx);
	return der_to_raw(der, len, ret_sig);
}

static dk_err
verify(const struct dk_pkey *key, const uint8_t *der, size_t len,
    const uint8_t digest[DK_SHA256_BYTES])
{
	EVP_PKEY_CTX *ctx = dk_evp_use_take(key, DK_EVP_VERIFY);

	if (ctx == NULL)
		return dk_evp_error();
	/* It is 0 or below also for r or s of 0 or not below the order. */
	if (EVP_PKEY_verify(ctx, der, len, digest, DK_SHA256_BYTES) == 1) {
		dk_evp_use_give(key, DK_EVP_VERIFY, ctx);
		return DK_OK;
	}
	EVP_PKEY_CTX_free(ctx);
	return dk_evp_error() == DK_ERR_NOMEM ? DK_ERR_NOMEM : DK_ERR_CREATOR_SIGNATURE;
}

dk_err
dk_ecdsa_verify(const struct dk_pkey *key, const struct dk_part *parts, size_t n,
    const uint8_t sig[DK_SIGNATURE_BYTES])
{
	uint8_t digest[DK_SHA256_BYTES];
	uint8_t der[DK_SIGNATURE_DER_MAX_BYTES];
	size_t len;
	dk_err err;

	if (key->type != DK_KEY_P256)
		return DK_ERR_KEY_TYPE;
	err = dk_sha256(parts, n, digest);
	if (err != DK_OK)
		return err;
	len = dk_ecdsa_der(sig, der);
	err = verify(key, der, len, digest);
	/* Where memory was short OpenSSL 3.5 says no, and not why; the second answer counts. */
	if (err == DK_ERR_CREATOR_SIGNATURE)
		err = verify(key, der, len, digest);
	return err;
}
