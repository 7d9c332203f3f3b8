/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys and key pairs of the types that stanzas and creators use. */
#ifndef DK_CRYPTO_PKEY_H
#define DK_CRYPTO_PKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "doublekey/error.h"

/* Numbers as in spec/key-file.md and spec/envelope.md section 6.3. */
enum dk_key_type {
	DK_KEY_P256 = 1,
	DK_KEY_P384 = 2,
	DK_KEY_RSA = 3, /* 3,072 to 8,192 bits, exponent 65537 */
	DK_KEY_P256_MLKEM768 = 4, /* reserved */
};

#define DK_KEY_ID_BYTES 32
#define DK_P256_POINT_BYTES 65
#define DK_P384_POINT_BYTES 97
#define DK_RSA_MAX_BYTES 1024
#define DK_SPKI_MAX_BYTES 1200
#define DK_PKEY_PRIVATE_MAX_BYTES 5000

struct dk_pkey;
/* NULL is allowed; wipes private parts. */
void dk_pkey_free(struct dk_pkey *key);
/* As "dk_auto_pkey *key = NULL;". */
#define dk_auto_pkey __attribute__((cleanup(dk_pkey_cleanup))) struct dk_pkey
void dk_pkey_cleanup(struct dk_pkey **key);

/*
 * A new key pair.
 *
 * In:      rsa_bits  counts for DK_KEY_RSA only: 3,072 or 4,096
 * Errors:  DK_ERR_ARGUMENT  another number of bits
 *          DK_ERR_KEY_TYPE  reserved or unknown type
 */
DK_MUST_USE dk_err dk_pkey_generate(enum dk_key_type type, unsigned rsa_bits,
    struct dk_pkey **ret);

/*
 * A public key from DER SubjectPublicKeyInfo.
 *
 * Spec:    spec/envelope.md section 6.1: one encoding for each key
 * Errors:  DK_ERR_KEY_INVALID  not that encoding, not a point of the curve, weak RSA
 *          DK_ERR_KEY_TYPE     well formed but of no type of ours
 */
DK_MUST_USE dk_err dk_pkey_from_spki(const uint8_t *der, size_t len, struct dk_pkey **ret);
/* The same from PEM, at most 4,096 bytes, and from modulus and exponent, big-endian. */
DK_MUST_USE dk_err dk_pkey_from_pem(const char *text, size_t len, struct dk_pkey **ret);
DK_MUST_USE dk_err dk_pkey_from_rsa(const uint8_t *n, size_t n_len, const uint8_t *e,
    size_t e_len, struct dk_pkey **ret);
/* A public key from the uncompressed point of an EC key; errors as above. */
DK_MUST_USE dk_err dk_pkey_from_point(enum dk_key_type type, const uint8_t *point, size_t len,
    struct dk_pkey **ret);

/*
 * A key pair.
 *
 * In:      spki  as for dk_pkey_from_spki()
 *          priv  EC: the scalar, 32 or 48 bytes big-endian (SEC 1); RSA: DER PKCS #8
 * Errors:  as for dk_pkey_from_spki(), and
 *          DK_ERR_KEY_INVALID  a scalar of another length or out of range, PKCS #8
 *                              that is none, or a public half that is not its own
 */
DK_MUST_USE dk_err dk_pkey_from_private(enum dk_key_type type, const uint8_t *spki,
    size_t spki_len, const uint8_t *priv, size_t priv_len, struct dk_pkey **ret);

/*
 * The private half, in the form that dk_pkey_from_private() takes.
 *
 * In:      len  the room at out; DK_PKEY_PRIVATE_MAX_BYTES is always enough
 * Out:     len  the length
 * Errors:  DK_ERR_KEY_NEED_PRIVATE  a public key
 *          DK_ERR_OUTPUT_TOO_SMALL
 */
DK_MUST_USE dk_err dk_pkey_private_bytes(const struct dk_pkey *key, uint8_t *out, size_t *len);

/* The same key with nothing that libcrypto keeps with one from use to use. */
DK_MUST_USE dk_err dk_pkey_dup(const struct dk_pkey *key, struct dk_pkey **ret);

enum dk_key_type dk_pkey_type(const struct dk_pkey *key);
bool dk_pkey_has_private(const struct dk_pkey *key);
/* Borrowed from the key. */
const uint8_t *dk_pkey_spki(const struct dk_pkey *key, size_t *ret_len);
/* SHA-256 of the SPKI, DK_KEY_ID_BYTES; borrowed from the key. */
const uint8_t *dk_pkey_id(const struct dk_pkey *key);
/* "recipient" of spec/envelope.md section 6.3; borrowed from the key. */
const uint8_t *dk_pkey_recipient(const struct dk_pkey *key, size_t *ret_len);
/* Length of the modulus; 0 for an EC key. */
unsigned dk_pkey_rsa_bytes(const struct dk_pkey *key);

#endif
