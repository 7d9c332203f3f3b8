/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the module:
 *
 *   schema        the file: what it is made of, opening it
 *   read          objects, keys
 *   read_place    places, problems, scans
 *   write         scans, folders, what is known of places
 *   statement     its statements and columns
 *   write_object  a header
 *   write_place   what was found at a place
 *   module        what is exported
 *
 * catalogue/load.c finds the module; catalogue/seen.c is linked where headers are read.
 */
#ifndef DK_CATALOGUE_IMPL_H
#define DK_CATALOGUE_IMPL_H

#include <sqlite3.h>

#include "catalogue/module.h"

#define CATALOGUE_APPLICATION 1145783105
#define CATALOGUE_VERSION 1
#define CATALOGUE_ID_MAX ((uint64_t)1 << 40)
#define CATALOGUE_TIME_MAX INT64_MAX

/* A catalogue and its statements, which are prepared when they are first used. */
enum catalogue_statement {
	ST_OBJECTS,
	ST_SETS,
	ST_STANZAS,
	ST_COUNT_OBJECTS,
	ST_COUNT_KEYS,
	ST_KEYS,
	ST_LOCATIONS,
	ST_PAST,
	ST_PROBLEMS,
	ST_FOLDER_PROBLEMS,
	ST_SCANS,
	ST_BEGIN,
	ST_COMMIT,
	ST_PUT_SCAN,
	ST_END_SCAN,
	ST_MISSED_PLACES,
	ST_MISSED_FOLDERS,
	ST_GET_FOLDER,
	ST_PUT_FOLDER,
	ST_SET_PARENT,
	ST_FOLDER_ERROR,
	ST_CHILDREN,
	ST_DROP_FOLDER,
	ST_GONE_FOLDER,
	ST_DROP_LOCATIONS,
	ST_KNOWN,
	ST_GET_LOCATION,
	ST_PUT_LOCATION,
	ST_DROP_LOCATION,
	ST_PUT_PAST,
	ST_FIND_OBJECT,
	ST_PUT_OBJECT,
	ST_FIND_SET,
	ST_PUT_SET,
	ST_PUT_STANZA,
	ST_FIND_KEY,
	ST_PUT_KEY,
	ST_TOTAL,
};

struct catalogue_db {
	sqlite3 *db;
	bool writes;
	sqlite3_stmt *st[ST_TOTAL];
};

/* Open, check what it is, and begin a transaction. */
DK_MUST_USE dk_err catalogue_db_open(const char *path, bool writes, struct catalogue_db *ret);
void catalogue_db_close(struct catalogue_db *db);

/* The error for what SQLite said last. */
dk_err catalogue_db_error(const struct catalogue_db *db);

/* A statement, ready for its parameters; NULL: catalogue_db_error(). */
sqlite3_stmt *catalogue_db_st(struct catalogue_db *db, enum catalogue_statement which);
void catalogue_bind_number(sqlite3_stmt *st, int place, uint64_t value);
void catalogue_bind_bytes(sqlite3_stmt *st, int place, const void *bytes, size_t len);
void catalogue_bind_text(sqlite3_stmt *st, int place, const char *text, size_t len);
/* NULL for an empty string, or none. */
void catalogue_bind_string(sqlite3_stmt *st, int place, const char *text);

/* One step: DK_OK with *ret_row. Without a row the statement is reset. */
DK_MUST_USE dk_err catalogue_step(struct catalogue_db *db, sqlite3_stmt *st, bool *ret_row);
/* A statement that gives no row. */
DK_MUST_USE dk_err catalogue_run(struct catalogue_db *db, sqlite3_stmt *st);

/* Columns, checked: false if there is something else. */
bool catalogue_col_number(sqlite3_stmt *st, int col, uint64_t max, uint64_t *ret);
bool catalogue_col_null(sqlite3_stmt *st, int col);
/* A BLOB of exactly len bytes. */
bool catalogue_col_bytes(sqlite3_stmt *st, int col, uint8_t *ret, size_t len);
/* A BLOB of 0 to cap bytes. */
bool catalogue_col_blob(sqlite3_stmt *st, int col, uint8_t *ret, size_t cap, size_t *ret_len);
/* Text of at most cap - 1 bytes without NUL. */
bool catalogue_col_text(sqlite3_stmt *st, int col, char *ret, size_t cap);

