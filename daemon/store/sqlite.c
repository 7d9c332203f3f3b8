/* SPDX-License-Identifier: Apache-2.0 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "store/store.h"

enum statement {
	ST_BEGIN,
	ST_COMMIT,
	ST_ROLLBACK,
	ST_USED,
	ST_FORGET,
	ST_PUT_ENTRY,
	ST_PUT_NODE,
	ST_GET_NODE,
	ST_PUT_CHECKPOINT,
	ST_DROP_CHECKPOINTS,
	ST_LAST_CHECKPOINT,
	ST_SIZE,
	ST_READ,
	ST_PUT_ACT,
	ST_PUT_NOT_BEFORE,
	ST_NOT_BEFORE,
	ST_READ_ACTS,
	ST_GET_BUDGET,
	ST_PUT_BUDGET,
	ST_FORGET_BUDGETS,
	ST_COUNT,
};

/* Of the write-ahead log; then its pages are moved to the database: 32 MiB. */
#define MOVE_PAGES 8192

struct store {
	sqlite3 *db;
	int pages; /* of the write-ahead log */
	sqlite3_stmt *st[ST_COUNT];
};

/* FULL: a commit is on disk when it returns. EXCLUSIVE: a second process with
 * the same directory is refused. */
static const char setup[] =
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "PRAGMA wal_autocheckpoint=0; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;"
    "CREATE TABLE IF NOT EXISTS entry(idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL,"
    " record BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS node(place INTEGER PRIMARY KEY, hash BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS used(created INTEGER, id BLOB, PRIMARY KEY(created, id))"
    " WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS restored(at INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS act(idx INTEGER PRIMARY KEY);"
    "CREATE TABLE IF NOT EXISTS budget(id BLOB PRIMARY KEY, minute INTEGER NOT NULL,"
    " in_minute INTEGER NOT NULL, day INTEGER NOT NULL, in_day INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS checkpoint(size INTEGER PRIMARY KEY, text BLOB NOT NULL);";

static const char *const sql[ST_COUNT] = {
	[ST_GET_BUDGET] = "SELECT minute,in_minute,day,in_day FROM budget WHERE id=?",
	[ST_PUT_BUDGET] = "INSERT OR REPLACE INTO budget VALUES(?,?,?,?,?)",
	[ST_FORGET_BUDGETS] = "DELETE FROM budget WHERE day<?",
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_ROLLBACK] = "ROLLBACK",
	[ST_USED] = "INSERT OR IGNORE INTO used VALUES(?,?)",
	[ST_FORGET] = "DELETE FROM used WHERE created<?",
	[ST_PUT_ENTRY] = "INSERT INTO entry VALUES(?,?,?)",
	[ST_PUT_NODE] = "INSERT INTO node VALUES(?,?)",
	[ST_GET_NODE] = "SELECT hash FROM node WHERE place=?",
	[ST_PUT_CHECKPOINT] = "INSERT OR REPLACE INTO checkpoint VALUES(?,?)",
	[ST_DROP_CHECKPOINTS] = "DELETE FROM checkpoint WHERE size<?",
	[ST_LAST_CHECKPOINT] = "SELECT text FROM checkpoint ORDER BY size DESC LIMIT 1",
	[ST_SIZE] = "SELECT coalesce(max(idx)+1,0) FROM entry",
	[ST_READ] = "SELECT idx,leaf,record FROM entry WHERE idx>=? ORDER BY idx LIMIT ?",
	[ST_PUT_NOT_BEFORE] = "INSERT INTO restored VALUES(?)",
	[ST_NOT_BEFORE] = "SELECT coalesce(max(at),0) FROM restored",
	[ST_PUT_ACT] = "INSERT INTO act VALUES(?)",
	[ST_READ_ACTS] = ("SELECT idx,leaf,record FROM act JOIN entry USING(idx)"
			  " WHERE idx>=? ORDER BY idx LIMIT ?"),
};

static bool
prepare(struct store *store)
{
	for (unsigned i = 0; i < ST_COUNT; i++)
		if (sqlite3_prepare_v3(store->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
			&store->st[i], NULL) != SQLITE_OK)
			return false;
	return true;
}

