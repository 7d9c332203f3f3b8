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

struct places {
	dk_catalogue_location_fn fn;
	void *ctx;
	bool past;
};

static dk_err
on_place(struct dk_catalogue *cat, sqlite3_stmt *st, void *ctx)
{
	struct dk_catalogue_location at = { .path = cat->path };
	const struct places *places = ctx;
	uint64_t *third = places->past ? &at.since : &at.size;
	uint64_t *fourth = places->past ? &at.until : &at.since;

	if (!read_path(cat, st, true, &at.path_len) ||
	    !catalogue_col_number(st, 2, CATALOGUE_TIME_MAX, third) ||
	    !catalogue_col_number(st, 3, CATALOGUE_TIME_MAX, fourth))
		return DK_ERR_CATALOGUE_FILE;
	return places->fn(places->ctx, &at) == 0 ? DK_OK : DK_ERR_CANCELLED;
}

dk_err
catalogue_locations(
    struct dk_catalogue *cat, uint64_t object, dk_catalogue_location_fn fn, void *ctx)
{
	static const enum catalogue_statement each[] = { ST_LOCATIONS, ST_PAST };
	struct places places = { .fn = fn, .ctx = ctx };
	dk_err err = DK_OK;

	for (unsigned i = 0; i < 2 && err == DK_OK; i++) {
		sqlite3_stmt *st = catalogue_db_st(&cat->db, each[i]);

		catalogue_bind_number(st, 1, object);
		places.past = each[i] == ST_PAST;
		err = catalogue_walk(cat, st, on_place, &places);
	}
	return err;
}

struct problems {
	dk_catalogue_problem_fn fn;
	void *ctx;
	bool folder;
};

static dk_err
on_problem(struct dk_catalogue *cat, sqlite3_stmt *st, void *ctx)
{
	const struct problems *problems = ctx;
	char error[ERROR_BYTES], place[DK_CATALOGUE_PLACE_BYTES] = "";
	struct dk_catalogue_problem problem = {
		.path = cat->path, .folder = problems->folder, .error = error, .place = place
	};
	int at = problems->folder ? 1 : 2; /* column of the error */

	if (!read_path(cat, st, !problems->folder, &problem.path_len) ||
	    !catalogue_col_text(st, at, error, sizeof(error)) ||
	    (!catalogue_col_null(st, at + 1) &&
		!catalogue_col_text(st, at + 1, place, sizeof(place))))
		return DK_ERR_CATALOGUE_FILE;
	return problems->fn(problems->ctx, &problem) == 0 ? DK_OK : DK_ERR_CANCELLED;
}

dk_err
catalogue_problems(struct dk_catalogue *cat, dk_catalogue_problem_fn fn, void *ctx)
{
	static const enum catalogue_statement each[] = { ST_FOLDER_PROBLEMS, ST_PROBLEMS };
	struct problems problems = { .fn = fn, .ctx = ctx };
	dk_err err = DK_OK;

	for (unsigned i = 0; i < 2 && err == DK_OK; i++) {
		problems.folder = each[i] == ST_FOLDER_PROBLEMS;
		err =
		    catalogue_walk(cat, catalogue_db_st(&cat->db, each[i]), on_problem, &problems);
	}
	return err;
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

struct scans {
	dk_catalogue_scan_fn fn;
	void *ctx;
};

static dk_err
on_scan(struct dk_catalogue *cat, sqlite3_stmt *st, void *ctx)
{
	struct dk_catalogue_scan scan = { .root = cat->path };
	const struct scans *scans = ctx;

	if (!read_scan(cat, st, &scan))
		return DK_ERR_CATALOGUE_FILE;
	return scans->fn(scans->ctx, &scan) == 0 ? DK_OK : DK_ERR_CANCELLED;
}

dk_err
catalogue_scans(struct dk_catalogue *cat, dk_catalogue_scan_fn fn, void *ctx)
{
	struct scans scans = { .fn = fn, .ctx = ctx };

	return catalogue_walk(cat, catalogue_db_st(&cat->db, ST_SCANS), on_scan, &scans);
}
