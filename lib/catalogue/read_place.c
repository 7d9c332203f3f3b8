/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "catalogue/impl.h"

#define ERROR_BYTES 32

/* path/name of the first two columns; the root and an S3 prefix end in no slash of ours. */
static bool
read_path(struct dk_catalogue *cat, sqlite3_stmt *st, bool with_name, size_t *ret_len)
{
	bool remote;
	size_t len, more = 0;

	if (!catalogue_col_blob(st, 0, cat->path, DK_CATALOGUE_PATH_MAX_BYTES, &len) || len == 0)
		return false;
	remote = len > 5 && memcmp(cat->path, "s3://", 5) == 0;
	if (with_name && !remote && cat->path[len - 1] != '/')
		cat->path[len++] = '/';
	if (with_name &&
	    !catalogue_col_blob(st, 1, cat->path + len, DK_CATALOGUE_NAME_MAX_BYTES, &more))
		return false;
	*ret_len = len + more;
	return true;
}

static dk_err
walk_places(struct dk_catalogue *cat, enum catalogue_statement which, uint64_t object,
    dk_catalogue_location_fn fn, void *ctx)
{
	sqlite3_stmt *st = catalogue_db_st(&cat->db, which);
	bool row = false;
	dk_err err;

	catalogue_bind_number(st, 1, object);
	while ((err = catalogue_step(&cat->db, st, &row)) == DK_OK && row) {
		struct dk_catalogue_location at = { .path = cat->path };
		bool past = which == ST_PAST;
		uint64_t *third = past ? &at.since : &at.size;
		uint64_t *fourth = past ? &at.until : &at.since;

		if (!read_path(cat, st, true, &at.path_len) ||
		    !catalogue_col_number(st, 2, CATALOGUE_TIME_MAX, third) ||
		    !catalogue_col_number(st, 3, CATALOGUE_TIME_MAX, fourth))
			err = DK_ERR_CATALOGUE_FILE;
		else if (fn(ctx, &at) != 0)
			err = DK_ERR_CANCELLED;
		if (err != DK_OK)
			break;
	}
	if (st)
		(void)sqlite3_reset(st);
	return err;
}

dk_err
catalogue_locations(
    struct dk_catalogue *cat, uint64_t object, dk_catalogue_location_fn fn, void *ctx)
{
	dk_err err = walk_places(cat, ST_LOCATIONS, object, fn, ctx);

	return err == DK_OK ? walk_places(cat, ST_PAST, object, fn, ctx) : err;
}

static dk_err
walk_problems(
    struct dk_catalogue *cat, enum catalogue_statement which, dk_catalogue_problem_fn fn, void *ctx)
{
	sqlite3_stmt *st = catalogue_db_st(&cat->db, which);
	bool folder = which == ST_FOLDER_PROBLEMS;
	int at = folder ? 1 : 2; /* column of the error */
	char error[ERROR_BYTES], place[DK_CATALOGUE_PLACE_BYTES];
	bool row = false;
	dk_err err;

	while ((err = catalogue_step(&cat->db, st, &row)) == DK_OK && row) {
		struct dk_catalogue_problem problem = {
			.path = cat->path, .folder = folder, .error = error, .place = place
		};

		place[0] = '\0';
		if (!read_path(cat, st, !folder, &problem.path_len) ||
		    !catalogue_col_text(st, at, error, sizeof(error)) ||
		    (!catalogue_col_null(st, at + 1) &&
			!catalogue_col_text(st, at + 1, place, sizeof(place))))
			err = DK_ERR_CATALOGUE_FILE;
		else if (fn(ctx, &problem) != 0)
			err = DK_ERR_CANCELLED;
		if (err != DK_OK)
			break;
	}
	if (st)
		(void)sqlite3_reset(st);
	return err;
}

dk_err
catalogue_problems(struct dk_catalogue *cat, dk_catalogue_problem_fn fn, void *ctx)
{
	dk_err err = walk_problems(cat, ST_FOLDER_PROBLEMS, fn, ctx);

	return err == DK_OK ? walk_problems(cat, ST_PROBLEMS, fn, ctx) : err;
}

static bool
read_scan(struct dk_catalogue *cat, sqlite3_stmt *st, struct dk_catalogue_scan *scan)
{
	if (!read_path(cat, st, false, &scan->root_len) ||
	    !catalogue_col_number(st, 1, CATALOGUE_TIME_MAX, &scan->started))
		return false;
	if (catalogue_col_null(st, 2))
		return true;
	return catalogue_col_number(st, 2, CATALOGUE_TIME_MAX, &scan->ended) &&
	    catalogue_col_number(st, 3, CATALOGUE_TIME_MAX, &scan->missed);
}

dk_err
catalogue_scans(struct dk_catalogue *cat, dk_catalogue_scan_fn fn, void *ctx)
{
	sqlite3_stmt *st = catalogue_db_st(&cat->db, ST_SCANS);
	bool row = false;
	dk_err err;

	while ((err = catalogue_step(&cat->db, st, &row)) == DK_OK && row) {
		struct dk_catalogue_scan scan = { .root = cat->path };

		if (!read_scan(cat, st, &scan))
			err = DK_ERR_CATALOGUE_FILE;
		else if (fn(ctx, &scan) != 0)
			err = DK_ERR_CANCELLED;
		if (err != DK_OK)
			break;
	}
	if (st)
		(void)sqlite3_reset(st);
	return err;
}
