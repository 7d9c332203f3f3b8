/* SPDX-License-Identifier: Apache-2.0 */
/* RSA keys as libcrypto's objects; exponent 65537, at most 8,192 bits. */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/bytes.h"
#include "crypto/evp.h"
#include "crypto/rsa.h"

static const uint8_t rsa_algorithm[15] = {
	0x30,
	0x0d,
	0x06,
	0x09,
	0x2a,
	0x86,
	0x48,
	0x86,
	0xf7,
	0x0d,
	0x01,
	0x01,
	0x01, /* rsaEncryption */
	0x05,
	0x00,
};
static const uint8_t rsa_exponent[5] = { 0x02, 0x03, 0x01, 0x00, 0x01 };

/* A tag and a length that needs two bytes, as every outer one here does. */
static void
put_head(struct dk_writer_buf *wr, uint8_t tag, size_t len)
{
	dk_wr_u8(wr, tag);
	dk_wr_u8(wr, 0x82);
	dk_wr_u16(wr, (uint16_t)len);
}

/*
 * The SPKI of a modulus: SEQUENCE { algorithm, BIT STRING { SEQUENCE { n, e }}}.
 * The first byte of the modulus is at least 0x80, so that it needs a zero byte
 * in front, and every length is fixed by that of the modulus.
 */
static size_t
build_spki(const uint8_t *modulus, size_t len, uint8_t *out)
{
	struct dk_writer_buf wr;
	size_t integer = 4 + 1 + len;
	size_t numbers = 4 + integer + sizeof(rsa_exponent);

	dk_wr_init(&wr, out, DK_SPKI_MAX_BYTES);
	put_head(&wr, 0x30, sizeof(rsa_algorithm) + 4 + 1 + numbers);
	dk_wr_bytes(&wr, rsa_algorithm, sizeof(rsa_algorithm));
	put_head(&wr, 0x03, 1 + numbers);
	dk_wr_u8(&wr, 0);
	put_head(&wr, 0x30, numbers - 4);
	put_head(&wr, 0x02, integer - 4);
	dk_wr_u8(&wr, 0);
	dk_wr_bytes(&wr, modulus, len);
	dk_wr_bytes(&wr, rsa_exponent, sizeof(rsa_exponent));
	return wr.failed ? 0 : wr.len;
}

size_t
dk_rsa_spki(const uint8_t *modulus, size_t len, uint8_t *out, size_t cap)
{
	if (len < 256 || len > DK_RSA_MAX_BYTES || cap < DK_SPKI_MAX_BYTES ||
	    (modulus[0] & 0x80) == 0 || (modulus[len - 1] & 1) == 0)
		return 0;
	return build_spki(modulus, len, out);
}

/* Bytes of an SPKI that are not the modulus. */
#define SPKI_FRAME_BYTES (4 + sizeof(rsa_algorithm) + 4 + 1 + 4 + 4 + 1 + sizeof(rsa_exponent))

const uint8_t *
dk_evp_rsa_spki_modulus(const uint8_t *der, size_t len)
{
	(void)len;
	return der + SPKI_FRAME_BYTES - sizeof(rsa_exponent);
}

bool
dk_evp_rsa_is_spki(const uint8_t *der, size_t len, size_t min_bytes)
{
	uint8_t built[DK_SPKI_MAX_BYTES];
	const uint8_t *modulus;
	size_t n;

	if (len < SPKI_FRAME_BYTES + min_bytes || len > SPKI_FRAME_BYTES + DK_RSA_MAX_BYTES)
		return false;
	n = len - SPKI_FRAME_BYTES;
	modulus = dk_evp_rsa_spki_modulus(der, len);
	/* The top bit makes it exactly 8 * n bits long; an even one is no modulus. */
	if ((modulus[0] & 0x80) == 0 || (modulus[n - 1] & 1) == 0)
		return false;
	return build_spki(modulus, n, built) == len && memcmp(built, der, len) == 0;
}

dk_err
dk_evp_rsa_from_spki(const uint8_t *der, size_t len, EVP_PKEY **ret)
{
	uint8_t native[DK_RSA_MAX_BYTES];
	unsigned long exponent = RSA_F4;
	OSSL_PARAM params[3];
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key = NULL;
	const size_t n = len - SPKI_FRAME_BYTES;
	const uint8_t *modulus = dk_evp_rsa_spki_modulus(der, len);

	for (size_t i = 0; i < n; i++) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		native[i] = modulus[n - 1 - i];
#else
		native[i] = modulus[i];
#endif
	}
	params[0] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, native, n);
	params[1] = OSSL_PARAM_construct_ulong(OSSL_PKEY_PARAM_RSA_E, &exponent);
	params[2] = OSSL_PARAM_construct_end();
	ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
	EVP_PKEY_CTX_free(ctx);
	if (key == NULL)
		return dk_evp_error();
	*ret = key;
	return DK_OK;
}

dk_err
dk_evp_rsa_spki(const EVP_PKEY *key, size_t min_bytes, uint8_t *out, size_t *ret_len)
{
	uint8_t modulus[DK_RSA_MAX_BYTES];
	BIGNUM *n = NULL;
	int len = EVP_PKEY_get_size(key);
	bool ok = false;

	if (len < (int)min_bytes || len > DK_RSA_MAX_BYTES)
		return DK_ERR_KEY_INVALID;
	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1)
		ok = BN_bn2binpad(n, modulus, len) == len;
	BN_free(n);
	if (!ok)
		return dk_evp_error();
	*ret_len = build_spki(modulus, (size_t)len, out);
	return DK_OK;
}