static int
committed(void *ctx, sqlite3 *db, const char *name, int pages)
{
	struct store *store = ctx;

	(void)db;
	(void)name;
	store->pages = pages;
	return SQLITE_OK;
}

bool
store_tidy(struct store *store)
{
	if (store->pages < MOVE_PAGES)
		return true;
	store->pages = 0;
	return sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) ==
	    SQLITE_OK;
}

bool
store_open(const char *file, struct store **ret)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return false;
	if (sqlite3_open_v2(file, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
		SQLITE_OK ||
	    sqlite3_busy_timeout(store->db, 2000) != SQLITE_OK ||
	    sqlite3_exec(store->db, setup, NULL, NULL, NULL) != SQLITE_OK || !prepare(store)) {
		store_close(store);
		return false;
	}
	(void)sqlite3_wal_hook(store->db, committed, store);
	*ret = store;
	return true;
}

void
store_close(struct store *store)
{
	if (!store)
		return;
	for (unsigned i = 0; i < ST_COUNT; i++)
		(void)sqlite3_finalize(store->st[i]);
	(void)sqlite3_close(store->db);
	free(store);
}

/* For statements without a result row. */
static bool
run(struct store *store, enum statement which)
{
	sqlite3_stmt *st = store->st[which];
	int ret = sqlite3_step(st);

	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
	return ret == SQLITE_DONE;
}

static bool
bind_number(struct store *store, enum statement which, int place, uint64_t v)
{
	return v <= INT64_MAX &&
	    sqlite3_bind_int64(store->st[which], place, (sqlite3_int64)v) == SQLITE_OK;
}

static bool
bind_bytes(struct store *store, enum statement which, int place, const void *bytes, size_t len)
{
	return sqlite3_bind_blob64(store->st[which], place, bytes, len, SQLITE_STATIC) == SQLITE_OK;
}

bool
store_begin(struct store *store)
{
	return run(store, ST_BEGIN);
}

bool
store_commit(struct store *store)
{
	return run(store, ST_COMMIT);
}

void
store_rollback(struct store *store)
{
	(void)run(store, ST_ROLLBACK);
}

bool
store_use(
    struct store *store, uint64_t created, const uint8_t id[STORE_REQUEST_ID_BYTES], bool *ret_new)
{
	if (!bind_number(store, ST_USED, 1, created) ||
	    !bind_bytes(store, ST_USED, 2, id, STORE_REQUEST_ID_BYTES) || !run(store, ST_USED))
		return false;
	*ret_new = sqlite3_changes(store->db) == 1;
	return true;
}

bool
store_forget_used(struct store *store, uint64_t before)
{
	return bind_number(store, ST_FORGET, 1, before) && run(store, ST_FORGET);
}

/* ---- budgets ---- */

struct counter {
	uint64_t minute, in_minute, day, in_day;
};

/* Where the clock went back, minute and day stay as they were: no refill. */
static bool
read_counter(struct store *store, const uint8_t id[32], uint64_t now, struct counter *c)
{
	sqlite3_stmt *st = store->st[ST_GET_BUDGET];
	int ret = SQLITE_ERROR;

	*c = (struct counter){ 0 };
	if (bind_bytes(store, ST_GET_BUDGET, 1, id, 32))
		ret = sqlite3_step(st);
	if (ret == SQLITE_ROW)
		*c = (struct counter){ (uint64_t)sqlite3_column_int64(st, 0),
			(uint64_t)sqlite3_column_int64(st, 1),
			(uint64_t)sqlite3_column_int64(st, 2),
			(uint64_t)sqlite3_column_int64(st, 3) };
	(void)sqlite3_reset(st);
	if (c->minute < now / 60)
		*c = (struct counter){ now / 60, 0, c->day, c->in_day };
	if (c->day < now / 86400)
		*c = (struct counter){ c->minute, c->in_minute, now / 86400, 0 };
	return ret == SQLITE_ROW || ret == SQLITE_DONE;
}

