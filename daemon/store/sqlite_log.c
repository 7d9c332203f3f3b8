/* SPDX-License-Identifier: Apache-2.0 */
/* What the log consists of: entries, nodes of the tree, checkpoints. */
#include <string.h>

#include "store/sqlite_impl.h"

bool
sqlite_put_entry(struct store *store, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES],
    const uint8_t *record, size_t len, bool act)
{
	struct sqlite *db = (struct sqlite *)store;

	return sqlite_bind_number(db, ST_PUT_ENTRY, 1, index) &&
	    sqlite_bind_bytes(db, ST_PUT_ENTRY, 2, leaf, DK_LEAF_BYTES) &&
	    sqlite_bind_bytes(db, ST_PUT_ENTRY, 3, record, len) && sqlite_run(db, ST_PUT_ENTRY) &&
	    (!act || (sqlite_bind_number(db, ST_PUT_ACT, 1, index) && sqlite_run(db, ST_PUT_ACT)));
}

bool
sqlite_put_node(struct store *store, uint64_t place, const uint8_t hash[DK_HASH_BYTES])
{
	struct sqlite *db = (struct sqlite *)store;

	return sqlite_bind_number(db, ST_PUT_NODE, 1, place) &&
	    sqlite_bind_bytes(db, ST_PUT_NODE, 2, hash, DK_HASH_BYTES) &&
	    sqlite_run(db, ST_PUT_NODE);
}

static bool
get_node(struct sqlite *db, uint64_t place, uint8_t ret_hash[DK_HASH_BYTES])
{
	sqlite3_stmt *st = db->st[ST_GET_NODE];
	bool ok;

	ok = sqlite_bind_number(db, ST_GET_NODE, 1, place) && sqlite3_step(st) == SQLITE_ROW &&
	    sqlite3_column_bytes(st, 0) == DK_HASH_BYTES;
	if (ok)
		memcpy(ret_hash, sqlite3_column_blob(st, 0), DK_HASH_BYTES);
	(void)sqlite3_reset(st);
	return ok;
}

bool
sqlite_get_nodes(struct store *store, const uint64_t *place, unsigned n, uint8_t *ret)
{
	for (unsigned i = 0; i < n; i++)
		if (!get_node((struct sqlite *)store, place[i], ret + i * DK_HASH_BYTES))
			return false;
	return true;
}

/* Older checkpoints are roots of trees that the nodes still give: only the
 * newest one is kept. */
bool
sqlite_put_checkpoint(struct store *store, uint64_t size, const char *text, size_t len)
{
	struct sqlite *db = (struct sqlite *)store;

	return sqlite_bind_number(db, ST_PUT_CHECKPOINT, 1, size) &&
	    sqlite_bind_bytes(db, ST_PUT_CHECKPOINT, 2, text, len) &&
	    sqlite_run(db, ST_PUT_CHECKPOINT) &&
	    sqlite_bind_number(db, ST_DROP_CHECKPOINTS, 1, size) &&
	    sqlite_run(db, ST_DROP_CHECKPOINTS);
}

bool
sqlite_last_checkpoint(struct store *store, char *text, size_t cap, size_t *ret_len)
{
	sqlite3_stmt *st = ((struct sqlite *)store)->st[ST_LAST_CHECKPOINT];
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
sqlite_size(struct store *store, uint64_t *ret_size)
{
	return sqlite_get_number((struct sqlite *)store, ST_SIZE, ret_size);
}

bool
sqlite_read(
    struct store *store, uint64_t first, uint32_t max, bool acts, store_entry_fn each, void *ctx)
{
	const enum statement which = acts ? ST_READ_ACTS : ST_READ;
	struct sqlite *db = (struct sqlite *)store;
	sqlite3_stmt *st = db->st[which];
	int ret = SQLITE_ERROR;

	if (sqlite_bind_number(db, which, 1, first) && sqlite_bind_number(db, which, 2, max))
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
