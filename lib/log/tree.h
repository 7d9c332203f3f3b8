/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roots and proofs of a tree of which complete nodes can be asked for, wherever they
 * are kept. RFC 6962 section 2.1.
 */
#ifndef DK_LOG_TREE_H
#define DK_LOG_TREE_H

#include "log/merkle.h"

struct dk_tree_nodes {
	/* The node over the leaves from index << level, 1 << level of them. */
	dk_err (*node)(void *ctx, unsigned level, uint64_t index, uint8_t ret_hash[DK_HASH_BYTES]);
	void *ctx;
};

/* All of these also end with any error of node(). DK_ERR_ARGUMENT: an index or size that is
 * not one of the tree. size is at most 2^62. */
DK_MUST_USE dk_err dk_tree_root(
    const struct dk_tree_nodes *nodes, uint64_t size, uint8_t ret_root[DK_HASH_BYTES]);

/* From the leaf upwards; hashes has room for DK_PROOF_HASHES_MAX. */
DK_MUST_USE dk_err dk_tree_inclusion(const struct dk_tree_nodes *nodes, uint64_t index,
    uint64_t size, uint8_t *hashes, unsigned *ret_n);

/* From the tree of size from to that of size; hashes has room for DK_CONSISTENCY_HASHES_MAX. */
DK_MUST_USE dk_err dk_tree_consistency(const struct dk_tree_nodes *nodes, uint64_t from,
    uint64_t size, uint8_t *hashes, unsigned *ret_n);

#endif
