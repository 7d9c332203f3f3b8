/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HPKE (RFC 9180) in base mode with DHKEM(P-256, HKDF-SHA256) and HKDF-SHA256,
 * or DHKEM(P-384, HKDF-SHA384) and HKDF-SHA384, and AES-256-GCM. The key's
 * curve decides which. Secret export (section 5.3) is not offered: nothing
 * here needs it.
 */
#ifndef DK_CRYPTO_HPKE_H
#define DK_CRYPTO_HPKE_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/pkey.h"
#include "doublekey/error.h"

/* Several seals in one context are used by the key service (one per object). */
struct dk_hpke {
	struct dk_secret32 key;
	uint8_t base_nonce[DK_GCM_IV_BYTES];
	uint64_t seq;
};
void dk_hpke_clear(struct dk_hpke *ctx);
#define dk_auto_hpke __attribute__((cleanup(dk_hpke_clear))) struct dk_hpke

/*
 * Start as sender.
 *
 * In:      ephemeral  NULL: a new key pair; otherwise a known-answer test's
 * Out:     ret_enc    room for 65 or 97 bytes
 * Errors:  DK_ERR_KEY_TYPE  not an EC key
 */
DK_MUST_USE dk_err dk_hpke_sender(const struct dk_pkey *recipient, const uint8_t *info,
    size_t info_len, const struct dk_pkey *ephemeral, struct dk_hpke *ret_ctx, uint8_t *ret_enc,
    size_t *ret_enc_len);

/*
 * Start as receiver.
 *
 * Errors:  DK_ERR_STANZA_AUTH       enc is not a point of the key's curve
 *          DK_ERR_KEY_NEED_PRIVATE  a public key
 *          DK_ERR_KEY_TYPE          not an EC key
 */
DK_MUST_USE dk_err dk_hpke_receiver(const struct dk_pkey *key, const uint8_t *enc,
    size_t enc_len, const uint8_t *info, size_t info_len, struct dk_hpke *ret_ctx);

/* As dk_hpke_receiver(), where a token made the exchange: dh is the x coordinate,
 * 32 or 48 bytes, and the caller has checked enc with dk_pkey_from_point(). */
DK_MUST_USE dk_err dk_hpke_receiver_dh(const struct dk_pkey *key, const uint8_t *enc,
    size_t enc_len, const struct dk_secret66 *dh, const uint8_t *info, size_t info_len,
    struct dk_hpke *ret_ctx);

/* ct has room for len + 16 bytes; each call is the next message of the context. */
DK_MUST_USE dk_err dk_hpke_seal(struct dk_hpke *ctx, const uint8_t *aad, size_t aad_len,
    const uint8_t *pt, size_t len, uint8_t *ct);
/* DK_ERR_STANZA_AUTH: the tag is wrong; the context stays at this message. */
DK_MUST_USE dk_err dk_hpke_open(struct dk_hpke *ctx, const uint8_t *aad, size_t aad_len,
    const uint8_t *ct, size_t ct_len, uint8_t *pt);

#endif
