/* SPDX-License-Identifier: Apache-2.0 */
/* The log, entry by entry: spec/exposure.md section 2.3. */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "assess.h"

#define MINUTE_S 60
#define ERASED_CODE 65535
#define MARK_ENTRIES 256

static uint32_t
minute_of(const uint8_t *leaf)
{
	uint64_t seconds = 0;

	for (unsigned i = 8; i < 16; i++)
		seconds = seconds << 8 | leaf[i];
	return seconds / MINUTE_S < UINT32_MAX ? (uint32_t)(seconds / MINUTE_S) : UINT32_MAX;
}

static dk_err
add_factor(struct assess *a, struct assess_entry *e, struct assess_factor factor)
{
	struct assess_factor *f = array_add(&a->factor, sizeof(*f));

	if (!f)
		return DK_ERR_NOMEM;
	*f = factor;
	e->factors++;
	return DK_OK;
}

static dk_err
add_root(struct assess *a, struct assess_entry *e, const struct dk_log_factor *f)
{
	static const uint8_t kinds[] = { [DK_FACTOR_DEVICE] = DK_BY_DEVICE,
		[DK_FACTOR_LOCAL] = DK_BY_ADMIN,
		[DK_FACTOR_APPROVAL] = DK_BY_APPROVAL };

	/* What these rest on, no incident file says: they keep nobody out. */
	if (f->type == DK_FACTOR_CONFIRMATION || f->type == DK_FACTOR_SESSION ||
	    f->type == DK_FACTOR_FRONT)
		return DK_OK;
	if (f->type >= sizeof(kinds) || kinds[f->type] == 0 || f->root > UINT32_MAX)
		return DK_ERR_LOG_RECORD;
	return add_factor(a, e,
	    (struct assess_factor){
		.kind = kinds[f->type], .verifier = f->verifier, .id = (uint32_t)f->root });
}

/* Issuers' keys are few. */
static dk_err
add_token(struct assess *a, struct assess_entry *e, const struct dk_log_event *event)
{
	struct dk_log_token token;
	struct assess_issuer *issuer = a->issuer.at;
	size_t i = 0;

	if (!dk_log_token_parse(event->token, event->token_len, &token))
		return DK_ERR_LOG_RECORD;
	while (i < a->issuer.count &&
	    (strcmp(issuer[i].issuer, token.issuer) != 0 || strcmp(issuer[i].key, token.key) != 0))
		i++;
	if (i == a->issuer.count) {
		issuer = array_add(&a->issuer, sizeof(*issuer));
		if (!issuer)
			return DK_ERR_NOMEM;
		memcpy(issuer->issuer, token.issuer, sizeof(issuer->issuer));
		memcpy(issuer->key, token.key, sizeof(issuer->key));
	}
	return add_factor(a, e,
	    (struct assess_factor){
		.kind = DK_BY_TOKEN, .verifier = DK_VERIFIER_AUTHD, .id = (uint32_t)i });
}

static dk_err
add_certificate(struct assess *a, struct assess_entry *e, const struct dk_log_event *event)
{
	const uint8_t *ca = event->certificate + 32;
	size_t i = 0;
	uint8_t *more;

	while (i < a->ca.count && memcmp((uint8_t *)a->ca.at + 32 * i, ca, 32) != 0)
		i++;
	if (i == a->ca.count) {
		more = array_add(&a->ca, 32);
		if (!more)
			return DK_ERR_NOMEM;
		memcpy(more, ca, 32);
	}
	return add_factor(a, e,
	    (struct assess_factor){
		.kind = DK_BY_CERT, .verifier = DK_VERIFIER_HTTPD, .id = (uint32_t)i });
}

static dk_err
add_item(struct assess *a, struct assess_entry *e, uint32_t item)
{
	uint32_t *at = array_add(&a->item, sizeof(*at));

	if (!at)
		return DK_ERR_NOMEM;
	*at = item;
	e->items++;
	return DK_OK;
}

/* An object that the catalogue does not have is added each time; numbers come later. */
static dk_err
add_object(struct assess *a, struct assess_entry *e, const struct dk_log_object *object)
{
	struct assess_digest *more;
	uint32_t at;

	if (assess_digest(a, a->catalogued, object->core_digest, &at))
		return add_item(a, e, at);
	if (a->digest.count >= UINT32_MAX)
		return DK_ERR_NOMEM;
	more = array_add(&a->digest, sizeof(*more));
	if (!more)
		return DK_ERR_NOMEM;
	memcpy(more->digest, object->core_digest, sizeof(more->digest));
	memcpy(more->object_id, object->object_id, sizeof(more->object_id));
	return add_item(a, e, (uint32_t)(a->digest.count - 1));
}

