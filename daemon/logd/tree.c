/* SPDX-License-Identifier: Apache-2.0 */
#include "logd/tree.h"

#include <string.h>

bool
tree_load(struct tree *tree, struct store *store)
{
	tree->store = store;
	if (!store_size(store, &tree->size))
		return false;
	for (unsigned level = 0; level < TREE_LEVELS; level++)
		tree->cached_from[level] = tree->size >> level;
	return true;
}

bool
tree_node(struct tree *tree, unsigned level, uint64_t index, uint8_t ret_hash[DK_HASH_BYTES])
{
	if (index >= tree->cached_from[level]) {
		memcpy(ret_hash, tree->ring[level][index % TREE_RING], DK_HASH_BYTES);
		return true;
	}
	return store_get_nodes(tree->store, level, index, 1, ret_hash);
}

bool
tree_nodes(struct tree *tree, unsigned level, uint64_t index, unsigned n, uint8_t *ret)
{
	const uint64_t from = tree->cached_from[level];
	unsigned stored = 0;

	if (index < from)
		stored = from - index < n ? (unsigned)(from - index) : n;
	if (!store_get_nodes(tree->store, level, index, stored, ret))
		return false;
	for (unsigned i = stored; i < n; i++)
		memcpy(ret + (size_t)i * DK_HASH_BYTES, tree->ring[level][(index + i) % TREE_RING],
		    DK_HASH_BYTES);
	return true;
}

/* The last complete node of a level, where it has no parent yet, is in the frontier. */
void
tree_set(struct tree *tree, uint64_t size, const uint8_t frontier[][DK_HASH_BYTES])
{
	unsigned n = 0;

	tree->size = size;
	for (unsigned level = TREE_LEVELS; level-- > 0;) {
		uint64_t count = size >> level;

		tree->cached_from[level] = count;
		if (!(count & 1))
			continue;
		tree->cached_from[level] = count - 1;
		memcpy(tree->ring[level][(count - 1) % TREE_RING], frontier[n++], DK_HASH_BYTES);
	}
}

bool
tree_frontier(struct tree *tree, uint8_t ret_frontier[TREE_LEVELS][DK_HASH_BYTES])
{
	unsigned n = 0;

	for (unsigned level = TREE_LEVELS; level-- > 0;)
		if ((tree->size >> level & 1) &&
		    !tree_node(tree, level, (tree->size >> level) - 1, ret_frontier[n++]))
			return false;
	return true;
}

static bool
put_node(struct tree *tree, unsigned level, uint64_t index, const uint8_t hash[DK_HASH_BYTES])
{
	if (index - tree->cached_from[level] >= TREE_RING)
		tree->cached_from[level] = index - TREE_RING + 1;
	memcpy(tree->ring[level][index % TREE_RING], hash, DK_HASH_BYTES);
	return store_put_node(tree->store, level, index, hash);
}

bool
tree_append(struct tree *tree, const uint8_t leaf[DK_LEAF_BYTES])
{
	uint8_t hash[DK_HASH_BYTES], left[DK_HASH_BYTES];
	uint64_t index = tree->size;
	unsigned level = 0;

	if (dk_merkle_leaf(leaf, DK_LEAF_BYTES, hash) != DK_OK || !put_node(tree, 0, index, hash))
		return false;
	/* Every right child that is complete makes its parent complete. */
	while ((index & 1) && level + 1 < TREE_LEVELS) {
		if (!tree_node(tree, level, index - 1, left) ||
		    dk_merkle_node(left, hash, hash) != DK_OK)
			return false;
		index >>= 1;
		level++;
		if (!put_node(tree, level, index, hash))
			return false;
	}
	tree->size++;
	return true;
}

/*
 * Hash of the subtree at (level, index) of which at least one leaf is there.
 * From the top down along the right edge; what is left of the edge is complete.
 */
static bool
subtree(struct tree *tree, unsigned level, uint64_t index, uint8_t ret_hash[DK_HASH_BYTES])
{
	uint8_t left[TREE_LEVELS][DK_HASH_BYTES];
	unsigned n = 0;

	while (((index + 1) << level) > tree->size) {
		uint64_t right = 2 * index + 1;

		level--;
		if ((right << level) >= tree->size) {
			index = 2 * index;
			continue;
		}
		if (!tree_node(tree, level, 2 * index, left[n++]))
			return false;
		index = right;
	}
	if (!tree_node(tree, level, index, ret_hash))
		return false;
	while (n > 0)
		if (dk_merkle_node(left[--n], ret_hash, ret_hash) != DK_OK)
			return false;
	return true;
}

static unsigned
top_level(uint64_t size)
{
	unsigned level = 0;

	while (((uint64_t)1 << level) < size)
		level++;
	return level;
}

bool
tree_root(struct tree *tree, uint8_t ret_root[DK_HASH_BYTES])
{
	return tree->size > 0 && subtree(tree, top_level(tree->size), 0, ret_root);
}

static bool
proof(struct tree *tree, uint64_t index, uint8_t *hashes, unsigned *ret_n)
{
	unsigned top = top_level(tree->size), n = 0;

	for (unsigned level = 0; level < top; level++) {
		uint64_t sibling = (index >> level) ^ 1;

		if ((sibling << level) >= tree->size)
			continue;
		if (!subtree(tree, level, sibling, hashes + (size_t)n * DK_HASH_BYTES))
			return false;
		n++;
	}
	*ret_n = n;
	return true;
}

/* Complete nodes of a smaller tree are nodes of this one. */
bool
tree_proof(struct tree *tree, uint64_t size, uint64_t index, uint8_t *hashes, unsigned *ret_n)
{
	const uint64_t whole = tree->size;
	bool ok;

	tree->size = size;
	ok = proof(tree, index, hashes, ret_n);
	tree->size = whole;
	return ok;
}

/* From the root down to where the earlier tree ends; what stands beside the way comes in the
 * proof from the bottom up, and before it the last subtree, unless the verifier has it. */
static bool
consistency(struct tree *tree, uint64_t from, uint8_t *hashes, unsigned *ret_n)
{
	uint8_t beside[TREE_LEVELS][DK_HASH_BYTES];
	unsigned level = top_level(tree->size), n = 0, m = 0;
	uint64_t index = 0;
	bool known = true;

	for (;;) {
		uint64_t end = (index + 1) << level, middle;

		if (from == (end < tree->size ? end : tree->size))
			break;
		level--;
		middle = (2 * index + 1) << level;
		if (middle >= tree->size) {
			index = 2 * index;
			continue;
		}
		if (!subtree(tree, level, 2 * index + (from <= middle), beside[m++]))
			return false;
		known = known && from <= middle;
		index = 2 * index + (from > middle);
	}
	if (!known && !subtree(tree, level, index, hashes + (size_t)n++ * DK_HASH_BYTES))
		return false;
	while (m > 0)
		memcpy(hashes + (size_t)n++ * DK_HASH_BYTES, beside[--m], DK_HASH_BYTES);
	*ret_n = n;
	return true;
}

bool
tree_consistency(struct tree *tree, uint64_t from, uint64_t size, uint8_t *hashes, unsigned *ret_n)
{
	const uint64_t whole = tree->size;
	bool ok;

	*ret_n = 0;
	if (from == 0 || from == size)
		return true;
	tree->size = size;
	ok = consistency(tree, from, hashes, ret_n);
	tree->size = whole;
	return ok;
}
