/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "catalogue/impl.h"

/* A folder (?1 is its id) and what is below it. */
#define BELOW                                                                                      \
	"WITH RECURSIVE below(id) AS (VALUES(?1) UNION SELECT folder.id FROM folder"               \
	" JOIN below ON folder.parent=below.id) "

static const char *const sql[ST_TOTAL] = {
	[ST_OBJECTS] = "SELECT id,core_digest,object_id,created,tenant,label,creator,seen"
		       " FROM object ORDER BY id",
	[ST_SETS] = "SELECT object,side,number,epoch,digest,seen FROM stanza_set"
		    " ORDER BY object,side,number",
	[ST_STANZAS] = "SELECT object,side,number,key,former FROM stanza"
		       " ORDER BY object,side,number,key,former",
	[ST_COUNT_OBJECTS] = "SELECT coalesce(max(id),0) FROM object",
	[ST_COUNT_KEYS] = "SELECT coalesce(max(id),0) FROM key",
	[ST_KEYS] = "SELECT id,side,type,key_id,custodian,name,version FROM key ORDER BY id",
	[ST_LOCATIONS] = "SELECT path,name,size,since FROM location JOIN folder"
			 " ON folder.id=location.folder WHERE object=? ORDER BY path,name",
	[ST_PAST] = "SELECT path,name,since,until FROM past JOIN folder"
		    " ON folder.id=past.folder WHERE object=? ORDER BY until,path,name",
	[ST_PROBLEMS] = "SELECT path,name,location.error,location.place FROM location"
			" JOIN folder ON folder.id=location.folder"
			" WHERE location.error IS NOT NULL ORDER BY path,name",
	[ST_FOLDER_PROBLEMS] = "SELECT path,error,place FROM folder"
			       " WHERE error IS NOT NULL ORDER BY path",
	[ST_SCANS] =
	    "SELECT root,started,ended,missed,max(id) FROM scan GROUP BY root ORDER BY max(id)",
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_PUT_SCAN] = "INSERT INTO scan(root,started) VALUES(?,?)",
	[ST_END_SCAN] = "UPDATE scan SET ended=?,missed=? WHERE id=?",
	[ST_MISSED_PLACES] = BELOW "SELECT count(*) FROM location WHERE error IS NOT NULL"
				   " AND folder IN below",
	[ST_MISSED_FOLDERS] = BELOW "SELECT count(*) FROM folder WHERE error IS NOT NULL"
				    " AND id IN below",
	[ST_GET_FOLDER] = "SELECT id FROM folder WHERE path=?",
	[ST_PUT_FOLDER] = "INSERT INTO folder(parent,path) VALUES(?,?)",
	[ST_SET_PARENT] = "UPDATE folder SET parent=?1 WHERE id=?2 AND parent IS NOT ?1",
	[ST_FOLDER_ERROR] = "UPDATE folder SET error=?1,place=?2 WHERE id=?3"
			    " AND (error IS NOT ?1 OR place IS NOT ?2)",
	[ST_CHILDREN] = "SELECT id,path FROM folder WHERE parent=? AND id>? ORDER BY id LIMIT ?",
	[ST_GONE_FOLDER] = BELOW "INSERT INTO past SELECT folder,name,object,since,?2 FROM location"
				 " WHERE object IS NOT NULL AND folder IN below",
	[ST_DROP_LOCATIONS] = BELOW "DELETE FROM location WHERE folder IN below",
	[ST_DROP_FOLDER] = BELOW "UPDATE folder SET error=NULL,place=NULL"
				 " WHERE error IS NOT NULL AND id IN below",
	[ST_KNOWN] = "SELECT name,stamp,object,error FROM location WHERE folder=? AND name>?"
		     " ORDER BY name LIMIT ?",
	[ST_GET_LOCATION] = "SELECT object,since FROM location WHERE folder=? AND name=?",
	[ST_PUT_LOCATION] = "INSERT OR REPLACE INTO location VALUES(?,?,?,?,?,?,?,?,?,?)",
	[ST_DROP_LOCATION] = "DELETE FROM location WHERE folder=? AND name=?",
	[ST_PUT_PAST] = "INSERT INTO past VALUES(?,?,?,?,?)",
	[ST_FIND_OBJECT] = "SELECT id FROM object WHERE substr(core_digest, 1, 8)=?1"
			   " AND core_digest=?2",
	[ST_PUT_OBJECT] = "INSERT INTO object VALUES(NULL,?,?,?,?,?,?,?)",
	[ST_FIND_SET] = "SELECT coalesce(max(CASE WHEN digest=?3 THEN number END),0),"
			"coalesce(max(number),0) FROM stanza_set WHERE object=?1 AND side=?2",
	[ST_PUT_SET] = "INSERT INTO stanza_set VALUES(?,?,?,?,?,?)",
	[ST_PUT_STANZA] = "INSERT INTO stanza VALUES(?,?,?,?,?)",
	[ST_FIND_KEY] = "SELECT id FROM key WHERE side=? AND key_id=? AND type=? AND custodian=?"
			" AND name=? AND version=?",
	[ST_PUT_KEY] = "INSERT INTO key(side,key_id,type,custodian,name,version)"
		       " VALUES(?,?,?,?,?,?)",
};