struct dk_catalogue {
	struct catalogue_db db;
	struct dk_catalogue_object object;
	struct dk_catalogue_set *set;
	size_t set_room;
	struct dk_catalogue_stanza *stanza;
	size_t stanza_room;
	bool under_way; /* of dk_catalogue_next() */
	bool has_set, has_stanza; /* rows that belong to a later object */
	bool no_set, no_stanza;   /* there are no more rows */
	uint64_t last_id;
	uint64_t objects, keys; /* how many there are */
	uint8_t path[DK_CATALOGUE_PATH_MAX_BYTES + 1 + DK_CATALOGUE_NAME_MAX_BYTES];
};

/* Each row of a statement, until the function returns an error, which is then that of the walk. */
typedef dk_err (*catalogue_row_fn)(struct dk_catalogue *cat, sqlite3_stmt *st, void *ctx);
DK_MUST_USE dk_err catalogue_walk(
    struct dk_catalogue *cat, sqlite3_stmt *st, catalogue_row_fn fn, void *ctx);

dk_err catalogue_open(const char *path, struct dk_catalogue **ret);
void catalogue_close(struct dk_catalogue *cat);
dk_err catalogue_count(struct dk_catalogue *cat, uint64_t *ret_objects, uint64_t *ret_keys);
dk_err catalogue_keys(struct dk_catalogue *cat, dk_catalogue_key_fn fn, void *ctx);
dk_err catalogue_next(struct dk_catalogue *cat, const struct dk_catalogue_object **ret);
dk_err catalogue_locations(
    struct dk_catalogue *cat, uint64_t object, dk_catalogue_location_fn fn, void *ctx);
dk_err catalogue_problems(struct dk_catalogue *cat, dk_catalogue_problem_fn fn, void *ctx);
dk_err catalogue_scans(struct dk_catalogue *cat, dk_catalogue_scan_fn fn, void *ctx);

#define CATALOGUE_KEY_SLOTS 4096

struct catalogue_key_slot {
	uint8_t *bytes; /* as in struct dk_catalogue_seen */
	size_t len;
	uint64_t id;
};

struct dk_catalogue_writer {
	struct catalogue_db db;
	uint64_t now;
	struct dk_catalogue_counts counts;
	uint64_t next_object; /* 0: not asked yet */
	struct catalogue_key_slot slot[CATALOGUE_KEY_SLOTS];
};

dk_err catalogue_writer_open(const char *path, struct dk_catalogue_writer **ret);
void catalogue_writer_close(struct dk_catalogue_writer *writer);
dk_err catalogue_commit(struct dk_catalogue_writer *writer);
dk_err catalogue_begin(struct dk_catalogue_writer *writer, const char *root, size_t root_len,
    uint64_t now, uint64_t *ret_scan);
dk_err catalogue_end(
    struct dk_catalogue_writer *writer, uint64_t scan, uint64_t folder, uint64_t now, uint64_t *ret_missed);
dk_err catalogue_folder(struct dk_catalogue_writer *writer, uint64_t parent, const char *path,
    size_t len, uint64_t *ret_folder);
dk_err catalogue_folder_error(
    struct dk_catalogue_writer *writer, uint64_t folder, const char *error, const char *place);
dk_err catalogue_children(struct dk_catalogue_writer *writer, uint64_t folder, uint64_t *after,
    struct dk_catalogue_known *ret, size_t cap, size_t *ret_count);
dk_err catalogue_folder_gone(struct dk_catalogue_writer *writer, uint64_t folder);
dk_err catalogue_known(struct dk_catalogue_writer *writer, uint64_t folder, const char *after,
    size_t len, struct dk_catalogue_known *ret, size_t cap, size_t *ret_count);
dk_err catalogue_put(struct dk_catalogue_writer *writer, uint64_t folder,
    const struct dk_catalogue_found *found);
dk_err catalogue_gone(
    struct dk_catalogue_writer *writer, uint64_t folder, const char *name, size_t len);

/* write_object.c: the object of a header with its sets, whose numbers are ret_number. */
DK_MUST_USE dk_err catalogue_object(struct dk_catalogue_writer *writer,
    const struct dk_catalogue_seen *seen, uint64_t *ret_object, uint64_t ret_number[2]);

#endif
