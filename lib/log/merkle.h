/* SPDX-License-Identifier: Apache-2.0 */
/* Hash tree of RFC 6962 section 2.1, as spec/log.md uses it. */
#ifndef DK_LOG_MERKLE_H
#define DK_LOG_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#include "doublekey/error.h"

#define DK_HASH_BYTES 32
#define DK_PROOF_HASHES_MAX 63
#define DK_CONSISTENCY_HASHES_MAX 64

DK_MUST_USE dk_err dk_merkle_leaf(const uint8_t *leaf, size_t len, uint8_t ret_hash[DK_HASH_BYTES]);
DK_MUST_USE dk_err dk_merkle_node(const uint8_t left[DK_HASH_BYTES],
    const uint8_t right[DK_HASH_BYTES], uint8_t ret_hash[DK_HASH_BYTES]);

/*
 * The root that an inclusion proof leads to. DK_ERR_RECEIPT: index not below
 * size, or a number of hashes other than that of the tree.
 */
DK_MUST_USE dk_err dk_merkle_inclusion_root(const uint8_t leaf_hash[DK_HASH_BYTES], uint64_t index,
    uint64_t size, const uint8_t *hashes, size_t n, uint8_t ret_root[DK_HASH_BYTES]);

/*
 * Whether the tree of the later root begins with all leaves of the earlier one.
 *
 * Spec:    RFC 6962 section 2.1.2; RFC 9162 section 2.1.4.2
 * In:      hashes  n of them; none if from is 0 or is size
 * Errors:  DK_ERR_LOG_INCONSISTENT  not shown: another number of hashes than such a proof
 *                                   has, another root, from above size
 */
DK_MUST_USE dk_err dk_merkle_consistency_verify(uint64_t from,
    const uint8_t from_root[DK_HASH_BYTES], uint64_t size, const uint8_t root[DK_HASH_BYTES],
    const uint8_t *hashes, size_t n);

#endif
