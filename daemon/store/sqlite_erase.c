/* SPDX-License-Identifier: Apache-2.0 */
/* Records with less in them, spec/log.md section 16. */
#include "store/sqlite_impl.h"

static bool
put_records(struct sqlite *db, const struct store_record *record, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!sqlite_bind_bytes(db, ST_PUT_RECORD, 1, record[i].bytes, record[i].len) ||
		    !sqlite_bind_number(db, ST_PUT_RECORD, 2, record[i].index) ||
		    !sqlite_run(db, ST_PUT_RECORD) || sqlite3_changes(db->db) != 1)
			return false;
	return true;
}

bool
sqlite_erase(struct store *store, const struct store_record *record, unsigned n, uint64_t below)
{
	struct sqlite *db = (struct sqlite *)store;

	if (!sqlite_run(db, ST_BEGIN))
		return false;
	if (put_records(db, record, n) &&
	    (below == 0 ||
		(sqlite_bind_number(db, ST_PUT_ERASED, 1, below) &&
		    sqlite_run(db, ST_PUT_ERASED))) &&
	    sqlite_run(db, ST_COMMIT))
		return true;
	(void)sqlite_run(db, ST_ROLLBACK);
	return false;
}

bool
sqlite_erased(struct store *store, uint64_t *ret_below)
{
	return sqlite_get_number((struct sqlite *)store, ST_ERASED, ret_below);
}

/* The write-ahead log has the pages as they were, until it is emptied. */
bool
sqlite_purge(struct store *store)
{
	struct sqlite *db = (struct sqlite *)store;

	db->pages = 0;
	return sqlite3_wal_checkpoint_v2(db->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) ==
	    SQLITE_OK;
}
