/* SPDX-License-Identifier: Apache-2.0 */
/* One share wrapped to one key pair, spec/envelope.md section 6.3. */
#ifndef DK_FORMAT_STANZA_H
#define DK_FORMAT_STANZA_H

#include "base/secret.h"
#include "crypto/crypto.h"
#include "doublekey/error.h"
#include "doublekey/key.h"

#define DK_WRAPPED_SHARE_BYTES (DK_SHARE_BYTES + DK_GCM_TAG_BYTES)

/* Stanza type for a key pair; the numbers are those of enum dk_key_type. */
uint16_t dk_stanza_type_of(const struct dk_pkey *pkey);

/* body has room for DK_STANZA_BODY_MAX_BYTES (key_impl.h). */
DK_MUST_USE dk_err dk_stanza_wrap(const struct dk_pkey *pkey, dk_side side,
    const uint8_t core_digest[DK_SHA384_BYTES], const struct dk_secret32 *share, uint8_t *body,
    size_t *ret_len);

/*
 * Every way in which a stanza may fail is DK_ERR_STANZA_AUTH: another type or
 * key id, a length that does not fit the key, a wrong tag.
 */
DK_MUST_USE dk_err dk_stanza_unwrap(const struct dk_pkey *pkey, dk_side side,
    const uint8_t core_digest[DK_SHA384_BYTES], uint16_t type,
    const uint8_t key_id[DK_KEY_ID_BYTES], const uint8_t *body, size_t len,
    struct dk_secret32 *ret_share);

/* Whether a stanza has type, key id and length of one for this key. */
bool dk_stanza_fits(const struct dk_pkey *pkey, uint16_t type,
    const uint8_t key_id[DK_KEY_ID_BYTES], size_t len, size_t *ret_enc_len);

/*
 * The rest of an unwrap whose private operation a token did on the first bytes of
 * body: raw is the x coordinate of the product, or the raw RSA result, and pkey
 * the public half. The stanza fits the key, and its point is one of the curve.
 */
DK_MUST_USE dk_err dk_stanza_unwrap_raw(const struct dk_pkey *pkey, dk_side side,
    const uint8_t core_digest[DK_SHA384_BYTES], const uint8_t *body, size_t len,
    const uint8_t *raw, size_t raw_len, struct dk_secret32 *ret_share);

/* The same for an RSA key whose holder decoded the padding itself: seed is what it gave. */
DK_MUST_USE dk_err dk_stanza_unwrap_seed(const struct dk_pkey *pkey, dk_side side,
    const uint8_t core_digest[DK_SHA384_BYTES], const uint8_t *body, size_t len,
    const struct dk_secret32 *seed, struct dk_secret32 *ret_share);

#endif
