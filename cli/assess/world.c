/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue, and numbers for what it and the log name. */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "cli/assess/grants.h"

#define PREFIXES 65536 /* of two bytes */

/* ---- arrays ---- */

void *
array_add(struct array *array, size_t size)
{
	size_t cap = array->cap ? 2 * array->cap : 64;
	void *more;

	if (array->count == array->cap) {
		more = reallocarray(array->at, cap, size);
		if (!more)
			return NULL;
		array->at = more;
		array->cap = cap;
	}
	more = (uint8_t *)array->at + array->count++ * size;
	memset(more, 0, size);
	return more;
}

static int
by_32(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

static int
by_48(const void *a, const void *b)
{
	return memcmp(a, b, 48);
}

void
array_sort(struct array *array, size_t size, size_t len)
{
	uint8_t *at = array->at;
	size_t kept = 0;

	if (array->count < 2)
		return;
	qsort(at, array->count, size, len == 32 ? by_32 : by_48);
	for (size_t i = 1; i < array->count; i++)
		if (memcmp(at + kept * size, at + i * size, len) != 0)
			memmove(at + ++kept * size, at + i * size, size);
	array->count = kept + 1;
}

uint32_t
assess_key(const struct assess *a, const uint8_t id[32])
{
	const uint8_t *at = bsearch(id, a->key.at, a->key.count, 32, by_32);

	return at ? (uint32_t)((size_t)(at - (uint8_t *)a->key.at) / 32) : UINT32_MAX;
}

static bool
find(const struct assess_digest *first, size_t count, const uint8_t digest[48], uint32_t *ret)
{
	const struct assess_digest *at =
	    count ? bsearch(digest, first, count, sizeof(*first), by_48) : NULL;

	if (at)
		*ret = (uint32_t)(at - first);
	return at != NULL;
}

bool
assess_digest(const struct assess *a, size_t count, const uint8_t digest[48], uint32_t *ret)
{
	const struct assess_digest *first = a->digest.at;
	const uint32_t *start = a->start + (digest[0] << 8 | digest[1]);

	/* A digest is as good as random: what is left is few elements, side by side. */
	if (find(first + start[0], start[1] - start[0], digest, ret)) {
		*ret += start[0];
		return true;
	}
	if (count == a->catalogued ||
	    !find(first + a->catalogued, count - a->catalogued, digest, ret))
		return false;
	*ret += (uint32_t)a->catalogued;
	return true;
}

bool
assess_is_document(const struct assess_digest *digest)
{
	static const uint8_t zeros[16];

	return memcmp(digest->digest + 32, zeros, sizeof(zeros)) == 0;
}

void
assess_clear(struct assess *a)
{
	struct array *all[] = { &a->digest, &a->row, &a->key, &a->entry, &a->item, &a->factor,
		&a->made, &a->device, &a->issuer, &a->ca, &a->theft, &a->time, &a->cause, &a->user,
		&a->mark, &a->dke_key };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		free(all[i]->at);
	assess_policies_clear(a);
	tdestroy(a->users, free);
	free(a->start);
}

/* ---- catalogue ---- */

static int
keep_row(void *ctx, const struct dk_catalogue_key *key)
{
	struct assess *a = ctx;
	struct dk_catalogue_key *row = array_add(&a->row, sizeof(*row));

	if (!row || key->id != a->row.count)
		return -1;
	*row = *key;
	return 0;
}

static bool
index_digests(struct assess *a)
{
	const struct assess_digest *first = a->digest.at;
	uint32_t at = 0;

	a->start = calloc(PREFIXES + 1, sizeof(*a->start));
	if (!a->start)
		return false;
	for (uint32_t prefix = 0; prefix <= PREFIXES; prefix++) {
		while (at < a->catalogued &&
		    (uint32_t)(first[at].digest[0] << 8 | first[at].digest[1]) < prefix)
			at++;
		a->start[prefix] = at;
	}
	return true;
}

dk_err
assess_read_catalogue(struct assess *a)
{
	const struct dk_catalogue_object *object;
	dk_err err = dk_catalogue_keys(a->catalogue, keep_row, a);

	while (err == DK_OK) {
		struct assess_digest *more;

		err = dk_catalogue_next(a->catalogue, &object);
		if (err != DK_OK || !object)
			break;
		more = a->digest.count < UINT32_MAX ? array_add(&a->digest, sizeof(*more)) : NULL;
		if (!more)
			return DK_ERR_NOMEM;
		memcpy(more->digest, object->core_digest, sizeof(more->digest));
		memcpy(more->object_id, object->object_id, sizeof(more->object_id));
	}
	array_sort(&a->digest, sizeof(struct assess_digest), 48);
	a->catalogued = a->digest.count;
	if (err == DK_ERR_CANCELLED || (err == DK_OK && !index_digests(a)))
		return DK_ERR_NOMEM;
	return err;
}

/* ---- numbers ---- */

static dk_err
add_key(struct assess *a, const uint8_t id[32])
{
	uint8_t *more = a->key.count < UINT32_MAX ? array_add(&a->key, 32) : NULL;

	if (!more)
		return DK_ERR_NOMEM;
	memcpy(more, id, 32);
	return DK_OK;
}

static dk_err
number_keys(struct assess *a)
{
	const struct incident *incident = a->incident;
	const struct dk_catalogue_key *row = a->row.at;
	const struct assess_made *made = a->made.at;
	dk_err err = DK_OK;

	for (size_t i = 0; i < a->row.count && err == DK_OK; i++)
		err = add_key(a, row[i].key_id);
	for (size_t i = 0; i < a->made.count && err == DK_OK; i++) {
		err = add_key(a, made[i].key_id);
		if (err == DK_OK && made[i].has_recovery)
			err = add_key(a, made[i].recovery);
	}
	for (size_t i = 0; i < a->dke_key.count && err == DK_OK; i++)
		err = add_key(a, (uint8_t *)a->dke_key.at + 32 * i);
	for (size_t i = 0; i < incident->own_count && err == DK_OK; i++)
		err = add_key(a, incident->own[i]);
	for (size_t i = 0; i < incident->item_count && err == DK_OK; i++)
		if (incident->item[i].what == INCIDENT_KEY)
			err = add_key(a, incident->item[i].id);
	array_sort(&a->key, 32, 32);
	return err;
}

/* Objects that only the log has, until now one for each release. */
static dk_err
number_objects(struct assess *a)
{
	size_t extra = a->digest.count - a->catalogued;
	struct assess_digest *first = (struct assess_digest *)a->digest.at + a->catalogued;
	struct array sorted = { .count = extra };
	struct assess_entry *entry = a->entry.at;
	uint32_t *item = a->item.at;

	if (extra == 0)
		return DK_OK;
	sorted.at = reallocarray(NULL, extra, sizeof(*first));
	if (!sorted.at)
		return DK_ERR_NOMEM;
	memcpy(sorted.at, first, extra * sizeof(*first));
	array_sort(&sorted, sizeof(*first), 48);
	for (size_t i = 0; i < a->entry.count; i++) {
		for (unsigned j = 0; j < entry[i].items; j++, item++) {
			if (entry[i].class != DK_ENTRY_RELEASE || *item < a->catalogued)
				continue;
			(void)find(
			    sorted.at, sorted.count, first[*item - a->catalogued].digest, item);
			*item += (uint32_t)a->catalogued;
		}
	}
	memcpy(first, sorted.at, sorted.count * sizeof(*first));
	a->digest.count = a->catalogued + sorted.count;
	free(sorted.at);
	return DK_OK;
}

dk_err
assess_number(struct assess *a)
{
	dk_err err = number_keys(a);

	if (err == DK_OK)
		err = number_objects(a);
	for (size_t i = 0; i < a->incident->item_count && err == DK_OK; i++)
		err = assess_steal(a, &a->incident->item[i]);
	return err;
}
