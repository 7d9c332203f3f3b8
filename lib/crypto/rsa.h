/* SPDX-License-Identifier: Apache-2.0 */
/* RSAES-OAEP (RFC 8017) with SHA-256, MGF1 with SHA-256 and an empty label. */
#ifndef DK_CRYPTO_RSA_H
#define DK_CRYPTO_RSA_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "crypto/pkey.h"
#include "doublekey/error.h"

/* ct has room for dk_pkey_rsa_bytes(key); *ret_len is that. */
DK_MUST_USE dk_err dk_oaep_seal(const struct dk_pkey *key, const struct dk_secret32 *seed,
    uint8_t *ct, size_t *ret_len);

/*
 * Implicit rejection: on bad padding, a seed of another length or a ciphertext
 * of another length, *ret_seed is random and the result is DK_OK. The caller's
 * inner tag then fails, and the failures cannot be told apart
 * (spec/envelope.md section 6.3). No branch or address here depends on the
 * padding. The price: where libcrypto runs out of memory within the private
 * operation, that looks like bad padding too.
 *
 * Errors:  DK_ERR_KEY_TYPE          not an RSA key
 *          DK_ERR_KEY_NEED_PRIVATE  a public key
 */
DK_MUST_USE dk_err dk_oaep_open(const struct dk_pkey *key, const uint8_t *ct, size_t ct_len,
    struct dk_secret32 *ret_seed);

/*
 * The same for the raw result of a token, len bytes: the modulus' length. Same
 * implicit rejection, same promise about branches and addresses.
 */
DK_MUST_USE dk_err dk_oaep_decode(const uint8_t *em, size_t len, struct dk_secret32 *ret_seed);

/*
 * The SubjectPublicKeyInfo of a modulus and the exponent 65537.
 *
 * In:      modulus  len bytes, 256 to DK_RSA_MAX_BYTES
 *          out      room for cap bytes, at least DK_SPKI_MAX_BYTES
 * Out:     its length; 0: the modulus is none of that length
 */
size_t dk_rsa_spki(const uint8_t *modulus, size_t len, uint8_t *out, size_t cap);

#endif
