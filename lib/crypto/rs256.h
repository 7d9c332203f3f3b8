/* SPDX-License-Identifier: Apache-2.0 */
/* RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2), for tokens of others (RFC 7518). */
#ifndef DK_CRYPTO_RS256_H
#define DK_CRYPTO_RS256_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/pkey.h"
#include "doublekey/error.h"

/*
 * Sign data with the private RSA key in a PEM text of at most 16 KiB, of any length that
 * its owner chose.
 *
 * Errors:  DK_ERR_KEY_INVALID  no private key, or a sealed one
 *          DK_ERR_CRYPTO       not an RSA key, or one of more than 8,192 bits
 */
DK_MUST_USE dk_err dk_rs256_sign(const char *pem, size_t pem_len, const uint8_t *data, size_t len,
    uint8_t ret[DK_RSA_MAX_BYTES], size_t *ret_len);

#endif