struct known_user {
	const char *name;
	uint32_t at;
	char text[];
};

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct known_user *)a)->name, ((const struct known_user *)b)->name);
}

static dk_err
add_user(struct assess *a, struct assess_entry *e, const char *name)
{
	const struct known_user key = { .name = name };
	struct known_user **found = tfind(&key, &a->users, by_name);
	size_t len = strlen(name) + 1;
	struct known_user *known;
	struct assess_user *user;

	if (!found) {
		known = calloc(1, sizeof(*known) + len);
		user = array_add(&a->user, sizeof(*user));
		if (known) {
			memcpy(known->text, name, len);
			known->name = known->text;
			known->at = (uint32_t)(a->user.count - 1);
			found = tsearch(known, &a->users, by_name);
		}
		if (!found || !user) {
			if (!found)
				free(known);
			return DK_ERR_NOMEM;
		}
		memcpy(user->name, name, len);
	}
	e->root = (*found)->at;
	return DK_OK;
}

static dk_err
add_release(struct assess *a, struct assess_entry *e, const struct dk_log_event *event)
{
	dk_err err = add_user(a, e, event->person_erased ? "" : event->user);

	for (unsigned i = 0; i < event->object_count; i++) {
		if (event->objects[i].code == ERASED_CODE) {
			e->class = DK_ENTRY_CLOSED;
			return DK_OK;
		}
	}
	e->class = DK_ENTRY_RELEASE;
	e->clear = event->front == DK_LOG_DKE;
	for (unsigned i = 0; i < event->object_count && err == DK_OK; i++)
		if (event->objects[i].code == 0)
			err = add_object(a, e, &event->objects[i]);
	for (unsigned i = 0; i < event->factor_count && err == DK_OK; i++)
		err = add_root(a, e, &event->factor[i]);
	if (err == DK_OK && event->token_len > 0)
		err = add_token(a, e, event);
	if (err == DK_OK && event->has_certificate)
		err = add_certificate(a, e, event);
	if (err == DK_OK && e->factors == 0)
		e->class = DK_ENTRY_CLOSED;
	return err;
}

static dk_err
add_made(struct assess *a, struct assess_entry *e, const struct dk_log_event *event)
{
	struct assess_made *made = array_add(&a->made, sizeof(*made));

	if (!made)
		return DK_ERR_NOMEM;
	if (!event->has_key_id)
		return DK_ERR_LOG_RECORD;
	e->class = DK_ENTRY_KEY;
	memcpy(made->key_id, event->key_id, sizeof(made->key_id));
	memcpy(made->recovery, event->recovery, sizeof(made->recovery));
	memcpy(made->name, event->key_name, sizeof(made->name));
	made->has_recovery = event->has_recovery;
	made->version = event->key_version;
	return add_item(a, e, (uint32_t)(a->made.count - 1));
}

/* The root of the first factor of this type. */
static bool
root_of(const struct dk_log_event *event, unsigned type, uint32_t *ret)
{
	for (unsigned i = 0; i < event->factor_count; i++) {
		if (event->factor[i].type == type && event->factor[i].root <= UINT32_MAX) {
			*ret = (uint32_t)event->factor[i].root;
			return true;
		}
	}
	return false;
}

static bool
names_devices(const struct incident *incident)
{
	for (size_t i = 0; i < incident->item_count; i++)
		if (incident->item[i].what == INCIDENT_DEVICE && !incident->item[i].has_index)
			return true;
	return false;
}

static dk_err
add_device(
    struct assess *a, struct assess_entry *e, uint64_t index, const struct dk_log_event *event)
{
	struct assess_device *device = array_add(&a->device, sizeof(*device));

	if (!device)
		return DK_ERR_NOMEM;
	if (!root_of(event, DK_FACTOR_CODE, &e->root))
		return DK_ERR_LOG_RECORD;
	device->index = index;
	device->erased = event->person_erased;
	memcpy(device->id, event->device, sizeof(device->id));
	memcpy(device->name, event->device_name, sizeof(device->name));
	e->class =
	    event->person_erased && names_devices(a->incident) ? DK_ENTRY_CLOSED : DK_ENTRY_DEVICE;
	return DK_OK;
}

