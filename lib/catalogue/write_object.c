/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "catalogue/impl.h"

#define SETS_MAX 4096u

/* The number in the only column; 0: no row. */
static dk_err
find(struct dk_catalogue_writer *writer, sqlite3_stmt *st, uint64_t *ret)
{
	bool row = false;
	dk_err err = catalogue_step(&writer->db, st, &row);

	*ret = 0;
	if (err == DK_OK && row && !catalogue_col_number(st, 0, CATALOGUE_TIME_MAX, ret))
		err = DK_ERR_CATALOGUE_FILE;
	if (st)
		(void)sqlite3_reset(st);
	return err;
}

static dk_err
insert(struct dk_catalogue_writer *writer, sqlite3_stmt *st, uint64_t *ret)
{
	dk_err err = catalogue_run(&writer->db, st);

	if (err == DK_OK)
		*ret = (uint64_t)sqlite3_last_insert_rowid(writer->db.db);
	return err;
}

/* The fields in the order of both statements. */
static void
bind_key(sqlite3_stmt *st, const uint8_t *bytes, size_t len)
{
	struct dk_reader_buf rd;
	const char *custodian;
	const uint8_t *text;
	size_t n;

	dk_rd_init(&rd, bytes, len);
	catalogue_bind_number(st, 1, dk_rd_u8(&rd));
	catalogue_bind_number(st, 3, dk_rd_u16(&rd));
	catalogue_bind_bytes(st, 2, dk_rd_bytes(&rd, 32), 32);
	custodian = (const char *)dk_rd_bytes(&rd, DK_CUSTODIAN_BYTES);
	catalogue_bind_text(st, 4, custodian, strnlen(custodian, DK_CUSTODIAN_BYTES));
	n = dk_rd_u16(&rd);
	text = dk_rd_bytes(&rd, n);
	catalogue_bind_text(st, 5, (const char *)text, n);
	n = dk_rd_u8(&rd);
	text = dk_rd_bytes(&rd, n);
	catalogue_bind_text(st, 6, (const char *)text, n);
}

static dk_err
key_row(struct dk_catalogue_writer *writer, const uint8_t *bytes, size_t len, uint64_t *ret)
{
	sqlite3_stmt *st = catalogue_db_st(&writer->db, ST_FIND_KEY);
	uint64_t id;
	dk_err err;

	if (!st)
		return catalogue_db_error(&writer->db);
	bind_key(st, bytes, len);
	err = find(writer, st, &id);
	if (err != DK_OK || id != 0) {
		*ret = id;
		return err;
	}
	st = catalogue_db_st(&writer->db, ST_PUT_KEY);
	if (!st)
		return catalogue_db_error(&writer->db);
	bind_key(st, bytes, len);
	return insert(writer, st, ret);
}

/* FNV-1a: only where the slot is. */
static size_t
slot_of(const uint8_t *bytes, size_t len)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < len; i++)
		h = (h ^ bytes[i]) * UINT64_C(1099511628211);
	return (size_t)(h >> 32) % CATALOGUE_KEY_SLOTS;
}

/* Most stanzas are for few keys: their rows are remembered. */
static dk_err
key_of(struct dk_catalogue_writer *writer, const uint8_t *bytes, size_t len, uint64_t *ret)
{
	struct catalogue_key_slot *slot = &writer->slot[slot_of(bytes, len)];
	uint8_t *copy;
	dk_err err;

	if (slot->len == len && slot->bytes && memcmp(slot->bytes, bytes, len) == 0) {
		*ret = slot->id;
		return DK_OK;
	}
	err = key_row(writer, bytes, len, ret);
	copy = err == DK_OK ? malloc(len) : NULL;
	if (!copy)
		return err;
	memcpy(copy, bytes, len);
	free(slot->bytes);
	*slot = (struct catalogue_key_slot){ .bytes = copy, .len = len, .id = *ret };
	return DK_OK;
}

/* The next key of seen->keys. */
static const uint8_t *
next_key(struct dk_reader_buf *rd, size_t *ret_len)
{
	const uint8_t *bytes = rd->data + rd->pos;
	size_t before = rd->pos;

	(void)dk_rd_bytes(rd, 1 + 2 + 32 + DK_CUSTODIAN_BYTES);
	(void)dk_rd_bytes(rd, dk_rd_u16(rd));
	(void)dk_rd_bytes(rd, dk_rd_u8(rd));
	*ret_len = rd->pos - before;
	return rd->failed ? NULL : bytes;
}

static dk_err
put_stanzas(struct dk_catalogue_writer *writer, uint64_t object, unsigned side, uint64_t number,
    const struct dk_catalogue_seen_set *set, struct dk_reader_buf *rd)
{
	for (size_t i = 0; i < set->count; i++) {
		size_t len;
		const uint8_t *bytes = next_key(rd, &len);
		uint64_t key = 0;
		sqlite3_stmt *st;
		dk_err err = bytes ? key_of(writer, bytes, len, &key) : DK_ERR_STATE;

		if (err != DK_OK)
			return err;
		st = catalogue_db_st(&writer->db, ST_PUT_STANZA);
		catalogue_bind_number(st, 1, object);
		catalogue_bind_number(st, 2, side);
		catalogue_bind_number(st, 3, number);
		catalogue_bind_number(st, 4, key);
		catalogue_bind_number(st, 5, i >= set->stanzas);
		err = catalogue_run(&writer->db, st);
		if (err != DK_OK)
			return err;
	}
	return DK_OK;
}

