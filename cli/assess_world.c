/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue, and what the names of the incident file mean in catalogue and log. */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "assess.h"
#include "message.h"

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

	if (find(first, a->catalogued, digest, ret))
		return true;
	if (count == a->catalogued ||
	    !find(first + a->catalogued, count - a->catalogued, digest, ret))
		return false;
	*ret += (uint32_t)a->catalogued;
	return true;
}

void
assess_clear(struct assess *a)
{
	struct array *all[] = { &a->digest, &a->row, &a->key, &a->entry, &a->item, &a->factor,
		&a->made, &a->device, &a->issuer, &a->ca, &a->theft, &a->time, &a->cause, &a->user,
		&a->mark };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		free(all[i]->at);
	tdestroy(a->users, free);
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
	return err == DK_ERR_CANCELLED ? DK_ERR_NOMEM : err;
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

/* ---- thefts ---- */

static dk_err
add_theft(struct assess *a, const struct incident_item *item, enum dk_theft_kind kind, uint64_t id)
{
	bool ends = kind == DK_THEFT_PROCESS || kind == DK_THEFT_PROXY;
	struct dk_theft *theft;
	uint32_t *cause;

	if (a->theft.count == DK_EXPOSURE_THEFTS_MAX) {
		message_fail(a->shown, "line %u: all items stand for more than %d things (%s)",
		    item->line, DK_EXPOSURE_THEFTS_MAX, INCIDENT_CODE);
		return DK_ERR_CANCELLED;
	}
	theft = array_add(&a->theft, sizeof(*theft));
	cause = array_add(&a->cause, sizeof(*cause));
	if (!theft || !cause)
		return DK_ERR_NOMEM;
	*cause = (uint32_t)(item - a->incident->item);
	*theft = (struct dk_theft){ .kind = kind,
		.id = id,
		.since = item->since,
		.until = ends ? item->until : DK_EXPOSURE_NEVER };
	return DK_OK;
}

static dk_err
steal_machine(struct assess *a, const struct incident_item *item)
{
	dk_err err = DK_OK;

	for (unsigned p = DK_EXPOSURE_PARENT; p <= DK_EXPOSURE_FETCHD && err == DK_OK; p++)
		err = add_theft(a, item, DK_THEFT_PROCESS, p);
	if (err == DK_OK)
		err = add_theft(a, item, DK_THEFT_PASSPHRASE, 0);
	if (err == DK_OK)
		err = add_theft(a, item, DK_THEFT_TLS_KEY, 0);
	if (err == DK_OK)
		err = add_theft(a, item, DK_THEFT_HSM_PIN, 0);
	if (err == DK_OK && item->what == INCIDENT_HOST)
		err = add_theft(a, item, DK_THEFT_STORE, 0);
	return err;
}

static dk_err
steal_provider(struct assess *a, const struct incident_item *item)
{
	const struct dk_catalogue_key *row = a->row.at;
	dk_err err = DK_OK;

	for (size_t i = 0; i < a->row.count && err == DK_OK; i++)
		if (row[i].side == DK_SIDE_PROVIDER && strcmp(row[i].custodian, item->name) == 0)
			err = add_theft(a, item, DK_THEFT_KEY, assess_key(a, row[i].key_id));
	return err;
}

static dk_err
steal_version(struct assess *a, const struct incident_item *item)
{
	const struct assess_made *made = a->made.at;
	dk_err err = DK_OK;

	for (size_t i = 0; i < a->made.count && err == DK_OK; i++)
		if (made[i].version == item->number && strlen(made[i].name) == item->split &&
		    memcmp(made[i].name, item->name, item->split) == 0)
			err = add_theft(a, item, DK_THEFT_KEY, assess_key(a, made[i].key_id));
	return err;
}

static bool
is_device(const struct assess_device *device, const struct incident_item *item)
{
	if (item->has_index)
		return device->index == item->number;
	if (device->erased)
		return false;
	return strcmp(device->name, item->name) == 0 ||
	    (item->has_id && memcmp(device->id, item->id, sizeof(item->id)) == 0);
}

static dk_err
steal_device(struct assess *a, const struct incident_item *item)
{
	const struct assess_device *device = a->device.at;
	dk_err err = DK_OK;

	for (size_t i = 0; i < a->device.count && err == DK_OK; i++)
		if (is_device(&device[i], item))
			err = add_theft(a, item, DK_THEFT_DEVICE, device[i].index);
	return err;
}

static dk_err
steal_token_key(struct assess *a, const struct incident_item *item)
{
	const struct assess_issuer *issuer = a->issuer.at;
	dk_err err = DK_OK;

	for (size_t i = 0; i < a->issuer.count && err == DK_OK; i++)
		if (strlen(issuer[i].issuer) == item->split &&
		    memcmp(issuer[i].issuer, item->name, item->split) == 0 &&
		    strcmp(issuer[i].key, item->name + item->split + 1) == 0)
			err = add_theft(a, item, DK_THEFT_TOKEN_KEY, i);
	return err;
}

/* A CA that the log does not have verified nobody; it is a theft all the same, so that the
 * log is asked for. */
static dk_err
steal_ca(struct assess *a, const struct incident_item *item)
{
	size_t i = 0;

	while (i < a->ca.count && memcmp((uint8_t *)a->ca.at + 32 * i, item->id, 32) != 0)
		i++;
	return add_theft(a, item, DK_THEFT_CA, i);
}

static dk_err
steal_disk(struct assess *a, const struct incident_item *item)
{
	dk_err err = add_theft(a, item, DK_THEFT_STORE, 0);

	return err == DK_OK && item->what == INCIDENT_DISK ? add_theft(a, item, DK_THEFT_TLS_KEY, 0)
							   : err;
}

static dk_err
steal(struct assess *a, const struct incident_item *item)
{
	switch (item->what) {
	case INCIDENT_KEY:
		return add_theft(a, item, DK_THEFT_KEY, assess_key(a, item->id));
	case INCIDENT_KEY_VERSION:
		return steal_version(a, item);
	case INCIDENT_PROVIDER_KEYS:
		return steal_provider(a, item);
	case INCIDENT_DEVICE:
		return steal_device(a, item);
	case INCIDENT_ADMIN:
		return add_theft(a, item, DK_THEFT_ADMIN, item->number);
	case INCIDENT_TOKEN_KEY:
		return steal_token_key(a, item);
	case INCIDENT_CA:
		return steal_ca(a, item);
	case INCIDENT_PROCESS:
		return add_theft(a, item, DK_THEFT_PROCESS, item->number);
	case INCIDENT_PROXY:
		return add_theft(a, item, DK_THEFT_PROXY, 0);
	case INCIDENT_TLS_KEY:
		return add_theft(a, item, DK_THEFT_TLS_KEY, 0);
	case INCIDENT_PASSPHRASE:
		return add_theft(a, item, DK_THEFT_PASSPHRASE, 0);
	case INCIDENT_HSM_PIN:
		return add_theft(a, item, DK_THEFT_HSM_PIN, 0);
	case INCIDENT_STORE:
	case INCIDENT_BACKUP:
	case INCIDENT_DISK:
		return steal_disk(a, item);
	default:
		return steal_machine(a, item);
	}
}

/* A device or token key that nobody saw is one all the same: the log is asked for. */
static dk_err
steal_nothing(struct assess *a, const struct incident_item *item)
{
	if (item->what == INCIDENT_DEVICE)
		return add_theft(a, item, DK_THEFT_DEVICE, DK_EXPOSURE_NEVER - 1);
	if (item->what == INCIDENT_TOKEN_KEY)
		return add_theft(a, item, DK_THEFT_TOKEN_KEY, DK_EXPOSURE_NEVER - 1);
	return DK_OK;
}

/* A mistyped name must not give a good answer. */
static dk_err
steal_known(struct assess *a, const struct incident_item *item)
{
	size_t before = a->theft.count;
	dk_err err = steal(a, item);

	if (err != DK_OK || a->theft.count > before)
		return err;
	if (item->doubtful) {
		message_warn(a->shown, "line %u: '%s %s' is in neither catalogue nor log",
		    item->line, incident_what_word(item->what), item->name);
		return steal_nothing(a, item);
	}
	message_fail(a->shown,
	    "line %u: '%s %s' is in neither catalogue nor log; with '?' behind the name it need "
	    "not be (%s)",
	    item->line, incident_what_word(item->what), item->name, INCIDENT_CODE);
	return DK_ERR_CANCELLED;
}

dk_err
assess_number(struct assess *a)
{
	dk_err err = number_keys(a);

	if (err == DK_OK)
		err = number_objects(a);
	for (size_t i = 0; i < a->incident->item_count && err == DK_OK; i++)
		err = steal_known(a, &a->incident->item[i]);
	return err;
}
