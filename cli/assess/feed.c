/* SPDX-License-Identifier: Apache-2.0 */
/* Entries as the engine has them, and into it. */
#include <stdlib.h>

#include "cli/assess/assess.h"

struct feed {
	struct dk_exposure *x;
	struct assess_mark at;
	uint64_t after, before;
};

/* What belongs to it begins at mark. */
static void
entry_at(const struct assess *a, uint64_t index, const struct assess_mark *mark,
    struct assess_room *room, struct dk_exposure_entry *ret)
{
	const struct assess_entry *e = (struct assess_entry *)a->entry.at + index;
	const struct assess_factor *factor = (struct assess_factor *)a->factor.at + mark->factor;
	const uint32_t *item = (uint32_t *)a->item.at + mark->item;
	const struct assess_made *made;
	struct assess_when when = assess_when(a, index);

	*ret = (struct dk_exposure_entry){ .index = index,
		.after = when.after,
		.before = when.before,
		.class = (enum dk_exposure_class)e->class,
		.prompt = e->prompt,
		.clear = e->clear,
		.root = e->class == DK_ENTRY_RELEASE ? 0 : e->root,
		.count = e->class == DK_ENTRY_CLOSED ? 0 : e->items,
		.item = item,
		.factor_count = e->factors,
		.factor = room->factor };
	for (unsigned i = 0; i < e->factors; i++)
		room->factor[i] = (struct dk_exposure_factor){
			.kind = factor[i].kind, .verifier = factor[i].verifier, .id = factor[i].id
		};
	if (e->class == DK_ENTRY_POLICY)
		ret->root = e->root > 0 ? e->root - 1 : DK_EXPOSURE_NEVER;
	if (e->class != DK_ENTRY_KEY)
		return;
	made = (struct assess_made *)a->made.at + item[0];
	room->item[0] = assess_key(a, made->key_id);
	if (made->has_recovery)
		room->item[1] = assess_key(a, made->recovery);
	ret->item = room->item;
	ret->count = made->has_recovery ? 2 : 1;
}

void
assess_entry(
    const struct assess *a, uint64_t index, struct assess_room *room, struct dk_exposure_entry *ret)
{
	const struct assess_entry *entry = a->entry.at;
	struct assess_mark at = ((struct assess_mark *)a->mark.at)[index / ASSESS_MARK_ENTRIES];

	for (uint64_t i = index - index % ASSESS_MARK_ENTRIES; i < index; i++) {
		at.item += entry[i].items;
		at.factor += entry[i].factors;
	}
	entry_at(a, index, &at, room, ret);
}

static dk_err
feed_one(struct assess *a, struct feed *feed, uint64_t index)
{
	struct assess_entry *e = (struct assess_entry *)a->entry.at + index;
	struct dk_exposure_entry out;
	struct assess_room room;

	entry_at(a, index, &feed->at, &room, &out);
	feed->at.item += e->items;
	feed->at.factor += e->factors;
	/* A clock that goes back is no evidence: the entry is closed, at the time of the last. */
	if (out.after < feed->after) {
		e->class = DK_ENTRY_CLOSED;
		out = (struct dk_exposure_entry){ .index = index,
			.after = feed->after,
			.before = feed->before,
			.class = DK_ENTRY_CLOSED };
	}
	feed->after = out.after;
	feed->before = out.before;
	return dk_exposure_entry(feed->x, &out);
}

dk_err
assess_feed(struct assess *a, struct dk_exposure **ret)
{
	const struct incident *incident = a->incident;
	uint32_t *own = calloc(incident->own_count + 1, sizeof(*own));
	struct dk_exposure_case c = { .from = incident->from,
		.to = incident->to,
		.gap = incident->silence,
		.keys = (uint32_t)a->key.count,
		.objects = (uint32_t)a->digest.count,
		.theft_count = a->theft.count,
		.theft = a->theft.at,
		.own_count = incident->own_count,
		.own = own };
	struct feed feed = { .x = NULL };
	dk_err err;

	if (!own)
		return DK_ERR_NOMEM;
	for (size_t i = 0; i < incident->own_count; i++)
		own[i] = assess_key(a, incident->own[i]);
	err = dk_exposure_new(&c, &feed.x);
	for (uint64_t i = 0; i < a->entry.count && err == DK_OK; i++)
		err = feed_one(a, &feed, i);
	free(own);
	if (err != DK_OK)
		dk_exposure_free(feed.x);
	else
		*ret = feed.x;
	return err;
}
