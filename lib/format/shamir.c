/* SPDX-License-Identifier: Apache-2.0 */
#include "format/shamir.h"

#include <string.h>

#define REDUCE 0x1b /* x^8 = x^4 + x^3 + x + 1 */

/* 0xff if the lowest bit is set, else 0. */
static uint8_t
mask_of(uint8_t bit)
{
	return (uint8_t) - (bit & 1);
}

uint8_t
dk_gf256_mul(uint8_t a, uint8_t b)
{
	uint8_t product = 0;

	for (int i = 0; i < 8; i++) {
		product ^= a & mask_of(b);
		a = (uint8_t)(a << 1) ^ (REDUCE & mask_of(a >> 7));
		b >>= 1;
	}
	return product;
}

/* a^254: the group has order 255. */
uint8_t
dk_gf256_inv(uint8_t a)
{
	uint8_t square = a;
	uint8_t inverse = 1;

	for (int i = 1; i < 8; i++) {
		square = dk_gf256_mul(square, square);
		inverse = dk_gf256_mul(inverse, square);
	}
	return inverse;
}

void
dk_shamir_share(const uint8_t *secret, size_t len, const uint8_t *coefficients, unsigned threshold,
    uint8_t x, uint8_t *ret_value)
{
	memset(ret_value, 0, len);
	for (unsigned power = threshold - 1; power > 0; power--)
		for (size_t i = 0; i < len; i++)
			ret_value[i] =
			    dk_gf256_mul(ret_value[i] ^ coefficients[(power - 1) * len + i], x);
	for (size_t i = 0; i < len; i++)
		ret_value[i] ^= secret[i];
}

/* Lagrange's basis polynomial of point i at x. */
static uint8_t
basis(const uint8_t *index, unsigned n, unsigned i, uint8_t x)
{
	uint8_t above = 1;
	uint8_t below = 1;

	for (unsigned j = 0; j < n; j++) {
		if (j == i)
			continue;
		above = dk_gf256_mul(above, x ^ index[j]);
		below = dk_gf256_mul(below, index[i] ^ index[j]);
	}
	return dk_gf256_mul(above, dk_gf256_inv(below));
}

void
dk_shamir_value_at(const uint8_t *index, const uint8_t *value, unsigned n, size_t len, uint8_t x,
    uint8_t *ret_value)
{
	memset(ret_value, 0, len);
	for (unsigned i = 0; i < n; i++) {
		uint8_t weight = basis(index, n, i, x);

		for (size_t k = 0; k < len; k++)
			ret_value[k] ^= dk_gf256_mul(weight, value[i * len + k]);
	}
}