static bool
write_counter(struct store *store, const uint8_t id[32], const struct counter *c)
{
	return bind_bytes(store, ST_PUT_BUDGET, 1, id, 32) &&
	    bind_number(store, ST_PUT_BUDGET, 2, c->minute) &&
	    bind_number(store, ST_PUT_BUDGET, 3, c->in_minute) &&
	    bind_number(store, ST_PUT_BUDGET, 4, c->day) &&
	    bind_number(store, ST_PUT_BUDGET, 5, c->in_day) && run(store, ST_PUT_BUDGET);
}

bool
store_charge(struct store *store, const struct store_charge *charges, unsigned n, uint64_t now,
    bool *ret_within)
{
	struct counter c;

	/* All are looked at before one is changed. */
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < n; i++) {
			if (!read_counter(store, charges[i].id, now, &c))
				return false;
			c.in_minute += charges[i].objects;
			c.in_day += charges[i].objects;
			if ((charges[i].per_minute && c.in_minute > charges[i].per_minute) ||
			    (charges[i].per_day && c.in_day > charges[i].per_day)) {
				*ret_within = false;
				return true;
			}
			if (pass == 1 && !write_counter(store, charges[i].id, &c))
				return false;
		}
	*ret_within = true;
	return true;
}

bool
store_forget_budgets(struct store *store, uint64_t now)
{
	return now < 86400 ||
	    (bind_number(store, ST_FORGET_BUDGETS, 1, now / 86400 - 1) &&
		run(store, ST_FORGET_BUDGETS));
}

bool
store_put_entry(struct store *store, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES],
    const uint8_t *record, size_t len)
{
	return bind_number(store, ST_PUT_ENTRY, 1, index) &&
	    bind_bytes(store, ST_PUT_ENTRY, 2, leaf, DK_LEAF_BYTES) &&
	    bind_bytes(store, ST_PUT_ENTRY, 3, record, len) && run(store, ST_PUT_ENTRY);
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
	return bind_number(store, ST_PUT_NODE, 1, node_place(level, index)) &&
	    bind_bytes(store, ST_PUT_NODE, 2, hash, 32) && run(store, ST_PUT_NODE);
}

bool
store_get_node(struct store *store, unsigned level, uint64_t index, uint8_t ret_hash[32])
{
	sqlite3_stmt *st = store->st[ST_GET_NODE];
	bool ok;

	ok = bind_number(store, ST_GET_NODE, 1, node_place(level, index)) &&
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
	return bind_number(store, ST_PUT_CHECKPOINT, 1, size) &&
	    bind_bytes(store, ST_PUT_CHECKPOINT, 2, text, len) && run(store, ST_PUT_CHECKPOINT) &&
	    bind_number(store, ST_DROP_CHECKPOINTS, 1, size) && run(store, ST_DROP_CHECKPOINTS);
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

static bool
get_number(struct store *store, enum statement which, uint64_t *ret)
{
	sqlite3_stmt *st = store->st[which];
	bool ok = sqlite3_step(st) == SQLITE_ROW;

	if (ok)
		*ret = (uint64_t)sqlite3_column_int64(st, 0);
	(void)sqlite3_reset(st);
	return ok;
}

bool
store_size(struct store *store, uint64_t *ret_size)
{
	return get_number(store, ST_SIZE, ret_size);
}

static bool
read_some(struct store *store, enum statement which, uint64_t first, uint32_t max,
    store_entry_fn each, void *ctx)
{
	sqlite3_stmt *st = store->st[which];
	int ret = SQLITE_ERROR;

	if (bind_number(store, which, 1, first) && bind_number(store, which, 2, max))
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
	return bind_number(store, ST_PUT_ACT, 1, index) && run(store, ST_PUT_ACT);
}

bool
store_read_acts(struct store *store, uint64_t first, uint32_t max, store_entry_fn each, void *ctx)
{
	return read_some(store, ST_READ_ACTS, first, max, each, ctx);
}

bool
store_put_restored(struct store *store, uint64_t at)
{
	return bind_number(store, ST_PUT_NOT_BEFORE, 1, at) && run(store, ST_PUT_NOT_BEFORE);
}

bool
store_restored(struct store *store, uint64_t *ret_at)
{
	return get_number(store, ST_NOT_BEFORE, ret_at);
}
