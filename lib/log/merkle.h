/* SPDX-License-Identifier: Apache-2.0 */
/* Hash tree of RFC 6962 section 2.1, as spec/log.md uses it. */
#ifndef DK_LOG_MERKLE_H
#define DK_LOG_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#include "doublekey/error.h"

#define DK_HASH_BYTES 32
#define DK_PROOF_HASHES_MAX 63

DK_MUST_USE dk_err dk_merkle_leaf(const uint8_t *leaf, size_t len, uint8_t ret_hash[DK_HASH_BYTES]);
DK_MUST_USE dk_err dk_merkle_node(const uint8_t left[DK_HASH_BYTES],
    const uint8_t right[DK_HASH_BYTES], uint8_t ret_hash[DK_HASH_BYTES]);

/*
 * The root that an inclusion proof leads to. DK_ERR_RECEIPT: index not below
 * size, or a number of hashes other than that of the tree.
 */
DK_MUST_USE dk_err dk_merkle_inclusion_root(const uint8_t leaf_hash[DK_HASH_BYTES], uint64_t index,
    uint64_t size, const uint8_t *hashes, size_t n, uint8_t ret_root[DK_HASH_BYTES]);

#endif
