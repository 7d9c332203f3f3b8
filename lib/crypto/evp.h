/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of lib/crypto: OpenSSL objects that are fetched once for the process.
 *
 * A fetch by name takes microseconds to a millisecond in OpenSSL 3.0, so each
 * algorithm is fetched on its first use and kept. What is kept is never freed:
 * libcrypto frees its providers at exit, and nothing here may outlive or
 * precede that.
 */
#ifndef DK_CRYPTO_EVP_H
#define DK_CRYPTO_EVP_H

#include <stdatomic.h>
#include <stdbool.h>

#include <openssl/evp.h>

#include "crypto/hash.h"
#include "crypto/pkey.h"
#include "crypto/random.h"
#include "doublekey/error.h"

/* What a key is used for, over and over. */
enum dk_evp_use { DK_EVP_SIGN, DK_EVP_VERIFY, DK_EVP_DERIVE, DK_EVP_USES };

struct dk_pkey {
	EVP_PKEY *evp;
	/* Contexts that are ready and that nobody uses now; of dk_evp_use_take() alone. */
	_Atomic(EVP_PKEY_CTX *) idle[DK_EVP_USES];
	enum dk_key_type type;
	bool has_private;
	unsigned rsa_bytes;
	size_t spki_len;
	size_t recipient_offset; /* recipient = the end of spki from here */
	uint8_t id[DK_KEY_ID_BYTES];
	uint8_t spki[DK_SPKI_MAX_BYTES];
};

/*
 * Whether libcrypto has started. In OpenSSL 3.0 a call by name ends the process if
 * it has not, because memory was short, so every first use asks here before; it
 * stays false then.
 */
bool dk_evp_ready(void);

/* Borrowed; NULL if libcrypto has none or memory is short. */
EVP_MD *dk_evp_md(enum dk_hash hash);
EVP_CIPHER *dk_evp_gcm(void);
/* HMAC with the digest set and no key; to be duplicated, never used itself. */
const EVP_MAC_CTX *dk_evp_hmac(enum dk_hash hash);
/* A key without a point that stands for the curve; to be duplicated. */
EVP_PKEY *dk_evp_curve(enum dk_key_type type);

/*
 * A public key of the curve with no point or any, whose point the caller sets
 * first; NULL as above. It is given back, instead of being freed, by whoever knows
 * that nobody reads it any more: to set a point takes a quarter of the time of making
 * a key. One that the point could not be set for is freed.
 */
EVP_PKEY *dk_evp_public_take(enum dk_key_type type);
void dk_evp_public_give(enum dk_key_type type, EVP_PKEY *key);
/* Ready to generate keys of the curve; NULL as above. */
EVP_PKEY_CTX *dk_evp_keygen_take(enum dk_key_type type);
void dk_evp_keygen_give(enum dk_key_type type, EVP_PKEY_CTX *ctx);

/*
 * A context of the key that is ready for the use; NULL as above. It is given back after
 * a success, and freed after a failure. A key may be used by several threads.
 */
EVP_PKEY_CTX *dk_evp_use_take(const struct dk_pkey *key, enum dk_evp_use use);
void dk_evp_use_give(const struct dk_pkey *key, enum dk_evp_use use, EVP_PKEY_CTX *ctx);

/*
 * What libcrypto's failure means, DK_ERR_NOMEM or DK_ERR_CRYPTO; empties the
 * error queue. Not for a failure that depends on secret bits.
 */
dk_err dk_evp_error(void);

/* HMAC over any number of parts; with SHA-256 the last 16 bytes are zero. key may be
 * NULL: as many zeros as the hash is long. */
DK_MUST_USE dk_err dk_evp_hmac_parts(enum dk_hash hash, const uint8_t *key, size_t key_len,
    const struct dk_part *parts, size_t n, struct dk_secret48 *ret_mac);

/* Length of the hash. */
static inline size_t
dk_hash_bytes(enum dk_hash hash)
{
	return hash == DK_SHA256 ? DK_SHA256_BYTES : DK_SHA384_BYTES;
}