sqlite3_stmt *
catalogue_db_st(struct catalogue_db *db, enum catalogue_statement which)
{
	if (!db->st[which])
		(void)sqlite3_prepare_v3(
		    db->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT, &db->st[which], NULL);
	if (db->st[which])
		(void)sqlite3_reset(db->st[which]);
	return db->st[which];
}

/* A binding that fails leaves NULL, which no statement takes for what was meant: NOT NULL. */
void
catalogue_bind_number(sqlite3_stmt *st, int place, uint64_t value)
{
	if (st)
		(void)sqlite3_bind_int64(st, place, (sqlite3_int64)value);
}

void
catalogue_bind_bytes(sqlite3_stmt *st, int place, const void *bytes, size_t len)
{
	/* NULL as an address would bind NULL. */
	if (st)
		(void)sqlite3_bind_blob64(st, place, len > 0 ? bytes : "", len, SQLITE_STATIC);
}

void
catalogue_bind_text(sqlite3_stmt *st, int place, const char *text, size_t len)
{
	if (st)
		(void)sqlite3_bind_text64(st, place, text, len, SQLITE_STATIC, SQLITE_UTF8);
}

void
catalogue_bind_string(sqlite3_stmt *st, int place, const char *text)
{
	if (st && (!text || *text == '\0'))
		(void)sqlite3_bind_null(st, place);
	else
		catalogue_bind_text(st, place, text, text ? strlen(text) : 0);
}

dk_err
catalogue_step(struct catalogue_db *db, sqlite3_stmt *st, bool *ret_row)
{
	int result = st ? sqlite3_step(st) : SQLITE_ERROR;
	dk_err err;

	if (result == SQLITE_ROW || result == SQLITE_DONE) {
		*ret_row = result == SQLITE_ROW;
		if (result == SQLITE_DONE)
			(void)sqlite3_reset(st);
		return DK_OK;
	}
	err = catalogue_db_error(db);
	if (st)
		(void)sqlite3_reset(st);
	return err;
}

dk_err
catalogue_run(struct catalogue_db *db, sqlite3_stmt *st)
{
	bool row = false;
	dk_err err = catalogue_step(db, st, &row);

	if (err == DK_OK && row) {
		(void)sqlite3_reset(st);
		return DK_ERR_STATE;
	}
	return err;
}

bool
catalogue_col_null(sqlite3_stmt *st, int col)
{
	return sqlite3_column_type(st, col) == SQLITE_NULL;
}

bool
catalogue_col_number(sqlite3_stmt *st, int col, uint64_t max, uint64_t *ret)
{
	sqlite3_int64 value = sqlite3_column_int64(st, col);

	if (sqlite3_column_type(st, col) != SQLITE_INTEGER || value < 0 || (uint64_t)value > max)
		return false;
	*ret = (uint64_t)value;
	return true;
}

bool
catalogue_col_blob(sqlite3_stmt *st, int col, uint8_t *ret, size_t cap, size_t *ret_len)
{
	size_t len;

	if (sqlite3_column_type(st, col) != SQLITE_BLOB)
		return false;
	len = (size_t)sqlite3_column_bytes(st, col);
	if (len > cap)
		return false;
	if (len > 0)
		memcpy(ret, sqlite3_column_blob(st, col), len);
	*ret_len = len;
	return true;
}

bool
catalogue_col_bytes(sqlite3_stmt *st, int col, uint8_t *ret, size_t len)
{
	size_t is;

	return catalogue_col_blob(st, col, ret, len, &is) && is == len;
}

bool
catalogue_col_text(sqlite3_stmt *st, int col, char *ret, size_t cap)
{
	const unsigned char *text;
	size_t len;

	if (sqlite3_column_type(st, col) != SQLITE_TEXT)
		return false;
	text = sqlite3_column_text(st, col);
	len = (size_t)sqlite3_column_bytes(st, col);
	if (!text || len >= cap || !dk_text_valid(text, len))
		return false;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}
