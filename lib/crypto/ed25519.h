/* SPDX-License-Identifier: Apache-2.0 */
/* Ed25519 (RFC 8032), which C2SP checkpoints are signed with. */
#ifndef DK_CRYPTO_ED25519_H
#define DK_CRYPTO_ED25519_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "doublekey/error.h"

#define DK_ED25519_BYTES 32
#define DK_ED25519_SIGNATURE_BYTES 64

/* The public key that belongs to a private key (seed). */
DK_MUST_USE dk_err dk_ed25519_public(const struct dk_secret32 *seed,
    uint8_t ret_public[DK_ED25519_BYTES]);
/* A private key that is ready to sign: making it takes as long as a signature. */
struct dk_ed25519;
DK_MUST_USE dk_err dk_ed25519_new(const struct dk_secret32 *seed, struct dk_ed25519 **ret);
/* May be NULL. */
void dk_ed25519_free(struct dk_ed25519 *key);
DK_MUST_USE dk_err dk_ed25519_sign(const struct dk_ed25519 *key, const uint8_t *text, size_t len,
    uint8_t ret_sig[DK_ED25519_SIGNATURE_BYTES]);
/* DK_ERR_RECEIPT: does not verify. */
DK_MUST_USE dk_err dk_ed25519_verify(const uint8_t public_key[DK_ED25519_BYTES],
    const uint8_t *text, size_t len, const uint8_t sig[DK_ED25519_SIGNATURE_BYTES]);

#endif
