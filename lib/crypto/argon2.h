/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Argon2id, RFC 9106. libargon2 is loaded at the first use and unloaded behind
 * it: a program that meets no sealed key never maps it.
 */
#ifndef DK_CRYPTO_ARGON2_H
#define DK_CRYPTO_ARGON2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "doublekey/error.h"

#define DK_ARGON2_SALT_BYTES 16
#define DK_ARGON2_PASSES_MAX 64u
#define DK_ARGON2_LANES_MAX 64u
#define DK_ARGON2_LANE_MIN_KIB 8u
#define DK_ARGON2_MEMORY_MAX_KIB 4194304u

struct dk_argon2 {
	uint8_t salt[DK_ARGON2_SALT_BYTES];
	uint32_t passes;
	uint32_t memory_kib;
	uint32_t lanes;
};

/* Within the limits of spec/key-file.md section 1. */
bool dk_argon2_valid(const struct dk_argon2 *params);

/*
 * DK_ERR_ARGUMENT: parameters beyond the limits. DK_ERR_LIBRARY: libargon2 is
 * not there. DK_ERR_NOMEM: it got no memory.
 */
DK_MUST_USE dk_err dk_argon2id(const struct dk_argon2 *params, const uint8_t *passphrase,
    size_t len, struct dk_secret32 *ret_key);

#endif
