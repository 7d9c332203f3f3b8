/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "catalogue/impl.h"
#include "format/header.h"

#define SETS_MAX (2u * 4096u)
#define STANZAS_MAX ((DK_STANZAS_MAX + DK_FORMERS_MAX) * SETS_MAX)

dk_err
catalogue_open(const char *path, struct dk_catalogue **ret)
{
	struct dk_catalogue *cat = calloc(1, sizeof(*cat));
	dk_err err;

	if (!cat)
		return DK_ERR_NOMEM;
	err = catalogue_db_open(path, false, &cat->db);
	if (err != DK_OK) {
		free(cat);
		return err;
	}
	err = catalogue_count(cat, &cat->objects, &cat->keys);
	if (err == DK_OK)
		*ret = cat;
	else
		catalogue_close(cat);
	return err;
}

void
catalogue_close(struct dk_catalogue *cat)
{
	catalogue_db_close(&cat->db);
	free(cat->set);
	free(cat->stanza);
	free(cat);
}

static dk_err
count(struct dk_catalogue *cat, enum catalogue_statement which, uint64_t *ret)
{
	sqlite3_stmt *st = catalogue_db_st(&cat->db, which);
	bool row = false;
	dk_err err = catalogue_step(&cat->db, st, &row);

	if (err == DK_OK && (!row || !catalogue_col_number(st, 0, CATALOGUE_ID_MAX, ret)))
		err = DK_ERR_CATALOGUE_FILE;
	if (st)
		(void)sqlite3_reset(st);
	return err;
}

dk_err
catalogue_count(struct dk_catalogue *cat, uint64_t *ret_objects, uint64_t *ret_keys)
{
	uint64_t objects, keys;
	dk_err err = count(cat, ST_COUNT_OBJECTS, &objects);

	if (err == DK_OK)
		err = count(cat, ST_COUNT_KEYS, &keys);
	if (err == DK_OK) {
		*ret_objects = objects;
		*ret_keys = keys;
	}
	return err;
}

static bool
read_side(sqlite3_stmt *st, int col, dk_side *ret)
{
	uint64_t side;

	if (!catalogue_col_number(st, col, 2, &side) || side == 0)
		return false;
	*ret = side == 1 ? DK_SIDE_CUSTOMER : DK_SIDE_PROVIDER;
	return true;
}

static bool
read_key(sqlite3_stmt *st, struct dk_catalogue_key *key)
{
	uint64_t type;

	if (!catalogue_col_number(st, 0, CATALOGUE_ID_MAX, &key->id) ||
	    !read_side(st, 1, &key->side) || !catalogue_col_number(st, 2, UINT16_MAX, &type) ||
	    !catalogue_col_bytes(st, 3, key->key_id, sizeof(key->key_id)) ||
	    !catalogue_col_text(st, 4, key->custodian, sizeof(key->custodian)) ||
	    !catalogue_col_text(st, 5, key->name, sizeof(key->name)) ||
	    !catalogue_col_text(st, 6, key->version, sizeof(key->version)))
		return false;
	key->type = (uint16_t)type;
	return true;
}

dk_err
catalogue_walk(struct dk_catalogue *cat, sqlite3_stmt *st, catalogue_row_fn fn, void *ctx)
{
	bool row = false;
	dk_err err;

	while ((err = catalogue_step(&cat->db, st, &row)) == DK_OK && row) {
		err = fn(cat, st, ctx);
		if (err != DK_OK)
			break;
	}
	if (st)
		(void)sqlite3_reset(st);
	return err;
}

struct keys {
	dk_catalogue_key_fn fn;
	void *ctx;
	uint64_t last;
};

static dk_err
on_key(struct dk_catalogue *cat, sqlite3_stmt *st, void *ctx)
{
	struct dk_catalogue_key key = { .id = 0 };
	struct keys *keys = ctx;

	/* A damaged table can have more rows than its last id says. */
	if (!read_key(st, &key) || key.id != ++keys->last || key.id > cat->keys)
		return DK_ERR_CATALOGUE_FILE;
	return keys->fn(keys->ctx, &key) == 0 ? DK_OK : DK_ERR_CANCELLED;
}

dk_err
catalogue_keys(struct dk_catalogue *cat, dk_catalogue_key_fn fn, void *ctx)
{
	struct keys keys = { .fn = fn, .ctx = ctx };

	return catalogue_walk(cat, catalogue_db_st(&cat->db, ST_KEYS), on_key, &keys);
}

