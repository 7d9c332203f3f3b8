/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/scan/keys.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/header.h"
#include "cli/console/message.h"

struct row {
	struct dk_catalogue_key key;
	uint64_t last;  /* objects whose set seen last has a stanza for it */
	uint64_t other; /* objects of which only other sets or former stanzas have it */
	uint64_t of;    /* the object counted last */
};

struct rows {
	struct row *row;
	uint64_t count;
};

static int
keep(void *ctx, const struct dk_catalogue_key *key)
{
	struct rows *rows = ctx;

	if (key->id > rows->count)
		return -1;
	rows->row[key->id - 1].key = *key;
	return 0;
}

static void
count_set(struct rows *rows, const struct dk_catalogue_object *object,
    const struct dk_catalogue_set *set, bool last)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct dk_catalogue_stanza *stanza = &object->stanza[set->first + i];
		struct row *row = &rows->row[stanza->key - 1];

		/* Those that count as last come first. */
		if (row->of == object->id || (last && stanza->former))
			continue;
		row->of = object->id;
		row->last += last ? 1 : 0;
		row->other += last ? 0 : 1;
	}
}

static void
count_object(struct rows *rows, const struct dk_catalogue_object *object)
{
	for (size_t pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < object->set_count; i++) {
			const struct dk_catalogue_set *set = &object->set[i];
			bool newest = i + 1 == object->set_count || set[1].side != set->side;

			if (pass == 0 && newest)
				count_set(rows, object, set, true);
			if (pass == 1)
				count_set(rows, object, set, false);
		}
	}
}

static int
by_name(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = (int)x->key.side - (int)y->key.side;

	if (order == 0)
		order = strcmp(x->key.custodian, y->key.custodian);
	if (order == 0)
		order = strcmp(x->key.name, y->key.name);
	if (order == 0)
		order = memcmp(x->key.key_id, y->key.key_id, sizeof(x->key.key_id));
	return order != 0 ? order : strcmp(x->key.version, y->key.version);
}

static void
print_row(const struct row *row, FILE *out)
{
	char id[2 * 32 + 1];

	dk_hex(row->key.key_id, 32, id);
	fprintf(out, "%-8s  %-8s  %s  %s",
	    row->key.side == DK_SIDE_CUSTOMER ? "customer" : "provider",
	    dk_stanza_type_name(row->key.type), id, row->key.custodian);
	if (row->key.name[0] != '\0')
		fprintf(out, "  %s", row->key.name);
	if (row->key.version[0] != '\0')
		fprintf(out, "  version %s", row->key.version);
	fprintf(out, "  %" PRIu64 " objects, %" PRIu64 " formerly\n", row->last, row->other);
}

static dk_err
fill(struct dk_catalogue *cat, struct rows *rows)
{
	const struct dk_catalogue_object *object = NULL;
	dk_err err = dk_catalogue_keys(cat, keep, rows);

	while (err == DK_OK && (err = dk_catalogue_next(cat, &object)) == DK_OK && object)
		count_object(rows, object);
	return err;
}

dk_err
scan_keys_print(struct dk_catalogue *cat, FILE *out)
{
	struct rows rows = { .row = NULL };
	uint64_t objects;
	dk_err err = dk_catalogue_count(cat, &objects, &rows.count);

	if (err != DK_OK || rows.count == 0)
		return err;
	rows.row = calloc(rows.count, sizeof(*rows.row));
	if (!rows.row)
		return DK_ERR_NOMEM;
	err = fill(cat, &rows);
	if (err == DK_OK) {
		qsort(rows.row, rows.count, sizeof(*rows.row), by_name);
		for (uint64_t i = 0; i < rows.count; i++)
			print_row(&rows.row[i], out);
	}
	free(rows.row);
	return err;
}

struct telling {
	uint64_t max;
	uint64_t count;
};

static int
tell(void *ctx, const struct dk_catalogue_problem *problem)
{
	struct telling *telling = ctx;
	char path[4 * 1024];

	if (telling->count++ >= telling->max)
		return 0;
	(void)snprintf(path, sizeof(path), "%.*s", (int)problem->path_len, problem->path);
	message_fail(path, "%s (%s%s%s)",
	    problem->folder ? "the folder was not read" : "the header was not read", problem->error,
	    *problem->place != '\0' ? " at " : "", problem->place);
	return 0;
}

dk_err
scan_problems_tell(struct dk_catalogue *cat, uint64_t max)
{
	struct telling telling = { .max = max };
	dk_err err = dk_catalogue_problems(cat, tell, &telling);

	if (err == DK_OK && telling.count > max)
		message_fail(NULL, "%" PRIu64 " more; --problems has all", telling.count - max);
	return err;
}
