/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "catalogue/impl.h"

dk_err
catalogue_writer_open(const char *path, struct dk_catalogue_writer **ret)
{
	struct dk_catalogue_writer *writer = calloc(1, sizeof(*writer));
	dk_err err;

	if (!writer)
		return DK_ERR_NOMEM;
	err = catalogue_db_open(path, true, &writer->db);
	if (err == DK_OK)
		*ret = writer;
	else
		free(writer);
	return err;
}

void
catalogue_writer_close(struct dk_catalogue_writer *writer)
{
	catalogue_db_close(&writer->db);
	for (size_t i = 0; i < CATALOGUE_KEY_SLOTS; i++)
		free(writer->slot[i].bytes);
	free(writer);
}

dk_err
catalogue_commit(struct dk_catalogue_writer *writer)
{
	dk_err err = catalogue_run(&writer->db, catalogue_db_st(&writer->db, ST_COMMIT));

	return err == DK_OK ? catalogue_run(&writer->db, catalogue_db_st(&writer->db, ST_BEGIN))
			    : err;
}

dk_err
catalogue_begin(struct dk_catalogue_writer *writer, const char *root, size_t root_len, uint64_t now,
    uint64_t *ret_scan)
{
	sqlite3_stmt *st = catalogue_db_st(&writer->db, ST_PUT_SCAN);
	dk_err err;

	catalogue_bind_bytes(st, 1, root, root_len);
	catalogue_bind_number(st, 2, now);
	err = catalogue_run(&writer->db, st);
	if (err != DK_OK)
		return err;
	writer->now = now;
	*ret_scan = (uint64_t)sqlite3_last_insert_rowid(writer->db.db);
	return DK_OK;
}

/* The number in the one row that a statement gives; *ret_found, or 0. */
static dk_err
get_number(struct dk_catalogue_writer *writer, sqlite3_stmt *st, uint64_t *ret)
{
	bool row = false;
	dk_err err = catalogue_step(&writer->db, st, &row);

	if (err != DK_OK)
		return err;
	if (!row)
		*ret = 0;
	else if (!catalogue_col_number(st, 0, CATALOGUE_TIME_MAX, ret))
		err = DK_ERR_CATALOGUE_FILE;
	(void)sqlite3_reset(st);
	return err;
}

static dk_err
get_folder(struct dk_catalogue_writer *writer, const char *path, size_t len, uint64_t *ret)
{
	sqlite3_stmt *st = catalogue_db_st(&writer->db, ST_GET_FOLDER);

	catalogue_bind_bytes(st, 1, path, len);
	return get_number(writer, st, ret);
}

static dk_err
count_missed(struct dk_catalogue_writer *writer, uint64_t scan, uint64_t *ret)
{
	static const enum catalogue_statement each[] = { ST_MISSED_PLACES, ST_MISSED_FOLDERS };
	uint64_t missed = 0;

	for (unsigned i = 0; i < 2; i++) {
		sqlite3_stmt *st = catalogue_db_st(&writer->db, each[i]);
		uint64_t n;
		dk_err err;

		catalogue_bind_number(st, 1, scan);
		err = get_number(writer, st, &n);
		if (err != DK_OK)
			return err;
		missed += n;
	}
	*ret = missed;
	return DK_OK;
}

dk_err
catalogue_end(struct dk_catalogue_writer *writer, uint64_t scan, uint64_t folder, uint64_t now,
    uint64_t *ret_missed)
{
	sqlite3_stmt *st;
	uint64_t missed;
	dk_err err = count_missed(writer, folder, &missed);

	if (err != DK_OK)
		return err;
	st = catalogue_db_st(&writer->db, ST_END_SCAN);
	catalogue_bind_number(st, 1, now);
	catalogue_bind_number(st, 2, missed);
	catalogue_bind_number(st, 3, scan);
	err = catalogue_run(&writer->db, st);
	if (err == DK_OK)
		err = catalogue_commit(writer);
	if (err == DK_OK)
		*ret_missed = missed;
	return err;
}

static dk_err
set_parent(struct dk_catalogue_writer *writer, uint64_t folder, uint64_t parent)
{
	sqlite3_stmt *st = catalogue_db_st(&writer->db, ST_SET_PARENT);

	catalogue_bind_number(st, 1, parent);
	catalogue_bind_number(st, 2, folder);
	return catalogue_run(&writer->db, st);
}

dk_err
catalogue_folder(struct dk_catalogue_writer *writer, uint64_t parent, const char *path, size_t len,
    uint64_t *ret_folder)
{
	sqlite3_stmt *st;
	uint64_t folder;
	dk_err err = get_folder(writer, path, len, &folder);

	if (err == DK_OK && folder != 0 && parent != 0)
		err = set_parent(writer, folder, parent);
	if (err == DK_OK && folder == 0) {
		st = catalogue_db_st(&writer->db, ST_PUT_FOLDER);
		if (st)
			(void)sqlite3_bind_null(st, 1);
		if (parent != 0)
			catalogue_bind_number(st, 1, parent);
		catalogue_bind_bytes(st, 2, path, len);
		err = catalogue_run(&writer->db, st);
		folder = (uint64_t)sqlite3_last_insert_rowid(writer->db.db);
	}
	if (err == DK_OK)
		*ret_folder = folder;
	return err;
}

