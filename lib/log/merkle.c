/* SPDX-License-Identifier: Apache-2.0 */
#include "log/merkle.h"

#include <stdbool.h>
#include <string.h>

#include "crypto/crypto.h"

dk_err
dk_merkle_leaf(const uint8_t *leaf, size_t len, uint8_t ret_hash[DK_HASH_BYTES])
{
	static const uint8_t zero = 0;
	const struct dk_part parts[] = { { &zero, 1 }, { leaf, len } };

	return dk_sha256(parts, 2, ret_hash);
}

dk_err
dk_merkle_node(const uint8_t left[DK_HASH_BYTES], const uint8_t right[DK_HASH_BYTES],
    uint8_t ret_hash[DK_HASH_BYTES])
{
	static const uint8_t one = 1;
	const struct dk_part parts[] = { { &one, 1 }, { left, DK_HASH_BYTES },
		{ right, DK_HASH_BYTES } };

	return dk_sha256(parts, 3, ret_hash);
}

/*
 * RFC 9162 section 2.1.3.2: fn is the index at the current level, sn the index
 * of the last node there. A node that is last and even has no sibling; it moves
 * up until it gets one.
 */
dk_err
dk_merkle_inclusion_root(const uint8_t leaf_hash[DK_HASH_BYTES], uint64_t index, uint64_t size,
    const uint8_t *hashes, size_t n, uint8_t ret_root[DK_HASH_BYTES])
{
	uint64_t fn = index, sn = size - 1;
	uint8_t r[DK_HASH_BYTES];
	dk_err err;

	if (index >= size || n > DK_PROOF_HASHES_MAX)
		return DK_ERR_RECEIPT;
	memcpy(r, leaf_hash, sizeof(r));
	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = hashes + i * DK_HASH_BYTES;

		if (sn == 0)
			return DK_ERR_RECEIPT;
		if ((fn & 1) || fn == sn) {
			err = dk_merkle_node(p, r, r);
			while (!(fn & 1) && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			err = dk_merkle_node(r, p, r);
		}
		if (err != DK_OK)
			return err;
		fn >>= 1;
		sn >>= 1;
	}
	if (sn != 0)
		return DK_ERR_RECEIPT;
	memcpy(ret_root, r, sizeof(r));
	return DK_OK;
}

/* The two roots that a proof leads to; false: it is none for these sizes. */
static dk_err
consistency_roots(uint64_t from, uint64_t size, const uint8_t *first, const uint8_t *hashes,
    size_t n, uint8_t fr[DK_HASH_BYTES], uint8_t sr[DK_HASH_BYTES])
{
	uint64_t fn = from - 1, sn = size - 1;
	dk_err err = DK_OK;

	for (; fn & 1; sn >>= 1)
		fn >>= 1;
	memcpy(fr, first, DK_HASH_BYTES);
	memcpy(sr, first, DK_HASH_BYTES);
	for (size_t i = 0; i < n && err == DK_OK; i++) {
		const uint8_t *c = hashes + i * DK_HASH_BYTES;

		if (sn == 0)
			return DK_ERR_LOG_INCONSISTENT;
		if ((fn & 1) || fn == sn) {
			err = dk_merkle_node(c, fr, fr);
			if (err == DK_OK)
				err = dk_merkle_node(c, sr, sr);
			for (; !(fn & 1) && fn != 0; sn >>= 1)
				fn >>= 1;
		} else {
			err = dk_merkle_node(sr, c, sr);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return err == DK_OK && sn != 0 ? DK_ERR_LOG_INCONSISTENT : err;
}

dk_err
dk_merkle_consistency_verify(uint64_t from, const uint8_t from_root[DK_HASH_BYTES], uint64_t size,
    const uint8_t root[DK_HASH_BYTES], const uint8_t *hashes, size_t n)
{
	uint8_t fr[DK_HASH_BYTES], sr[DK_HASH_BYTES];
	bool whole = from > 0 && (from & (from - 1)) == 0;
	dk_err err;

	if (from > size || n > DK_CONSISTENCY_HASHES_MAX)
		return DK_ERR_LOG_INCONSISTENT;
	if (from == 0 || from == size)
		return n == 0 && (from == 0 || memcmp(from_root, root, DK_HASH_BYTES) == 0)
		    ? DK_OK
		    : DK_ERR_LOG_INCONSISTENT;
	if (n == 0)
		return DK_ERR_LOG_INCONSISTENT;
	/* A tree that is one complete subtree is its own first hash. */
	err = whole ? consistency_roots(from, size, from_root, hashes, n, fr, sr)
		    : consistency_roots(from, size, hashes, hashes + DK_HASH_BYTES, n - 1, fr, sr);
	if (err != DK_OK)
		return err;
	return memcmp(fr, from_root, DK_HASH_BYTES) == 0 && memcmp(sr, root, DK_HASH_BYTES) == 0
	    ? DK_OK
	    : DK_ERR_LOG_INCONSISTENT;
}
