/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalogue/impl.h"

/* clang-format off */
/* spec/catalogue.md section 2, in that order. */
static const char *const schema[] = {
	"CREATE TABLE scan(id INTEGER PRIMARY KEY, root BLOB NOT NULL, started INTEGER NOT NULL, ended INTEGER, missed INTEGER)",
	"CREATE TABLE folder(id INTEGER PRIMARY KEY, parent INTEGER, path BLOB NOT NULL UNIQUE, error TEXT, place TEXT)",
	"CREATE TABLE location(folder INTEGER NOT NULL, name BLOB NOT NULL, stamp BLOB NOT NULL, size INTEGER NOT NULL, object INTEGER, customer INTEGER, provider INTEGER, since INTEGER NOT NULL, error TEXT, place TEXT, PRIMARY KEY(folder, name)) WITHOUT ROWID",
	"CREATE TABLE past(folder INTEGER NOT NULL, name BLOB NOT NULL, object INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL)",
	"CREATE TABLE object(id INTEGER PRIMARY KEY, core_digest BLOB NOT NULL, object_id BLOB NOT NULL, created INTEGER NOT NULL, tenant TEXT NOT NULL, label TEXT NOT NULL, creator BLOB, seen INTEGER NOT NULL)",
	"CREATE TABLE stanza_set(object INTEGER NOT NULL, side INTEGER NOT NULL, number INTEGER NOT NULL, epoch INTEGER NOT NULL, digest BLOB NOT NULL, seen INTEGER NOT NULL, PRIMARY KEY(object, side, number)) WITHOUT ROWID",
	"CREATE TABLE stanza(object INTEGER NOT NULL, side INTEGER NOT NULL, number INTEGER NOT NULL, key INTEGER NOT NULL, former INTEGER NOT NULL, PRIMARY KEY(object, side, number, key, former)) WITHOUT ROWID",
	"CREATE TABLE key(id INTEGER PRIMARY KEY, side INTEGER NOT NULL, type INTEGER NOT NULL, key_id BLOB NOT NULL, custodian TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, UNIQUE(side, key_id, type, custodian, name, version))",
	"CREATE INDEX object_digest ON object(substr(core_digest, 1, 8))",
	"CREATE INDEX location_object ON location(object) WHERE object IS NOT NULL",
	"CREATE INDEX location_error ON location(folder) WHERE error IS NOT NULL",
	"CREATE INDEX folder_parent ON folder(parent)",
};
/* clang-format on */
#define SCHEMA_COUNT (sizeof(schema) / sizeof(schema[0]))

/* A cache of 128 MiB: the index of digests is written in no order. */
static const char setup_writer[] =
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-131072; PRAGMA synchronous=FULL;";
static const char setup[] = "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
			    "PRAGMA temp_store=MEMORY;";

dk_err
catalogue_db_error(const struct catalogue_db *db)
{
	int code = sqlite3_errcode(db->db) & 0xff;
	int system = sqlite3_system_errno(db->db);

	switch (code) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return DK_ERR_CATALOGUE_BUSY;
	case SQLITE_NOMEM:
		return DK_ERR_NOMEM;
	case SQLITE_FULL:
		errno = ENOSPC;
		return DK_ERR_WRITE;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		errno = system != 0 ? system : EACCES;
		return db->writes ? DK_ERR_WRITE : DK_ERR_READ;
	default:
		return DK_ERR_CATALOGUE_FILE;
	}
}

static dk_err
run_text(struct catalogue_db *db, const char *text)
{
	return sqlite3_exec(db->db, text, NULL, NULL, NULL) == SQLITE_OK ? DK_OK
									 : catalogue_db_error(db);
}

/* The one number that a pragma or a query gives. */
static dk_err
number(struct catalogue_db *db, const char *text, sqlite3_int64 *ret)
{
	sqlite3_stmt *st = NULL;
	bool row = false;
	dk_err err;

	if (sqlite3_prepare_v2(db->db, text, -1, &st, NULL) != SQLITE_OK)
		return catalogue_db_error(db);
	err = catalogue_step(db, st, &row);
	if (err == DK_OK && row)
		*ret = sqlite3_column_int64(st, 0);
	else if (err == DK_OK)
		err = DK_ERR_CATALOGUE_FILE;
	(void)sqlite3_finalize(st);
	return err;
}