dk_err
catalogue_folder_error(
    struct dk_catalogue_writer *writer, uint64_t folder, const char *error, const char *place)
{
	sqlite3_stmt *st = catalogue_db_st(&writer->db, ST_FOLDER_ERROR);

	catalogue_bind_string(st, 1, error);
	catalogue_bind_string(st, 2, place);
	catalogue_bind_number(st, 3, folder);
	return catalogue_run(&writer->db, st);
}

/* The last part of a path, which has no slash at its end. */
static bool
last_part(sqlite3_stmt *st, int col, struct dk_catalogue_known *ret)
{
	const char *path = sqlite3_column_blob(st, col);
	size_t len = (size_t)sqlite3_column_bytes(st, col);
	size_t at = len;

	if (sqlite3_column_type(st, col) != SQLITE_BLOB || !path)
		return false;
	while (at > 0 && path[at - 1] != '/')
		at--;
	if (len - at > DK_CATALOGUE_NAME_MAX_BYTES)
		return false;
	memcpy(ret->name, path + at, len - at);
	ret->name_len = len - at;
	ret->name[ret->name_len] = '\0';
	return true;
}

dk_err
catalogue_children(struct dk_catalogue_writer *writer, uint64_t folder, uint64_t *after,
    struct dk_catalogue_known *ret, size_t cap, size_t *ret_count)
{
	sqlite3_stmt *st = catalogue_db_st(&writer->db, ST_CHILDREN);
	bool row = false;
	size_t n = 0;
	dk_err err;

	catalogue_bind_number(st, 1, folder);
	catalogue_bind_number(st, 2, *after);
	catalogue_bind_number(st, 3, cap);
	while ((err = catalogue_step(&writer->db, st, &row)) == DK_OK && row) {
		if (n == cap || !last_part(st, 1, &ret[n]) ||
		    !catalogue_col_number(st, 0, CATALOGUE_TIME_MAX, &ret[n].folder)) {
			(void)sqlite3_reset(st);
			return DK_ERR_CATALOGUE_FILE;
		}
		*after = ret[n++].folder;
	}
	if (err == DK_OK)
		*ret_count = n;
	return err;
}

dk_err
catalogue_folder_gone(struct dk_catalogue_writer *writer, uint64_t folder)
{
	static const enum catalogue_statement each[] = { ST_GONE_FOLDER, ST_DROP_LOCATIONS,
		ST_DROP_FOLDER };
	dk_err err = DK_OK;

	for (unsigned i = 0; i < 3 && err == DK_OK; i++) {
		sqlite3_stmt *st = catalogue_db_st(&writer->db, each[i]);

		catalogue_bind_number(st, 1, folder);
		if (each[i] == ST_GONE_FOLDER)
			catalogue_bind_number(st, 2, writer->now);
		err = catalogue_run(&writer->db, st);
	}
	return err;
}

static bool
read_known(sqlite3_stmt *st, struct dk_catalogue_known *ret)
{
	if (!catalogue_col_blob(
		st, 0, (uint8_t *)ret->name, DK_CATALOGUE_NAME_MAX_BYTES, &ret->name_len) ||
	    !catalogue_col_blob(st, 1, ret->stamp, sizeof(ret->stamp), &ret->stamp_len))
		return false;
	ret->name[ret->name_len] = '\0';
	ret->is_object = !catalogue_col_null(st, 2);
	ret->is_problem = !catalogue_col_null(st, 3);
	return true;
}

dk_err
catalogue_known(struct dk_catalogue_writer *writer, uint64_t folder, const char *after, size_t len,
    struct dk_catalogue_known *ret, size_t cap, size_t *ret_count)
{
	sqlite3_stmt *st = catalogue_db_st(&writer->db, ST_KNOWN);
	bool row = false;
	size_t n = 0;
	dk_err err;

	catalogue_bind_number(st, 1, folder);
	/* A number comes before all bytes, also before none. */
	catalogue_bind_number(st, 2, 0);
	if (after)
		catalogue_bind_bytes(st, 2, after, len);
	catalogue_bind_number(st, 3, cap);
	while ((err = catalogue_step(&writer->db, st, &row)) == DK_OK && row) {
		if (n == cap || !read_known(st, &ret[n])) {
			(void)sqlite3_reset(st);
			return DK_ERR_CATALOGUE_FILE;
		}
		n++;
	}
	if (err == DK_OK)
		*ret_count = n;
	return err;
}