static bool
read_object(sqlite3_stmt *st, struct dk_catalogue_object *object)
{
	object->has_creator = !catalogue_col_null(st, 6);
	return catalogue_col_number(st, 0, CATALOGUE_ID_MAX, &object->id) &&
	    catalogue_col_bytes(st, 1, object->core_digest, sizeof(object->core_digest)) &&
	    catalogue_col_bytes(st, 2, object->object_id, sizeof(object->object_id)) &&
	    catalogue_col_number(st, 3, DK_CREATED_MAX_S - 1, &object->created) &&
	    catalogue_col_text(st, 4, object->tenant, sizeof(object->tenant)) &&
	    catalogue_col_text(st, 5, object->label, sizeof(object->label)) &&
	    (!object->has_creator ||
		catalogue_col_bytes(st, 6, object->creator, sizeof(object->creator))) &&
	    catalogue_col_number(st, 7, CATALOGUE_TIME_MAX, &object->seen);
}

/* Room for one more. */
static void *
grow(void *list, size_t count, size_t *room, size_t size)
{
	size_t grown = *room > 0 ? 2 * *room : 16;
	void *more;

	if (count < *room)
		return list;
	more = reallocarray(list, grown, size);
	if (more)
		*room = grown;
	return more;
}

/* The next row of one of the two lists; at its end, and from then on, there is none. */
static dk_err
peek(struct dk_catalogue *cat, enum catalogue_statement which, bool *has, bool *ended)
{
	dk_err err;

	if (*has || *ended)
		return DK_OK;
	err = catalogue_step(&cat->db, cat->db.st[which], has);
	*ended = err == DK_OK && !*has;
	return err;
}

static bool
read_stanza(struct dk_catalogue *cat, sqlite3_stmt *st, const struct dk_catalogue_set *set,
    struct dk_catalogue_stanza *ret, bool *ret_other)
{
	uint64_t object, number, former;
	dk_side side;

	if (!catalogue_col_number(st, 0, CATALOGUE_ID_MAX, &object) || !read_side(st, 1, &side) ||
	    !catalogue_col_number(st, 2, UINT32_MAX, &number) ||
	    !catalogue_col_number(st, 3, cat->keys, &ret->key) || ret->key == 0 ||
	    !catalogue_col_number(st, 4, 1, &former))
		return false;
	ret->former = former == 1;
	*ret_other = object != cat->object.id || side != set->side || number != set->number;
	return true;
}

/* The stanzas of a set. One row of a later set is left for the next call. */
static dk_err
take_stanzas(struct dk_catalogue *cat, struct dk_catalogue_set *set)
{
	sqlite3_stmt *st = cat->db.st[ST_STANZAS];
	size_t current = 0;

	for (;;) {
		struct dk_catalogue_stanza stanza;
		void *list;
		bool other;
		dk_err err = peek(cat, ST_STANZAS, &cat->has_stanza, &cat->no_stanza);

		if (err != DK_OK)
			return err;
		if (!cat->has_stanza)
			break;
		if (!read_stanza(cat, st, set, &stanza, &other))
			return DK_ERR_CATALOGUE_FILE;
		if (other)
			break;
		cat->has_stanza = false;
		if (set->first + set->count == STANZAS_MAX)
			return DK_ERR_CATALOGUE_FILE;
		list = grow(
		    cat->stanza, set->first + set->count, &cat->stanza_room, sizeof(*cat->stanza));
		if (!list)
			return DK_ERR_NOMEM;
		cat->stanza = list;
		cat->stanza[set->first + set->count++] = stanza;
		current += stanza.former ? 0 : 1;
	}
	return current == 0 || current > DK_STANZAS_MAX || set->count - current > DK_FORMERS_MAX
	    ? DK_ERR_CATALOGUE_FILE
	    : DK_OK;
}

static bool
read_set(sqlite3_stmt *st, uint64_t *ret_object, struct dk_catalogue_set *set)
{
	uint64_t number, epoch;

	if (!catalogue_col_number(st, 0, CATALOGUE_ID_MAX, ret_object) ||
	    !read_side(st, 1, &set->side) || !catalogue_col_number(st, 2, UINT32_MAX, &number) ||
	    !catalogue_col_number(st, 3, UINT32_MAX, &epoch) || epoch == 0 ||
	    !catalogue_col_bytes(st, 4, set->digest, sizeof(set->digest)) ||
	    !catalogue_col_number(st, 5, CATALOGUE_TIME_MAX, &set->seen))
		return false;
	set->number = (uint32_t)number;
	set->epoch = (uint32_t)epoch;
	return true;
}