static dk_err
put_set(struct dk_catalogue_writer *writer, uint64_t object, unsigned side, uint64_t number,
    const struct dk_catalogue_seen_set *set)
{
	sqlite3_stmt *st = catalogue_db_st(&writer->db, ST_PUT_SET);

	catalogue_bind_number(st, 1, object);
	catalogue_bind_number(st, 2, side);
	catalogue_bind_number(st, 3, number);
	catalogue_bind_number(st, 4, set->epoch);
	catalogue_bind_bytes(st, 5, set->digest, sizeof(set->digest));
	catalogue_bind_number(st, 6, writer->now);
	return catalogue_run(&writer->db, st);
}

/* *ret_number is that of the set, or 0; *ret_last that of the last set of the side. */
static dk_err
find_set(struct dk_catalogue_writer *writer, uint64_t object, unsigned side,
    const struct dk_catalogue_seen_set *set, uint64_t *ret_number, uint64_t *ret_last)
{
	sqlite3_stmt *st = catalogue_db_st(&writer->db, ST_FIND_SET);
	bool row = false;
	dk_err err;

	catalogue_bind_number(st, 1, object);
	catalogue_bind_number(st, 2, side);
	catalogue_bind_bytes(st, 3, set->digest, sizeof(set->digest));
	err = catalogue_step(&writer->db, st, &row);
	if (err == DK_OK &&
	    (!row || !catalogue_col_number(st, 0, UINT32_MAX, ret_number) ||
		!catalogue_col_number(st, 1, UINT32_MAX, ret_last)))
		err = DK_ERR_CATALOGUE_FILE;
	if (st)
		(void)sqlite3_reset(st);
	return err;
}

static dk_err
put_object(struct dk_catalogue_writer *writer, const struct dk_catalogue_seen *seen, uint64_t *ret)
{
	sqlite3_stmt *st = catalogue_db_st(&writer->db, ST_PUT_OBJECT);

	catalogue_bind_bytes(st, 1, seen->core_digest, sizeof(seen->core_digest));
	catalogue_bind_bytes(st, 2, seen->object_id, sizeof(seen->object_id));
	catalogue_bind_number(st, 3, seen->created);
	catalogue_bind_text(st, 4, seen->tenant, strlen(seen->tenant));
	catalogue_bind_text(st, 5, seen->label, strlen(seen->label));
	if (st)
		(void)sqlite3_bind_null(st, 6);
	if (seen->has_creator)
		catalogue_bind_bytes(st, 6, seen->creator, sizeof(seen->creator));
	catalogue_bind_number(st, 7, writer->now);
	return insert(writer, st, ret);
}

/* Either all of a header is taken or nothing: what is looked for comes before what is written. */
dk_err
catalogue_object(struct dk_catalogue_writer *writer, const struct dk_catalogue_seen *seen,
    uint64_t *ret_object, uint64_t ret_number[2])
{
	sqlite3_stmt *st = catalogue_db_st(&writer->db, ST_FIND_OBJECT);
	uint64_t last[2] = { 0, 0 };
	struct dk_reader_buf rd;
	bool fresh, more = false;
	dk_err err;

	catalogue_bind_bytes(st, 1, seen->core_digest, 8);
	catalogue_bind_bytes(st, 2, seen->core_digest, sizeof(seen->core_digest));
	err = find(writer, st, ret_object);
	fresh = *ret_object == 0;
	for (unsigned i = 0; i < 2 && err == DK_OK; i++) {
		ret_number[i] = 0;
		if (!fresh)
			err = find_set(
			    writer, *ret_object, i + 1, &seen->set[i], &ret_number[i], &last[i]);
		if (err == DK_OK && ret_number[i] == 0 && last[i] >= SETS_MAX)
			err = DK_ERR_TOO_MANY_STANZAS;
	}
	if (err == DK_OK && fresh)
		err = put_object(writer, seen, ret_object);
	dk_rd_init(&rd, seen->keys, seen->keys_len);
	for (unsigned i = 0; i < 2 && err == DK_OK; i++) {
		size_t len;

		if (ret_number[i] != 0) {
			for (size_t k = 0; k < seen->set[i].count; k++)
				(void)next_key(&rd, &len);
			continue;
		}
		more = true;
		ret_number[i] = last[i] + 1;
		err = put_set(writer, *ret_object, i + 1, ret_number[i], &seen->set[i]);
		if (err == DK_OK)
			err = put_stanzas(
			    writer, *ret_object, i + 1, ret_number[i], &seen->set[i], &rd);
	}
	writer->counts.objects += err == DK_OK && fresh ? 1 : 0;
	writer->counts.rewrapped += err == DK_OK && more && !fresh ? 1 : 0;
	return err;
}
