/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash tree over all leaves. Complete nodes are in the store; the newest
 * ones of each level are kept in memory too, so that proofs of a batch that
 * was just appended read nothing. Roots and proofs are made by log/tree.h.
 */
#ifndef DK_LOGD_TREE_H
#define DK_LOGD_TREE_H

#include "log/tree.h"
#include "store/store.h"

#define TREE_LEVELS STORE_LEVELS
#define TREE_RING 1024

struct tree {
	struct store *store;
	uint64_t size;
	uint64_t cached_from[TREE_LEVELS]; /* first index of the level in the ring */
	uint8_t ring[TREE_LEVELS][TREE_RING][DK_HASH_BYTES];
};

/* From what the store holds, with nothing cached: also after a rollback. */
bool tree_load(struct tree *tree, struct store *store);
/* Within a transaction of the store. */
bool tree_append(struct tree *tree, const uint8_t leaf[DK_LEAF_BYTES]);
/* A complete node: its leaves are all there. */
bool tree_node(struct tree *tree, unsigned level, uint64_t index, uint8_t ret_hash[DK_HASH_BYTES]);
/* n of them behind each other, at most STORE_NODES_MAX. */
bool tree_nodes(struct tree *tree, unsigned level, uint64_t index, unsigned n, uint8_t *ret);
/* The tree of this size with this frontier (store.h): it can be appended to, and proofs for
 * what is appended made, without a question to the store. */
void tree_set(struct tree *tree, uint64_t size, const uint8_t frontier[][DK_HASH_BYTES]);
bool tree_frontier(struct tree *tree, uint8_t ret_frontier[TREE_LEVELS][DK_HASH_BYTES]);
/* Of the tree of the first size leaves; SHA-256 of nothing if size is 0. */
bool tree_root(struct tree *tree, uint64_t size, uint8_t ret_root[DK_HASH_BYTES]);
/* In the tree of the first size leaves, of which the one with this index is one. */
bool tree_proof(
    struct tree *tree, uint64_t size, uint64_t index, uint8_t *hashes, unsigned *ret_n);
/* That the tree of the first size leaves begins with that of the first from, RFC 6962 section
 * 2.1.2; none if from is 0 or size. hashes has room for DK_CONSISTENCY_HASHES_MAX. */
bool tree_consistency(
    struct tree *tree, uint64_t from, uint64_t size, uint8_t *hashes, unsigned *ret_n);

#endif
