/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "store/sqlite_impl.h"

/* Of the write-ahead log; then its pages are moved to the database: 32 MiB. */
#define MOVE_PAGES 8192

/* FULL: a commit is on disk when it returns. EXCLUSIVE: a second process with
 * the same directory is refused. secure_delete: what is deleted or replaced is zeroed, so
 * that nothing of it is left on the pages that the erasure of a person changes. */
static const char setup[] =
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "PRAGMA wal_autocheckpoint=0; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;"
    "PRAGMA secure_delete=ON;"
    "CREATE TABLE IF NOT EXISTS entry(idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL,"
    " record BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS node(place INTEGER PRIMARY KEY, hash BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS used(created INTEGER, id BLOB, PRIMARY KEY(created, id))"
    " WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS restored(at INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS act(idx INTEGER PRIMARY KEY);"
    "CREATE TABLE IF NOT EXISTS budget(id BLOB PRIMARY KEY, minute INTEGER NOT NULL,"
    " in_minute INTEGER NOT NULL, day INTEGER NOT NULL, in_day INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS state(one INTEGER PRIMARY KEY, v INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS erased(one INTEGER PRIMARY KEY, below INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS checkpoint(size INTEGER PRIMARY KEY, text BLOB NOT NULL);";

static const char *const sql[ST_COUNT] = {
	[ST_GET_BUDGET] = "SELECT minute,in_minute,day,in_day FROM budget WHERE id=?",
	[ST_PUT_BUDGET] = "INSERT OR REPLACE INTO budget VALUES(?,?,?,?,?)",
	[ST_FORGET_BUDGETS] = "DELETE FROM budget WHERE day<?",
	[ST_GET_STATE] = "SELECT coalesce(max(v),1) FROM state",
	[ST_SET_STATE] = "INSERT OR REPLACE INTO state VALUES(1,?)",
	[ST_EACH_USED] = "SELECT created,id FROM used",
	[ST_EACH_BUDGET] = "SELECT id,minute,in_minute,day,in_day FROM budget",
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
	[ST_PUT_RECORD] = "UPDATE entry SET record=? WHERE idx=?",
	[ST_PUT_ERASED] = "INSERT OR REPLACE INTO erased VALUES(1,?)",
	[ST_ERASED] = "SELECT coalesce(max(below),0) FROM erased",
};

static bool
prepare(struct sqlite *db)
{
	for (unsigned i = 0; i < ST_COUNT; i++)
		if (sqlite3_prepare_v3(db->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &db->st[i],
			NULL) != SQLITE_OK)
			return false;
	return true;
}

static int
committed(void *ctx, sqlite3 *handle, const char *name, int pages)
{
	struct sqlite *db = ctx;

	(void)handle;
	(void)name;
	db->pages = pages;
	return SQLITE_OK;
}

static bool
tidy(struct store *store)
{
	struct sqlite *db = (struct sqlite *)store;

	if (db->pages < MOVE_PAGES)
		return true;
	db->pages = 0;
	return sqlite3_wal_checkpoint_v2(db->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) ==
	    SQLITE_OK;
}

static void
close_all(struct store *store)
{
	struct sqlite *db = (struct sqlite *)store;

	for (unsigned i = 0; i < ST_COUNT; i++)
		(void)sqlite3_finalize(db->st[i]);
	(void)sqlite3_close(db->db);
	free(db);
}

bool
sqlite_run(struct sqlite *db, enum statement which)
{
	sqlite3_stmt *st = db->st[which];
	int ret = sqlite3_step(st);

	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
	return ret == SQLITE_DONE;
}

bool
sqlite_bind_number(struct sqlite *db, enum statement which, int place, uint64_t v)
{
	return v <= INT64_MAX &&
	    sqlite3_bind_int64(db->st[which], place, (sqlite3_int64)v) == SQLITE_OK;
}

bool
sqlite_bind_bytes(struct sqlite *db, enum statement which, int place, const void *bytes, size_t len)
{
	return sqlite3_bind_blob64(db->st[which], place, bytes, len, SQLITE_STATIC) == SQLITE_OK;
}

bool
sqlite_get_number(struct sqlite *db, enum statement which, uint64_t *ret)
{
	sqlite3_stmt *st = db->st[which];
	bool ok = sqlite3_step(st) == SQLITE_ROW;

	if (ok)
		*ret = (uint64_t)sqlite3_column_int64(st, 0);
	(void)sqlite3_reset(st);
	return ok;
}

static bool
begin(struct store *store, struct store_ask *ask, struct store_head *ret_head)
{
	struct sqlite *db = (struct sqlite *)store;

	(void)ret_head;
	return sqlite_run(db, ST_BEGIN) && sqlite_ask(db, ask);
}

static bool
commit(struct store *store, const struct store_head *head)
{
	(void)head;
	return sqlite_run((struct sqlite *)store, ST_COMMIT);
}

static void
rollback(struct store *store)
{
	(void)sqlite_run((struct sqlite *)store, ST_ROLLBACK);
}

/* A file without this row is in force. */
static bool
get_state(struct store *store, enum store_state *ret_state)
{
	uint64_t v;
	bool ok = sqlite_get_number((struct sqlite *)store, ST_GET_STATE, &v);

	if (ok)
		*ret_state = (enum store_state)v;
	return ok;
}

static bool
set_state(struct store *store, enum store_state state)
{
	struct sqlite *db = (struct sqlite *)store;

	return sqlite_bind_number(db, ST_SET_STATE, 1, state) && sqlite_run(db, ST_SET_STATE);
}

static const struct store_ops ops = {
	.close = close_all,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.tidy = tidy,
	.forget_used = sqlite_forget_used,
	.put_budgets = sqlite_put_budgets,
	.forget_budgets = sqlite_forget_budgets,
	.put_entry = sqlite_put_entry,
	.put_node = sqlite_put_node,
	.get_nodes = sqlite_get_nodes,
	.put_checkpoint = sqlite_put_checkpoint,
	.last_checkpoint = sqlite_last_checkpoint,
	.size = sqlite_size,
	.read = sqlite_read,
	.put_restored = sqlite_put_restored,
	.not_before = sqlite_not_before,
	.each_use = sqlite_each_use,
	.each_budget = sqlite_each_budget,
	.get_state = get_state,
	.set_state = set_state,
	.erase = sqlite_erase,
	.erased = sqlite_erased,
	.purge = sqlite_purge,
};

static bool
open_all(struct sqlite *db, const char *file)
{
	return sqlite3_open_v2(file, &db->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) ==
	    SQLITE_OK &&
	    sqlite3_busy_timeout(db->db, 2000) == SQLITE_OK &&
	    sqlite3_exec(db->db, setup, NULL, NULL, NULL) == SQLITE_OK && prepare(db);
}

static bool
may_run(struct store *store, char *fault)
{
	static const char moved[] = "store-moved: the log was moved to a database, which "
				    "doublekeyd.conf has to name";
	enum store_state state;

	if (!get_state(store, &state))
		return false;
	if (state != STORE_IN_FORCE)
		memcpy(fault, moved, sizeof(moved));
	return state == STORE_IN_FORCE;
}

bool
store_open_file(const char *file, enum store_purpose purpose, struct store **ret, char *fault)
{
	struct sqlite *db = calloc(1, sizeof(*db));

	fault[0] = '\0';
	if (!db)
		return false;
	db->store.ops = &ops;
	if (!open_all(db, file) || (purpose == STORE_TO_RUN && !may_run(&db->store, fault))) {
		close_all(&db->store);
		return false;
	}
	(void)sqlite3_wal_hook(db->db, committed, db);
	*ret = &db->store;
	return true;
}
