/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue/impl.h"

struct was {
	bool known;
	uint64_t object; /* 0: none */
	uint64_t since;
};

static dk_err
get_was(struct dk_catalogue_writer *writer, uint64_t folder, const char *name, size_t len,
    struct was *ret)
{
	sqlite3_stmt *st = catalogue_db_st(&writer->db, ST_GET_LOCATION);
	bool row = false;
	dk_err err;

	*ret = (struct was){ .known = false };
	catalogue_bind_number(st, 1, folder);
	catalogue_bind_bytes(st, 2, name, len);
	err = catalogue_step(&writer->db, st, &row);
	if (err != DK_OK || !row)
		return err;
	ret->known = true;
	if ((!catalogue_col_null(st, 0) &&
		!catalogue_col_number(st, 0, CATALOGUE_ID_MAX, &ret->object)) ||
	    !catalogue_col_number(st, 1, CATALOGUE_TIME_MAX, &ret->since))
		err = DK_ERR_CATALOGUE_FILE;
	(void)sqlite3_reset(st);
	return err;
}

static dk_err
put_past(struct dk_catalogue_writer *writer, uint64_t folder, const char *name, size_t len,
    const struct was *was)
{
	sqlite3_stmt *st = catalogue_db_st(&writer->db, ST_PUT_PAST);

	catalogue_bind_number(st, 1, folder);
	catalogue_bind_bytes(st, 2, name, len);
	catalogue_bind_number(st, 3, was->object);
	catalogue_bind_number(st, 4, was->since);
	catalogue_bind_number(st, 5, writer->now);
	return catalogue_run(&writer->db, st);
}

dk_err
catalogue_gone(struct dk_catalogue_writer *writer, uint64_t folder, const char *name, size_t len)
{
	sqlite3_stmt *st;
	struct was was;
	dk_err err = get_was(writer, folder, name, len, &was);

	if (err == DK_OK && was.object != 0)
		err = put_past(writer, folder, name, len, &was);
	if (err != DK_OK)
		return err;
	st = catalogue_db_st(&writer->db, ST_DROP_LOCATION);
	catalogue_bind_number(st, 1, folder);
	catalogue_bind_bytes(st, 2, name, len);
	return catalogue_run(&writer->db, st);
}

static dk_err
put_location(struct dk_catalogue_writer *writer, uint64_t folder,
    const struct dk_catalogue_found *found, uint64_t object, const uint64_t number[2],
    uint64_t since, const char *error)
{
	sqlite3_stmt *st = catalogue_db_st(&writer->db, ST_PUT_LOCATION);

	if (st)
		(void)sqlite3_clear_bindings(st);
	catalogue_bind_number(st, 1, folder);
	catalogue_bind_bytes(st, 2, found->name, found->name_len);
	catalogue_bind_bytes(st, 3, found->stamp, found->stamp_len);
	catalogue_bind_number(st, 4, found->size);
	if (object != 0) {
		catalogue_bind_number(st, 5, object);
		catalogue_bind_number(st, 6, number[0]);
		catalogue_bind_number(st, 7, number[1]);
	}
	catalogue_bind_number(st, 8, since);
	catalogue_bind_string(st, 9, error);
	catalogue_bind_string(st, 10, found->place);
	return catalogue_run(&writer->db, st);
}

dk_err
catalogue_put(
    struct dk_catalogue_writer *writer, uint64_t folder, const struct dk_catalogue_found *found)
{
	const char *error = found->error;
	uint64_t number[2] = { 0, 0 };
	uint64_t object = 0;
	struct was was = { .object = 0 };
	dk_err err = DK_OK;

	if (found->seen)
		err = catalogue_object(writer, found->seen, &object, number);
	if (err == DK_ERR_TOO_MANY_STANZAS) {
		error = "too-many-sets";
		object = 0;
		err = DK_OK;
	}
	if (err == DK_OK && !found->fresh)
		err = get_was(writer, folder, found->name, found->name_len, &was);
	if (err == DK_OK && was.object != 0 && was.object != object)
		err = put_past(writer, folder, found->name, found->name_len, &was);
	if (err != DK_OK)
		return err;
	return put_location(writer, folder, found, object, number,
	    was.known && was.object == object ? was.since : writer->now, error);
}
