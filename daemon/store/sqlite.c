/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "store/sqlite_impl.h"

/* Of the write-ahead log; then its pages are moved to the database: 32 MiB. */
#define MOVE_PAGES 8192

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
	[ST_PUT_FORGOTTEN] = "INSERT OR REPLACE INTO restored(rowid,at) SELECT 2,m FROM"
			     " (SELECT max(created)+1 AS m FROM used WHERE created<?)"
			     " WHERE m>(SELECT coalesce(max(at),0) FROM restored)",
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

bool
sqlite_run(struct store *store, enum statement which)
{
	sqlite3_stmt *st = store->st[which];
	int ret = sqlite3_step(st);

	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
	return ret == SQLITE_DONE;
}

bool
sqlite_bind_number(struct store *store, enum statement which, int place, uint64_t v)
{
	return v <= INT64_MAX &&
	    sqlite3_bind_int64(store->st[which], place, (sqlite3_int64)v) == SQLITE_OK;
}

bool
sqlite_bind_bytes(
    struct store *store, enum statement which, int place, const void *bytes, size_t len)
{
	return sqlite3_bind_blob64(store->st[which], place, bytes, len, SQLITE_STATIC) == SQLITE_OK;
}

bool
sqlite_get_number(struct store *store, enum statement which, uint64_t *ret)
{
	sqlite3_stmt *st = store->st[which];
	bool ok = sqlite3_step(st) == SQLITE_ROW;

	if (ok)
		*ret = (uint64_t)sqlite3_column_int64(st, 0);
	(void)sqlite3_reset(st);
	return ok;
}

bool
store_begin(struct store *store)
{
	return sqlite_run(store, ST_BEGIN);
}

bool
store_commit(struct store *store)
{
	return sqlite_run(store, ST_COMMIT);
}

void
store_rollback(struct store *store)
{
	(void)sqlite_run(store, ST_ROLLBACK);
}

bool
store_use(
    struct store *store, uint64_t created, const uint8_t id[STORE_REQUEST_ID_BYTES], bool *ret_new)
{
	if (!sqlite_bind_number(store, ST_USED, 1, created) ||
	    !sqlite_bind_bytes(store, ST_USED, 2, id, STORE_REQUEST_ID_BYTES) ||
	    !sqlite_run(store, ST_USED))
		return false;
	*ret_new = sqlite3_changes(store->db) == 1;
	return true;
}

bool
store_forget_used(struct store *store, uint64_t before)
{
	if (!store_begin(store))
		return false;
	if (sqlite_bind_number(store, ST_PUT_FORGOTTEN, 1, before) &&
	    sqlite_run(store, ST_PUT_FORGOTTEN) &&
	    sqlite_bind_number(store, ST_FORGET, 1, before) && sqlite_run(store, ST_FORGET) &&
	    store_commit(store))
		return true;
	store_rollback(store);
	return false;
}

bool
store_put_restored(struct store *store, uint64_t at)
{
	return sqlite_bind_number(store, ST_PUT_NOT_BEFORE, 1, at) &&
	    sqlite_run(store, ST_PUT_NOT_BEFORE);
}

bool
store_not_before(struct store *store, uint64_t *ret_at)
{
	return sqlite_get_number(store, ST_NOT_BEFORE, ret_at);
}
