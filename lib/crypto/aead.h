/* SPDX-License-Identifier: Apache-2.0 */
/* AES-256-GCM (NIST SP 800-38D) with 12-byte nonces and 16-byte tags. */
#ifndef DK_CRYPTO_AEAD_H
#define DK_CRYPTO_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "doublekey/error.h"

#define DK_GCM_IV_BYTES 12
#define DK_GCM_TAG_BYTES 16
/*
 * Longest text and associated data of one call: what EVP takes at once. More
 * is DK_ERR_ARGUMENT. That error and DK_ERR_STATE leave the output untouched;
 * on any other one it is all zero, also where it is the place of the input.
 */
#define DK_GCM_TEXT_MAX_BYTES 0x7fffff00u

/* ct has room for len + 16 bytes: ciphertext, tag. */
DK_MUST_USE dk_err dk_gcm_seal(const struct dk_secret32 *key, const uint8_t iv[DK_GCM_IV_BYTES],
    const uint8_t *aad, size_t aad_len, const uint8_t *pt, size_t len, uint8_t *ct);
/*
 * Open what dk_gcm_seal() made; ct_len counts the tag.
 *
 * Errors:  DK_ERR_STANZA_AUTH  the tag is wrong, or ct is shorter than a tag
 */
DK_MUST_USE dk_err dk_gcm_open(const struct dk_secret32 *key, const uint8_t iv[DK_GCM_IV_BYTES],
    const uint8_t *aad, size_t aad_len, const uint8_t *ct, size_t ct_len, uint8_t *pt);

/*
 * A lane encrypts or decrypts many segments under one key without setting the
 * key up again. One lane belongs to one thread. A nonce must not be used twice
 * under one key; that is the caller's affair.
 */
struct dk_gcm_lane;
DK_MUST_USE dk_err dk_gcm_lane_new(struct dk_gcm_lane **ret);
/* NULL is allowed; wipes the key. */
void dk_gcm_lane_free(struct dk_gcm_lane *lane);
DK_MUST_USE dk_err dk_gcm_lane_key(struct dk_gcm_lane *lane, const struct dk_secret32 *key,
    bool encrypt);
/*
 * tag stands apart from the ciphertext; in and out may be the same place.
 *
 * Errors:  DK_ERR_STATE  no key, or one for decryption
 */
DK_MUST_USE dk_err dk_gcm_lane_seal(struct dk_gcm_lane *lane, const uint8_t iv[DK_GCM_IV_BYTES],
    const uint8_t *aad, size_t aad_len, const uint8_t *pt, size_t len, uint8_t *ct,
    uint8_t tag[DK_GCM_TAG_BYTES]);
/*
 * Errors:  DK_ERR_STATE         no key, or one for encryption
 *          DK_ERR_SEGMENT_AUTH  the tag is wrong
 */
DK_MUST_USE dk_err dk_gcm_lane_open(struct dk_gcm_lane *lane, const uint8_t iv[DK_GCM_IV_BYTES],
    const uint8_t *aad, size_t aad_len, const uint8_t *ct, size_t len,
    const uint8_t tag[DK_GCM_TAG_BYTES], uint8_t *pt);

#endif