dk_err
dk_evp_rsa_generate(unsigned bits, EVP_PKEY **ret)
{
	EVP_PKEY_CTX *ctx = dk_evp_ready() ? EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL) : NULL;
	EVP_PKEY *key = NULL;
	int ok = 0;

	/* The exponent is 65537 unless one is set. */
	if (ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits) == 1)
		ok = EVP_PKEY_generate(ctx, &key);
	EVP_PKEY_CTX_free(ctx);
	/* Without memory for what it notes of a key, libcrypto gives one that has no size. */
	if (ok != 1 || EVP_PKEY_get_size(key) != (int)bits / 8) {
		EVP_PKEY_free(key);
		return dk_evp_error();
	}
	*ret = key;
	return DK_OK;
}

/* DK_ERR_KEY_INVALID only if it is the key that the operation failed with. */
static dk_err
raw(EVP_PKEY *key, int (*init)(EVP_PKEY_CTX *),
    int (*run)(EVP_PKEY_CTX *, unsigned char *, size_t *, const unsigned char *, size_t),
    const uint8_t *in, uint8_t *out, size_t len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	size_t got = len;
	dk_err err = DK_OK;

	if (ctx == NULL || init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) != 1)
		err = dk_evp_error();
	else if (run(ctx, out, &got, in, len) != 1 || got != len)
		err = dk_evp_error() == DK_ERR_NOMEM ? DK_ERR_NOMEM : DK_ERR_KEY_INVALID;
	EVP_PKEY_CTX_free(ctx);
	return err;
}

dk_err
dk_evp_rsa_power(EVP_PKEY *key, const uint8_t *in, uint8_t *out, size_t len)
{
	return raw(key, EVP_PKEY_decrypt_init, EVP_PKEY_decrypt, in, out, len);
}

/*
 * A round trip of a random number proves that the private half works for the
 * public one, at the cost of one decryption; libcrypto's own pairwise check
 * tests the primes as well and takes a hundred times as long.
 */
dk_err
dk_evp_rsa_check_pair(EVP_PKEY *pub, EVP_PKEY *priv, size_t len)
{
	uint8_t number[DK_RSA_MAX_BYTES];
	uint8_t sealed[DK_RSA_MAX_BYTES];
	uint8_t opened[DK_RSA_MAX_BYTES];
	dk_err err = dk_random(number, len);

	if (err != DK_OK)
		return err;
	number[0] = 0; /* below the modulus */
	err = raw(pub, EVP_PKEY_encrypt_init, EVP_PKEY_encrypt, number, sealed, len);
	if (err == DK_OK)
		err = dk_evp_rsa_power(priv, sealed, opened, len);
	if (err == DK_OK && memcmp(number, opened, len) != 0)
		err = DK_ERR_KEY_INVALID;
	return err;
}

dk_err
dk_evp_rsa_from_pkcs8(const uint8_t *der, size_t len, EVP_PKEY **ret)
{
	const unsigned char *p = der;
	PKCS8_PRIV_KEY_INFO *info;
	EVP_PKEY *key = NULL;

	if (len > DK_PKEY_PRIVATE_MAX_BYTES)
		return DK_ERR_KEY_INVALID;
	info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)len);
	if (info != NULL && p == der + len)
		key = EVP_PKCS82PKEY(info);
	PKCS8_PRIV_KEY_INFO_free(info);
	if (key != NULL && EVP_PKEY_is_a(key, "RSA")) {
		*ret = key;
		return DK_OK;
	}
	EVP_PKEY_free(key);
	return dk_evp_error() == DK_ERR_NOMEM ? DK_ERR_NOMEM : DK_ERR_KEY_INVALID;
}

dk_err
dk_evp_rsa_from_private(
    const uint8_t *spki, size_t spki_len, const uint8_t *priv, size_t priv_len, EVP_PKEY **ret)
{
	uint8_t own[DK_SPKI_MAX_BYTES];
	EVP_PKEY *pub = NULL;
	EVP_PKEY *key = NULL;
	size_t own_len = 0;
	dk_err err = dk_evp_rsa_from_pkcs8(priv, priv_len, &key);

	if (err != DK_OK)
		return err;
	err = dk_evp_rsa_spki(key, DK_RSA_MIN_BYTES, own, &own_len);
	if (err == DK_OK && (own_len != spki_len || memcmp(own, spki, spki_len) != 0))
		err = DK_ERR_KEY_INVALID;
	if (err == DK_OK)
		err = dk_evp_rsa_from_spki(spki, spki_len, &pub);
	if (err == DK_OK)
		err = dk_evp_rsa_check_pair(pub, key, (size_t)EVP_PKEY_get_size(pub));
	EVP_PKEY_free(pub);
	if (err != DK_OK) {
		EVP_PKEY_free(key);
		return err;
	}
	*ret = key;
	return DK_OK;
}

dk_err
dk_evp_rsa_private_bytes(const EVP_PKEY *key, uint8_t *out, size_t *len)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	unsigned char *der = NULL;
	int n = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;
	dk_err err = DK_OK;

	/* The secret parts of info are wiped when it is freed. */
	PKCS8_PRIV_KEY_INFO_free(info);
	if (n <= 0)
		return dk_evp_error();
	if ((size_t)n > *len) {
		err = DK_ERR_OUTPUT_TOO_SMALL;
	} else {
		memcpy(out, der, (size_t)n);
		*len = (size_t)n;
	}
	OPENSSL_clear_free(der, (size_t)n);
	return err;
}