/* Uncompressed point and scalar lengths of an EC type; 0 for any other. */
static inline size_t
dk_point_bytes(enum dk_key_type type)
{
	if (type == DK_KEY_P256)
		return DK_P256_POINT_BYTES;
	return type == DK_KEY_P384 ? DK_P384_POINT_BYTES : 0;
}

static inline size_t
dk_scalar_bytes(enum dk_key_type type)
{
	return dk_point_bytes(type) / 2;
}

/* ---- ec.c ---- */

/* A key pair of the curve as libcrypto's object, without SPKI and id: what an
 * HPKE sender needs of its ephemeral key. */
DK_MUST_USE dk_err dk_evp_ec_generate(enum dk_key_type type, EVP_PKEY **ret);
/* A public key of the curve from its uncompressed point, DK_ERR_KEY_INVALID if
 * it is none. To be freed by dk_evp_public_give(). */
DK_MUST_USE dk_err dk_evp_ec_from_point(
    enum dk_key_type type, const uint8_t *point, size_t len, EVP_PKEY **ret);
/* The uncompressed point; room for DK_P384_POINT_BYTES. */
DK_MUST_USE dk_err dk_evp_ec_point(const EVP_PKEY *key, enum dk_key_type type, uint8_t *ret_point);
/* The point must be that of the scalar: DK_ERR_KEY_INVALID otherwise. */
DK_MUST_USE dk_err dk_evp_ec_from_private(enum dk_key_type type, const uint8_t *point,
    const uint8_t *priv, size_t priv_len, EVP_PKEY **ret);
DK_MUST_USE dk_err dk_evp_ec_private_bytes(
    const EVP_PKEY *key, enum dk_key_type type, uint8_t *out);

/* ---- rsa_key.c ---- */

/* Whether der is the one encoding of an RSA key with allowed parameters. */
#define DK_RSA_MIN_BYTES 384 /* of the modulus of a key of an envelope */
bool dk_evp_rsa_is_spki(const uint8_t *der, size_t len, size_t min_bytes);
/* Only after dk_evp_rsa_is_spki(). */
DK_MUST_USE dk_err dk_evp_rsa_from_spki(const uint8_t *der, size_t len, EVP_PKEY **ret);
/* out has room for DK_SPKI_MAX_BYTES. DK_ERR_KEY_INVALID: a modulus below min_bytes. */
DK_MUST_USE dk_err dk_evp_rsa_spki(
    const EVP_PKEY *key, size_t min_bytes, uint8_t *out, size_t *ret_len);
/* Only of what the two above passed or made: its modulus. */
const uint8_t *dk_evp_rsa_spki_modulus(const uint8_t *der, size_t len);
/* DK_ERR_KEY_INVALID: not this, or no RSA. */
DK_MUST_USE dk_err dk_evp_rsa_from_pkcs8(const uint8_t *der, size_t len, EVP_PKEY **ret);
/* DK_ERR_KEY_INVALID: the private half is not that of the public one. len: of the modulus. */
DK_MUST_USE dk_err dk_evp_rsa_check_pair(EVP_PKEY *pub, EVP_PKEY *priv, size_t len);
/* The private operation without padding; DK_ERR_KEY_INVALID: it failed with this key. */
DK_MUST_USE dk_err dk_evp_rsa_power(EVP_PKEY *key, const uint8_t *in, uint8_t *out, size_t len);
DK_MUST_USE dk_err dk_evp_rsa_generate(unsigned bits, EVP_PKEY **ret);
DK_MUST_USE dk_err dk_evp_rsa_from_private(
    const uint8_t *spki, size_t spki_len, const uint8_t *priv, size_t priv_len, EVP_PKEY **ret);
DK_MUST_USE dk_err dk_evp_rsa_private_bytes(const EVP_PKEY *key, uint8_t *out, size_t *len);

#endif