static dk_err
make(struct catalogue_db *db)
{
	char text[96];
	dk_err err = DK_OK;

	for (size_t i = 0; i < SCHEMA_COUNT && err == DK_OK; i++)
		err = run_text(db, schema[i]);
	(void)snprintf(text, sizeof(text), "PRAGMA application_id=%d; PRAGMA user_version=%d",
	    CATALOGUE_APPLICATION, CATALOGUE_VERSION);
	return err == DK_OK ? run_text(db, text) : err;
}

/* No table, view or trigger but ours, so that no statement means anything else. */
static dk_err
check_schema(struct catalogue_db *db)
{
	sqlite3_stmt *st = NULL;
	bool row = false;
	size_t n = 0;
	dk_err err;

	if (sqlite3_prepare_v2(db->db,
		"SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid", -1, &st,
		NULL) != SQLITE_OK)
		return catalogue_db_error(db);
	while ((err = catalogue_step(db, st, &row)) == DK_OK && row) {
		const char *text = (const char *)sqlite3_column_text(st, 0);

		if (n == SCHEMA_COUNT || !text || strcmp(text, schema[n]) != 0)
			break;
		n++;
	}
	if (err == DK_OK && (row || n != SCHEMA_COUNT))
		err = DK_ERR_CATALOGUE_FILE;
	(void)sqlite3_finalize(st);
	return err;
}

static dk_err
check(struct catalogue_db *db)
{
	sqlite3_int64 application = 0;
	sqlite3_int64 version = 0;
	dk_err err = number(db, "PRAGMA application_id", &application);

	if (err == DK_OK)
		err = number(db, "PRAGMA user_version", &version);
	if (err != DK_OK)
		return err;
	if (application != CATALOGUE_APPLICATION)
		return DK_ERR_CATALOGUE_FILE;
	if (version != CATALOGUE_VERSION)
		return DK_ERR_CATALOGUE_VERSION;
	return check_schema(db);
}

/* A reader's transaction begins with its first reading. */
static dk_err
begin(struct catalogue_db *db)
{
	sqlite3_int64 things = 0;
	dk_err err = run_text(db, setup);

	if (err == DK_OK && db->writes)
		err = run_text(db, setup_writer);
	if (err == DK_OK)
		err = run_text(db, db->writes ? "BEGIN IMMEDIATE" : "BEGIN");
	if (err == DK_OK)
		err = number(db, "SELECT count(*) FROM sqlite_schema", &things);
	/* An empty file; also after a crash that came before the first commit. */
	if (err == DK_OK && db->writes && things == 0)
		err = make(db);
	return err == DK_OK ? check(db) : err;
}

/* What others may read of it is decided by its owner; SQLite would make it by the umask. */
static dk_err
make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0600);

	if (fd < 0)
		return DK_ERR_WRITE;
	(void)close(fd);
	return DK_OK;
}

dk_err
catalogue_db_open(const char *path, bool writes, struct catalogue_db *ret)
{
	struct catalogue_db db = { .writes = writes };
	char *name = NULL;
	dk_err err = writes ? make_file(path) : DK_OK;
	int flags = SQLITE_OPEN_NOMUTEX | (writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);

	if (err != DK_OK)
		return err;
	/* Some names have a meaning of their own for SQLite, but none that begins so. */
	if (asprintf(&name, "%s%s", *path == '/' ? "" : "./", path) < 0)
		return DK_ERR_NOMEM;
	if (sqlite3_open_v2(name, &db.db, flags, NULL) != SQLITE_OK)
		err = db.db ? catalogue_db_error(&db) : DK_ERR_NOMEM;
	else
		err = begin(&db);
	free(name);
	if (err == DK_OK)
		*ret = db;
	else
		catalogue_db_close(&db);
	return err;
}

void
catalogue_db_close(struct catalogue_db *db)
{
	int kept = errno;

	for (unsigned i = 0; i < ST_TOTAL; i++)
		(void)sqlite3_finalize(db->st[i]);
	(void)sqlite3_close(db->db);
	errno = kept;
}
