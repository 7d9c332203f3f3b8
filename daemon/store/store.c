/* SPDX-License-Identifier: Apache-2.0 */
/* What is the same for each store. */
#include "store/store.h"

void
store_close(struct store *store)
{
	if (store)
		store->ops->close(store);
}

/*
 * Nodes in the order in which they come to be: each behind its two children, the
 * right one of which is the node before it. So they fill page after page, where a
 * key of level and index would change a page for each level with every commit.
 */
static uint64_t
node_place(unsigned level, uint64_t index)
{
	/* Its last leaf, before which stand as many leaves, half as many of their
	 * parents and so on. */
	uint64_t n = ((index + 1) << level) - 1, place = level;

	for (; n > 0; n >>= 1)
		place += n;
	return place;
}

bool
store_put_node(
    struct store *store, unsigned level, uint64_t index, const uint8_t hash[DK_HASH_BYTES])
{
	return store->ops->put_node(store, node_place(level, index), hash);
}

bool
store_get_nodes(struct store *store, unsigned level, uint64_t index, unsigned n, uint8_t *ret)
{
	uint64_t place[STORE_NODES_MAX];

	if (n > STORE_NODES_MAX)
		return false;
	for (unsigned i = 0; i < n; i++)
		place[i] = node_place(level, index + i);
	return n == 0 || store->ops->get_nodes(store, place, n, ret);
}