static dk_err
add_event(
    struct assess *a, struct assess_entry *e, uint64_t index, const struct dk_log_event *event)
{
	/* A record without a mode is not taken for the better one. */
	e->prompt = event->mode != DK_LOG_STRICT &&
	    (event->class_ == DK_LOG_RELEASE || event->class_ == DK_LOG_STARTED);
	switch (event->class_) {
	case DK_LOG_BEGUN:
		e->class = DK_ENTRY_BEGUN;
		return DK_OK;
	case DK_LOG_RELEASE:
		return add_release(a, e, event);
	case DK_LOG_KEY_CREATED:
		return add_made(a, e, event);
	case DK_LOG_CODE_MADE:
		e->class = DK_ENTRY_CODE;
		return root_of(event, DK_FACTOR_LOCAL, &e->root) ? DK_OK : DK_ERR_LOG_RECORD;
	case DK_LOG_DEVICE_ENROLLED:
		return add_device(a, e, index, event);
	case DK_LOG_STARTED:
		e->class = DK_ENTRY_CONFIG;
		return DK_OK;
	default:
		return DK_OK;
	}
}

dk_err
assess_read_entry(
    void *ctx, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES], const struct dk_log_event *event)
{
	struct assess *a = ctx;
	struct assess_entry e = { .minute = minute_of(leaf) };
	struct assess_entry *at;
	struct assess_mark *mark;
	dk_err err = DK_OK;

	if (a->entry.count % MARK_ENTRIES == 0) {
		mark = array_add(&a->mark, sizeof(*mark));
		if (!mark)
			return DK_ERR_NOMEM;
		*mark = (struct assess_mark){ a->item.count, a->factor.count };
	}

	if (event)
		err = add_event(a, &e, index, event);
	else
		e.class = DK_ENTRY_CLOSED;
	if (err != DK_OK)
		return err;
	at = array_add(&a->entry, sizeof(*at));
	if (!at)
		return DK_ERR_NOMEM;
	*at = e;
	return DK_OK;
}

/* ---- times ---- */

/* The first cosigned tree with this entry, or behind all. */
static size_t
time_of(const struct assess *a, uint64_t index)
{
	const struct log_time *time = a->time.at;
	size_t low = 0, high = a->time.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (time[middle].size > index)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct assess_when
assess_when(const struct assess *a, uint64_t index)
{
	const struct assess_entry *e = (struct assess_entry *)a->entry.at + index;
	const struct log_time *time = a->time.at;
	bool witnessed = a->time.count > 0;
	uint64_t start = (uint64_t)(witnessed ? e->early : e->minute) * MINUTE_S;

	return (struct assess_when){ .after = start > 0 ? start - 1 : 0,
		.before = witnessed ? time[time_of(a, index)].high
				    : (uint64_t)e->minute * MINUTE_S + MINUTE_S - 1 };
}

/* The newest low of a tree and those before it, the earliest high of it and those behind it:
 * neither goes back. */
static void
settle(struct log_time *time, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (time[i].high >= DK_EXPOSURE_NEVER)
			time[i].high = DK_EXPOSURE_NEVER - 1;
		if (time[i].high == 0)
			time[i].high = 1;
		if (i > 0 && time[i].low < time[i - 1].low)
			time[i].low = time[i - 1].low;
	}
	for (size_t i = count; i-- > 1;)
		if (time[i - 1].high > time[i].high)
			time[i - 1].high = time[i].high;
}

/* From the last entry to the first, so that what is early for one is for those before it. */
dk_err
assess_times(struct assess *a, const struct log_points *points)
{
	struct assess_entry *entry = a->entry.at;
	size_t at = points->time_count;
	uint32_t least = UINT32_MAX;
	struct log_time *time;

	for (size_t i = 0; i < points->time_count; i++) {
		time = array_add(&a->time, sizeof(*time));
		if (!time)
			return DK_ERR_NOMEM;
		*time = points->time[i];
	}
	time = a->time.at;
	if (a->time.count > 0)
		settle(time, a->time.count);
	for (size_t i = a->time.count > 0 ? a->entry.count : 0; i-- > 0;) {
		uint64_t minute = entry[i].minute;

		while (at > 0 && time[at - 1].size > i)
			at--;
		if (at > 0 && (time[at - 1].low + 1) / MINUTE_S < minute)
			minute = (time[at - 1].low + 1) / MINUTE_S;
		if (minute * MINUTE_S > time[at].high) /* some clock was wrong */
			minute = 0;
		if (minute < least)
			least = (uint32_t)minute;
		entry[i].early = least;
	}
	return DK_OK;
}

/* ---- into the engine ---- */

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
	struct assess_mark at = ((struct assess_mark *)a->mark.at)[index / MARK_ENTRIES];

	for (uint64_t i = index - index % MARK_ENTRIES; i < index; i++) {
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
