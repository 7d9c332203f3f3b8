/* SPDX-License-Identifier: Apache-2.0 */
/* ECDSA P-256 with SHA-256 (FIPS 186-4). */
#ifndef DK_CRYPTO_SIGN_H
#define DK_CRYPTO_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/hash.h"
#include "crypto/pkey.h"
#include "doublekey/error.h"

#define DK_SIGNATURE_BYTES 64 /* r || s, or Ed25519 */
/* SEQUENCE of two INTEGERs of at most 33 bytes each. */
#define DK_SIGNATURE_DER_MAX_BYTES 72

/*
 * Sign the parts, at most DK_PARTS_MAX, one behind the other.
 *
 * Errors:  DK_ERR_KEY_TYPE          not a P-256 key
 *          DK_ERR_KEY_NEED_PRIVATE  a public key
 */
DK_MUST_USE dk_err dk_ecdsa_sign(const struct dk_pkey *key, const struct dk_part *parts, size_t n,
    uint8_t ret_sig[DK_SIGNATURE_BYTES]);
/* DK_ERR_CREATOR_SIGNATURE: does not verify, or r or s out of range. */
DK_MUST_USE dk_err dk_ecdsa_verify(const struct dk_pkey *key, const struct dk_part *parts, size_t n,
    const uint8_t sig[DK_SIGNATURE_BYTES]);
/* The same r and s in DER; returns the length. */
size_t dk_ecdsa_der(const uint8_t sig[DK_SIGNATURE_BYTES], uint8_t out[DK_SIGNATURE_DER_MAX_BYTES]);
/* DK_ERR_CREATOR_SIGNATURE: not what dk_ecdsa_der() would write. */
DK_MUST_USE dk_err dk_ecdsa_raw(
    const uint8_t *der, size_t len, uint8_t ret_sig[DK_SIGNATURE_BYTES]);

#endif
