/* SPDX-License-Identifier: Apache-2.0 */
/* Each object of the catalogue, then each that only the log has. */
#include <stdlib.h>

#include "cli/assess/out.h"
#include "base/text.h"
#include "cli/report/report.h"

struct stay {
	const struct incident *incident;
	uint64_t created;
	bool any, open;
};

static int
on_place(void *ctx, const struct dk_catalogue_location *location)
{
	struct stay *stay = ctx;
	/* It was there when it was first seen, whatever it says of its age. */
	uint64_t first = stay->created < location->since ? stay->created : location->since;
	uint64_t last = location->until > first ? location->until : DK_EXPOSURE_NEVER;

	stay->any = true;
	stay->open = stay->open ||
	    incident_open(stay->incident, location->path, location->path_len, first, last);
	return 0;
}

static dk_err
could_copy(const struct assess *a, const struct dk_catalogue_object *o, bool *ret)
{
	struct stay stay = { .incident = a->incident, .created = o->created };
	dk_err err = DK_OK;

	if (a->incident->not_copied_count > 0)
		err = dk_catalogue_locations(a->catalogue, o->id, on_place, &stay);
	*ret = !stay.any || stay.open;
	return err;
}

/* The sets with the numbers of the engine; room grows. */
struct sets {
	struct array set, key;
};

static bool
fill_sets(
    const struct assess *a, const struct dk_catalogue_object *o, bool copied, struct sets *sets)
{
	const struct dk_catalogue_key *row = a->row.at;
	size_t at = 0;

	sets->set.count = sets->key.count = 0;
	for (size_t i = 0; i < o->set_count; i++) {
		for (size_t j = 0; j < o->set[i].count; j++) {
			uint64_t id = o->stanza[o->set[i].first + j].key;
			uint32_t *key = array_add(&sets->key, sizeof(*key));

			if (!key)
				return false;
			*key = assess_key(a, row[id - 1].key_id);
		}
		if (!array_add(&sets->set, sizeof(struct dk_exposure_set)))
			return false;
	}
	for (size_t i = 0; i < o->set_count; i++) {
		((struct dk_exposure_set *)sets->set.at)[i] =
		    (struct dk_exposure_set){ .customer = o->set[i].side == DK_SIDE_CUSTOMER,
			    .copied = copied,
			    .count = o->set[i].count,
			    .key = (uint32_t *)sets->key.at + at };
		at += o->set[i].count;
	}
	return true;
}

/* Where results go. */
static dk_err
give(struct assess_out *out, const struct assess_found *found)
{
	if (!assess_out_object(out, found))
		return DK_ERR_NOMEM;
	return out->report ? report_object(out->report, found) : DK_OK;
}

static dk_err
judge_catalogued(struct assess_out *out, struct dk_exposure *x, const struct dk_catalogue_object *o,
    struct sets *sets)
{
	const struct assess *a = out->assess;
	struct dk_exposure_object object = { .verified = a->incident->as_written,
		.set_count = o->set_count };
	struct dk_exposure_verdict verdict;
	struct assess_found found;
	char id[33];
	dk_err err = could_copy(a, o, &object.body);

	if (err == DK_OK &&
	    (!assess_digest(a, a->digest.count, o->core_digest, &object.object) ||
		!fill_sets(a, o, object.body, sets)))
		err = DK_ERR_NOMEM;
	object.set = sets->set.at;
	if (err == DK_OK)
		err = assess_withheld(&out->grants, &object, o->label, &object.withheld);
	if (err == DK_OK)
		err = dk_exposure_object(x, &object, &verdict);
	dk_hex(o->object_id, sizeof(o->object_id), id);
	found = (struct assess_found){ id, o->label, &object, &verdict, o };
	return err == DK_OK ? give(out, &found) : err;
}

/* One that only the log knows has no set, but for a document: that of the key that unwrapped it. */
static dk_err
judge_other(struct assess_out *out, struct dk_exposure *x, uint32_t at)
{
	const struct assess *a = out->assess;
	const struct assess_digest *digest = (struct assess_digest *)a->digest.at + at;
	struct dk_exposure_object object = { .object = at, .body = true };
	struct dk_exposure_set set = { .customer = true, .copied = true, .count = 1 };
	struct dk_exposure_verdict verdict;
	char id[65];
	struct assess_found found = { id, NULL, &object, &verdict, NULL };
	uint32_t key;
	dk_err err;

	dk_hex(digest->object_id, sizeof(digest->object_id), id);
	if (assess_is_document(digest)) {
		key = assess_key(a, (uint8_t *)a->dke_key.at + (size_t)32 * digest->dke_key);
		set.key = &key;
		object.set = &set;
		object.set_count = 1;
		object.verified = object.document = true;
		dk_hex(digest->digest, 32, id);
	}
	err = dk_exposure_object(x, &object, &verdict);
	return err == DK_OK ? give(out, &found) : err;
}

static dk_err
judge_others(struct assess_out *out, struct dk_exposure *x)
{
	const struct assess *a = out->assess;
	dk_err err = DK_OK;

	for (size_t i = a->catalogued; i < a->digest.count && err == DK_OK; i++)
		err = judge_other(out, x, (uint32_t)i);
	return err;
}

dk_err
assess_judge(struct assess_out *out, struct dk_exposure *x)
{
	const struct dk_catalogue_object *o = NULL;
	struct sets sets = { .set = { .at = NULL } };
	dk_err err;

	out->exposure = x;
	err = assess_grants_begin(&out->grants, out->assess, x);
	while (err == DK_OK) {
		err = dk_catalogue_next(out->assess->catalogue, &o);
		if (err != DK_OK || !o)
			break;
		err = judge_catalogued(out, x, o, &sets);
	}
	free(sets.set.at);
	free(sets.key.at);
	if (err == DK_OK)
		err = judge_others(out, x);
	if (err == DK_OK && !assess_totals_end(&out->totals, out->assess))
		err = DK_ERR_NOMEM;
	return err;
}