/* Numbers count from 1 on each side, the customer's first, and each side has one. */
static bool
follows(const struct dk_catalogue *cat, const struct dk_catalogue_set *set)
{
	size_t n = cat->object.set_count;

	if (n == 0)
		return set->side == DK_SIDE_CUSTOMER && set->number == 1;
	if (set->side == cat->set[n - 1].side)
		return set->number == cat->set[n - 1].number + 1 && n < SETS_MAX;
	return set->side == DK_SIDE_PROVIDER && set->number == 1;
}

static dk_err
add_set(struct dk_catalogue *cat, struct dk_catalogue_set *set)
{
	size_t n = cat->object.set_count;
	void *list;
	dk_err err;

	if (!follows(cat, set))
		return DK_ERR_CATALOGUE_FILE;
	list = grow(cat->set, n, &cat->set_room, sizeof(*cat->set));
	if (!list)
		return DK_ERR_NOMEM;
	cat->set = list;
	set->first = n > 0 ? cat->set[n - 1].first + cat->set[n - 1].count : 0;
	err = take_stanzas(cat, set);
	if (err == DK_OK) {
		cat->set[n] = *set;
		cat->object.set_count++;
	}
	return err;
}

static dk_err
take_sets(struct dk_catalogue *cat)
{
	sqlite3_stmt *st = cat->db.st[ST_SETS];
	struct dk_catalogue_object *object = &cat->object;

	for (;;) {
		struct dk_catalogue_set set = { .number = 0 };
		uint64_t of;
		dk_err err = peek(cat, ST_SETS, &cat->has_set, &cat->no_set);

		if (err != DK_OK)
			return err;
		if (!cat->has_set)
			break;
		if (!read_set(st, &of, &set))
			return DK_ERR_CATALOGUE_FILE;
		if (of != object->id)
			break;
		cat->has_set = false;
		err = add_set(cat, &set);
		if (err != DK_OK)
			return err;
	}
	if (object->set_count < 2 || cat->set[object->set_count - 1].side != DK_SIDE_PROVIDER)
		return DK_ERR_CATALOGUE_FILE;
	object->set = cat->set;
	object->stanza = cat->stanza;
	return DK_OK;
}

static dk_err
start(struct dk_catalogue *cat)
{
	if (!catalogue_db_st(&cat->db, ST_OBJECTS) || !catalogue_db_st(&cat->db, ST_SETS) ||
	    !catalogue_db_st(&cat->db, ST_STANZAS))
		return catalogue_db_error(&cat->db);
	cat->under_way = true;
	cat->has_set = false;
	cat->has_stanza = false;
	cat->no_set = false;
	cat->no_stanza = false;
	cat->last_id = 0;
	return DK_OK;
}

/* Behind the last object there are no sets and no stanzas. */
static dk_err
finish(struct dk_catalogue *cat)
{
	dk_err err = peek(cat, ST_SETS, &cat->has_set, &cat->no_set);

	cat->under_way = false;
	if (err == DK_OK)
		err = peek(cat, ST_STANZAS, &cat->has_stanza, &cat->no_stanza);
	if (err == DK_OK && (cat->has_set || cat->has_stanza))
		err = DK_ERR_CATALOGUE_FILE;
	return err;
}

dk_err
catalogue_next(struct dk_catalogue *cat, const struct dk_catalogue_object **ret)
{
	sqlite3_stmt *st;
	bool row = false;
	dk_err err = cat->under_way ? DK_OK : start(cat);

	if (err != DK_OK)
		return err;
	st = cat->db.st[ST_OBJECTS];
	err = catalogue_step(&cat->db, st, &row);
	if (err == DK_OK && !row) {
		err = finish(cat);
		if (err == DK_OK)
			*ret = NULL;
		return err;
	}
	memset(&cat->object, 0, sizeof(cat->object));
	if (err == DK_OK &&
	    (!read_object(st, &cat->object) || cat->object.id != ++cat->last_id ||
		cat->object.id > cat->objects))
		err = DK_ERR_CATALOGUE_FILE;
	if (err == DK_OK)
		err = take_sets(cat);
	if (err == DK_OK)
		*ret = &cat->object;
	else
		cat->under_way = false;
	return err;
}
