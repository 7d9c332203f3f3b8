/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shamir's scheme over GF(2^8), spec/key-backup.md section 4. Pure arithmetic:
 * the time depends on numbers and lengths only, never on values.
 */
#ifndef DK_FORMAT_SHAMIR_H
#define DK_FORMAT_SHAMIR_H

#include <stddef.h>
#include <stdint.h>

#define DK_SHAMIR_SHARES_MAX 255u

/* Product, and inverse (of 0: 0), in the field of section 4. */
uint8_t dk_gf256_mul(uint8_t a, uint8_t b);
uint8_t dk_gf256_inv(uint8_t a);

/*
 * Value of share number x, 1 to 255, of len bytes of secret. coefficients are
 * (threshold - 1) * len random bytes, the same ones for all shares.
 */
void dk_shamir_share(const uint8_t *secret, size_t len, const uint8_t *coefficients,
    unsigned threshold, uint8_t x, uint8_t *ret_value);

/*
 * Value at x of the polynomial through n points; the secret is at 0. index holds
 * n numbers that differ, value n values of len bytes each, one behind the other.
 */
void dk_shamir_value_at(const uint8_t *index, const uint8_t *value, unsigned n, size_t len,
    uint8_t x, uint8_t *ret_value);

#endif
