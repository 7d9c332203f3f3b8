/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA keys of the front end of spec/profiles/ms-dke.md, and what they unwrap.
 *
 * A type of its own: a key here may have 2,048 bits, which no key of an envelope has, and no
 * key is both.
 */
#ifndef DK_CRYPTO_DKE_H
#define DK_CRYPTO_DKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doublekey/error.h"

/* 2,048, 3,072 and 4,096 bits, exponent 65537. */
#define DK_DKE_MIN_BYTES 256
#define DK_DKE_MAX_BYTES 512
#define DK_DKE_PLAIN_MAX_BYTES 190
/* A file that a key is imported from. */
#define DK_DKE_TEXT_MAX_BYTES 16384

struct dk_dke_key;
/* NULL is allowed; wipes private parts. */
void dk_dke_free(struct dk_dke_key *key);
#define dk_auto_dke __attribute__((cleanup(dk_dke_cleanup))) struct dk_dke_key
void dk_dke_cleanup(struct dk_dke_key **key);

/* What was wrapped; wipes itself. */
struct dk_dke_plain {
	size_t len; /* 1 to DK_DKE_PLAIN_MAX_BYTES */
	uint8_t bytes[DK_DKE_PLAIN_MAX_BYTES];
};
void dk_dke_plain_clear(struct dk_dke_plain *plain);
#define dk_auto_dke_plain __attribute__((cleanup(dk_dke_plain_clear))) struct dk_dke_plain

/* A new key pair. DK_ERR_ARGUMENT: another number of bits. */
DK_MUST_USE dk_err dk_dke_generate(unsigned bits, struct dk_dke_key **ret);

/*
 * A key pair from another system, checked in full.
 *
 * In:      text  PEM (PKCS #8 or PKCS #1), or what stands in such a file without its first and
 *                last line; at most DK_DKE_TEXT_MAX_BYTES
 * Errors:  DK_ERR_KEY_INVALID          none of these, or no key that works
 *          DK_ERR_KEY_NEED_PASSPHRASE  it is encrypted
 *          DK_ERR_KEY_TYPE             another type or size, or another exponent
 */
DK_MUST_USE dk_err dk_dke_import(const char *text, size_t len, struct dk_dke_key **ret);

/* From DER PKCS #8, as dk_dke_private_bytes() gives it, and from DER SubjectPublicKeyInfo.
 * Errors: DK_ERR_KEY_INVALID, DK_ERR_KEY_TYPE as above. */
DK_MUST_USE dk_err dk_dke_from_private(const uint8_t *der, size_t len, struct dk_dke_key **ret);
DK_MUST_USE dk_err dk_dke_from_spki(const uint8_t *der, size_t len, struct dk_dke_key **ret);
/* len: the room at out, DK_PKEY_PRIVATE_MAX_BYTES is enough; then the length.
 * DK_ERR_KEY_NEED_PRIVATE: a public key. */
DK_MUST_USE dk_err dk_dke_private_bytes(const struct dk_dke_key *key, uint8_t *out, size_t *len);

/* All borrowed from the key. */
const uint8_t *dk_dke_spki(const struct dk_dke_key *key, size_t *ret_len);
/* SHA-256 of the SubjectPublicKeyInfo, 32 bytes. */
const uint8_t *dk_dke_id(const struct dk_dke_key *key);
/* Big-endian, its first bit is 1. */
const uint8_t *dk_dke_modulus(const struct dk_dke_key *key, size_t *ret_len);

/*
 * RSAES-OAEP with SHA-256, MGF1 with SHA-256 and the empty label (section 3.2 step 6).
 *
 * All that is wrong with a value (its length, a number that is not below the modulus, padding,
 * nothing or too much in it) has one error, and takes the same steps: a private operation, on a
 * random number if the value is none for this key, and a decoding in which no branch or address
 * depends on what came out.
 *
 * In:      value    len bytes, any number of them
 * Errors:  DK_ERR_STANZA_AUTH       the value does not open
 *          DK_ERR_KEY_NEED_PRIVATE  a public key
 */
DK_MUST_USE dk_err dk_dke_unwrap(const struct dk_dke_key *key, const uint8_t *value, size_t len,
    struct dk_dke_plain *ret_plain);

/*
 * The same where the private operation is another's, in two steps. number has room for
 * DK_DKE_MAX_BYTES and gets what that other is asked for, as many bytes as the modulus has;
 * *ret_fits goes from the first step to the second.
 */
DK_MUST_USE dk_err dk_dke_number(const struct dk_dke_key *key, const uint8_t *value, size_t len,
    uint8_t *number, bool *ret_fits);
/* em: what the other gave, len bytes. */
DK_MUST_USE dk_err dk_dke_decode(const struct dk_dke_key *key, const uint8_t *em, size_t len,
    bool fits, struct dk_dke_plain *ret_plain);

#endif
