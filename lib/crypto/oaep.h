/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of lib/crypto: what both decoders of OAEP with SHA-256 and the empty label share. */
#ifndef DK_CRYPTO_OAEP_H
#define DK_CRYPTO_OAEP_H

#include "crypto/hash.h"

/* SHA-256 of the empty label. */
extern const uint8_t dk_oaep_label_hash[DK_SHA256_BYTES];

/* Takes the masks off a block of len bytes, in place: first byte, seed, DB. */
DK_MUST_USE dk_err dk_oaep_unmask(uint8_t *em, size_t len);

#endif
