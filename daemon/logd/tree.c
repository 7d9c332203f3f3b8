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

static dk_err
node_of(void *ctx, unsigned level, uint64_t index, uint8_t ret_hash[DK_HASH_BYTES])
{
	return level < TREE_LEVELS && tree_node(ctx, level, index, ret_hash) ? DK_OK : DK_ERR_READ;
}

/* Complete nodes of a smaller tree are nodes of this one. */
bool
tree_root(struct tree *tree, uint64_t size, uint8_t ret_root[DK_HASH_BYTES])
{
	const struct dk_tree_nodes nodes = { .node = node_of, .ctx = tree };

	return dk_tree_root(&nodes, size, ret_root) == DK_OK;
}

bool
tree_proof(struct tree *tree, uint64_t size, uint64_t index, uint8_t *hashes, unsigned *ret_n)
{
	const struct dk_tree_nodes nodes = { .node = node_of, .ctx = tree };

	return dk_tree_inclusion(&nodes, index, size, hashes, ret_n) == DK_OK;
}

bool
tree_consistency(struct tree *tree, uint64_t from, uint64_t size, uint8_t *hashes, unsigned *ret_n)
{
	const struct dk_tree_nodes nodes = { .node = node_of, .ctx = tree };

	return dk_tree_consistency(&nodes, from, size, hashes, ret_n) == DK_OK;
}
