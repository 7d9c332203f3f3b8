/* SPDX-License-Identifier: Apache-2.0 */
/* What the log consists of: entries, nodes of the tree, checkpoints. */
#include <string.h>

#include "store/sqlite_impl.h"

bool
store_put_entry(struct store *store, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES],
    const uint8_t *record, size_t len)
{
	return sqlite_bind_number(store, ST_PUT_ENTRY, 1, index) &&
	    sqlite_bind_bytes(store, ST_PUT_ENTRY, 2, leaf, DK_LEAF_BYTES) &&
	    sqlite_bind_bytes(store, ST_PUT_ENTRY, 3, record, len) &&
	    sqlite_run(store, ST_PUT_ENTRY);
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
store_put_node(struct store *store, unsigned level, uint64_t index, const uint8_t hash[32])
{
	return sqlite_bind_number(store, ST_PUT_NODE, 1, node_place(level, index)) &&
	    sqlite_bind_bytes(store, ST_PUT_NODE, 2, hash, 32) && sqlite_run(store, ST_PUT_NODE);
}

bool
store_get_node(struct store *store, unsigned level, uint64_t index, uint8_t ret_hash[32])
{
	sqlite3_stmt *st = store->st[ST_GET_NODE];
	bool ok;

	ok = sqlite_bind_number(store, ST_GET_NODE, 1, node_place(level, index)) &&
	    sqlite3_step(st) == SQLITE_ROW && sqlite3_column_bytes(st, 0) == 32;
	if (ok)
		memcpy(ret_hash, sqlite3_column_blob(st, 0), 32);
	(void)sqlite3_reset(st);
	return ok;
}

/* Older checkpoints are roots of trees that the nodes still give: only the
 * newest one is kept. */
bool
store_put_checkpoint(struct store *store, uint64_t size, const char *text, size_t len)
{
	return sqlite_bind_number(store, ST_PUT_CHECKPOINT, 1, size) &&
	    sqlite_bind_bytes(store, ST_PUT_CHECKPOINT, 2, text, len) &&
	    sqlite_run(store, ST_PUT_CHECKPOINT) &&
	    sqlite_bind_number(store, ST_DROP_CHECKPOINTS, 1, size) &&
	    sqlite_run(store, ST_DROP_CHECKPOINTS);
}

bool
store_last_checkpoint(struct store *store, char *text, size_t cap, size_t *ret_len)
{
	sqlite3_stmt *st = store->st[ST_LAST_CHECKPOINT];
	int ret = sqlite3_step(st);
	bool ok = ret == SQLITE_DONE;

	*ret_len = 0;
	if (ret == SQLITE_ROW && (size_t)sqlite3_column_bytes(st, 0) <= cap) {
		*ret_len = (size_t)sqlite3_column_bytes(st, 0);
		memcpy(text, sqlite3_column_blob(st, 0), *ret_len);
		ok = true;
	}
	(void)sqlite3_reset(st);
	return ok;
}

bool
store_size(struct store *store, uint64_t *ret_size)
{
	return sqlite_get_number(store, ST_SIZE, ret_size);
}

static bool
read_some(struct store *store, enum statement which, uint64_t first, uint32_t max,
    store_entry_fn each, void *ctx)
{
	sqlite3_stmt *st = store->st[which];
	int ret = SQLITE_ERROR;

	if (sqlite_bind_number(store, which, 1, first) && sqlite_bind_number(store, which, 2, max))
		while ((ret = sqlite3_step(st)) == SQLITE_ROW) {
			if (sqlite3_column_bytes(st, 1) != DK_LEAF_BYTES)
				break;
			if (!each(ctx, (uint64_t)sqlite3_column_int64(st, 0),
				sqlite3_column_blob(st, 1), sqlite3_column_blob(st, 2),
				(size_t)sqlite3_column_bytes(st, 2))) {
				ret = SQLITE_DONE;
				break;
			}
		}
	(void)sqlite3_reset(st);
	return ret == SQLITE_DONE;
}

bool
store_read(struct store *store, uint64_t first, uint32_t max, store_entry_fn each, void *ctx)
{
	return read_some(store, ST_READ, first, max, each, ctx);
}

bool
store_put_act(struct store *store, uint64_t index)
{
	return sqlite_bind_number(store, ST_PUT_ACT, 1, index) && sqlite_run(store, ST_PUT_ACT);
}

bool
store_read_acts(struct store *store, uint64_t first, uint32_t max, store_entry_fn each, void *ctx)
{
	return read_some(store, ST_READ_ACTS, first, max, each, ctx);
}
