/* SPDX-License-Identifier: Apache-2.0 */
#include "log/tree.h"

#include <stdbool.h>
#include <string.h>

#include "crypto/hash.h"

#define SIZE_MAX_LEAVES (UINT64_C(1) << 62)

/* The largest power of two below n, which is above 1. */
static uint64_t
half_of(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

/*
 * The root over the leaves from lo to hi, where lo is a multiple of a power of two that
 * is not below hi - lo: complete nodes from the left, each smaller than the last one.
 */
static dk_err
range_root(const struct dk_tree_nodes *nodes, uint64_t lo, uint64_t hi, uint8_t ret[DK_HASH_BYTES])
{
	uint8_t part[64][DK_HASH_BYTES];
	unsigned n = 0;
	dk_err err = DK_OK;

	for (; lo < hi && err == DK_OK; n++) {
		unsigned level = 63 - (unsigned)__builtin_clzll(hi - lo);

		err = nodes->node(nodes->ctx, level, lo >> level, part[n]);
		lo += UINT64_C(1) << level;
	}
	for (; n > 1 && err == DK_OK; n--)
		err = dk_merkle_node(part[n - 2], part[n - 1], part[n - 2]);
	if (err == DK_OK)
		memcpy(ret, part[0], DK_HASH_BYTES);
	return err;
}

dk_err
dk_tree_root(const struct dk_tree_nodes *nodes, uint64_t size, uint8_t ret_root[DK_HASH_BYTES])
{
	if (size > SIZE_MAX_LEAVES)
		return DK_ERR_ARGUMENT;
	return size == 0 ? dk_sha256(NULL, 0, ret_root) : range_root(nodes, 0, size, ret_root);
}

/* Proofs are made from the root downwards and read from the other end. */
static void
turn_round(uint8_t *hashes, unsigned n)
{
	uint8_t hash[DK_HASH_BYTES];

	for (unsigned i = 0; i < n / 2; i++) {
		uint8_t *a = hashes + i * DK_HASH_BYTES, *b = hashes + (n - 1 - i) * DK_HASH_BYTES;

		memcpy(hash, a, DK_HASH_BYTES);
		memcpy(a, b, DK_HASH_BYTES);
		memcpy(b, hash, DK_HASH_BYTES);
	}
}

dk_err
dk_tree_inclusion(const struct dk_tree_nodes *nodes, uint64_t index, uint64_t size, uint8_t *hashes,
    unsigned *ret_n)
{
	uint64_t lo = 0, hi = size;
	unsigned n = 0;
	dk_err err = DK_OK;

	if (index >= size || size > SIZE_MAX_LEAVES)
		return DK_ERR_ARGUMENT;
	for (; hi - lo > 1 && err == DK_OK; n++) {
		uint64_t middle = lo + half_of(hi - lo);
		bool left = index < middle;

		err = range_root(nodes, left ? middle : lo, left ? hi : middle,
		    hashes + (size_t)n * DK_HASH_BYTES);
		lo = left ? lo : middle;
		hi = left ? middle : hi;
	}
	if (err != DK_OK)
		return err;
	turn_round(hashes, n);
	*ret_n = n;
	return DK_OK;
}

dk_err
dk_tree_consistency(const struct dk_tree_nodes *nodes, uint64_t from, uint64_t size,
    uint8_t *hashes, unsigned *ret_n)
{
	uint64_t lo = 0, hi = size;
	unsigned n = 0;
	dk_err err = DK_OK;

	if (from > size || size > SIZE_MAX_LEAVES)
		return DK_ERR_ARGUMENT;
	for (; from > 0 && from < hi && err == DK_OK; n++) {
		uint64_t middle = lo + half_of(hi - lo);
		bool left = from <= middle;

		err = range_root(nodes, left ? middle : lo, left ? hi : middle,
		    hashes + (size_t)n * DK_HASH_BYTES);
		lo = left ? lo : middle;
		hi = left ? middle : hi;
	}
	/* What is left is the end of the old tree; if it is all of it, its root is known. */
	if (err == DK_OK && from > 0 && lo > 0) {
		err = range_root(nodes, lo, hi, hashes + (size_t)n * DK_HASH_BYTES);
		n++;
	}
	if (err != DK_OK)
		return err;
	turn_round(hashes, n);
	*ret_n = n;
	return DK_OK;
}
