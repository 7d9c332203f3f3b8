/* SPDX-License-Identifier: Apache-2.0 */
/* The log, entry by entry: spec/exposure.md section 2.3. */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "cli/assess/assess.h"

#define ERASED_CODE 65535
#define FRONT_CERTIFICATE 1 /* root of a factor, spec/profiles/ms-dke.md section 7 */

static uint32_t
minute_of(const uint8_t *leaf)
{
	uint64_t seconds = 0;

	for (unsigned i = 8; i < 16; i++)
		seconds = seconds << 8 | leaf[i];
	return seconds / ASSESS_MINUTE_S < UINT32_MAX ? (uint32_t)(seconds / ASSESS_MINUTE_S)
						      : UINT32_MAX;
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
		[DK_FACTOR_APPROVAL] = DK_BY_APPROVAL,
		[DK_FACTOR_CONFIRMATION] = DK_BY_CONFIRMATION };

	if (f->type >= sizeof(kinds) || kinds[f->type] == 0 || f->root > UINT32_MAX)
		return DK_ERR_LOG_RECORD;
	return add_factor(a, e,
	    (struct assess_factor){
		.kind = kinds[f->type], .verifier = f->verifier, .id = (uint32_t)f->root });
}

/* Of a clear release: what covers this one request is a factor, the rest a gate. */
static dk_err
add_gate(struct assess *a, struct assess_entry *e, const struct dk_log_factor *f)
{
	switch (f->type) {
	case DK_FACTOR_SESSION:
		e->gates |= ASSESS_SESSION;
		return DK_OK;
	case DK_FACTOR_APPROVAL:
		e->gates |= ASSESS_APPROVAL;
		return DK_OK;
	case DK_FACTOR_FRONT:
		if (f->root == FRONT_CERTIFICATE)
			return add_factor(a, e,
			    (struct assess_factor){ .kind = DK_BY_FRONT, .verifier = f->verifier });
		e->gates |= ASSESS_NETWORK;
		return DK_OK;
	default:
		return add_root(a, e, f);
	}
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
	    (strcmp(issuer[i].issuer, token.issuer) != 0 || strcmp(issuer[i].key, token.key) != 0 ||
		memcmp(issuer[i].thumbprint, token.thumbprint, sizeof(token.thumbprint)) != 0))
		i++;
	if (i == a->issuer.count) {
		issuer = array_add(&a->issuer, sizeof(*issuer));
		if (!issuer)
			return DK_ERR_NOMEM;
		memcpy(issuer->thumbprint, token.thumbprint, sizeof(issuer->thumbprint));
		memcpy(issuer->issuer, token.issuer, sizeof(issuer->issuer));
		memcpy(issuer->key, token.key, sizeof(issuer->key));
	}
	return add_factor(a, e,
	    (struct assess_factor){
		.kind = DK_BY_TOKEN, .verifier = DK_VERIFIER_AUTHD, .id = (uint32_t)i });
}

/* The place of 32 bytes among those of which there are few. */
static bool
place_of(struct array *few, const uint8_t bytes[32], uint32_t *ret)
{
	size_t i = 0;
	uint8_t *more;

	while (i < few->count && memcmp((uint8_t *)few->at + 32 * i, bytes, 32) != 0)
		i++;
	*ret = (uint32_t)i;
	if (i < few->count)
		return true;
	more = array_add(few, 32);
	if (more)
		memcpy(more, bytes, 32);
	return more != NULL;
}

static dk_err
add_certificate(struct assess *a, struct assess_entry *e, const struct dk_log_event *event)
{
	uint32_t ca;

	if (!place_of(&a->ca, event->certificate + 32, &ca))
		return DK_ERR_NOMEM;
	return add_factor(a, e,
	    (struct assess_factor){ .kind = DK_BY_CERT, .verifier = DK_VERIFIER_HTTPD, .id = ca });
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
	if (assess_is_document(more) && !place_of(&a->dke_key, object->key_id, &more->dke_key))
		return DK_ERR_NOMEM;
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

/* The certificate is that of a front, not of a person. */
static bool
is_of_front(const struct dk_log_event *event)
{
	for (unsigned i = 0; i < event->factor_count; i++)
		if (event->factor[i].type == DK_FACTOR_FRONT)
			return true;
	return false;
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
	e->level = e->clear ? event->level & 7U : 0;
	for (unsigned i = 0; i < event->object_count && err == DK_OK; i++)
		if (event->objects[i].code == 0)
			err = add_object(a, e, &event->objects[i]);
	for (unsigned i = 0; i < event->factor_count && err == DK_OK; i++)
		err = (e->clear ? add_gate : add_root)(a, e, &event->factor[i]);
	if (err == DK_OK && event->token_len > 0)
		err = add_token(a, e, event);
	if (err == DK_OK && event->has_certificate && !(e->clear && is_of_front(event)))
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
	made->dke = event->stanza_type == DK_LOG_TYPE_DKE;
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
	if (!event->person_erased && !event->is_person &&
	    strlen(event->user) < sizeof(device->user))
		memcpy(device->user, event->user, strlen(event->user) + 1);
	e->class =
	    event->person_erased && names_devices(a->incident) ? DK_ENTRY_CLOSED : DK_ENTRY_DEVICE;
	return DK_OK;
}

/* One that was not done, or is one too many, is as good as not known. */
static dk_err
add_policy(struct assess *a, struct assess_entry *e, const struct dk_log_event *event)
{
	struct assess_policy *policy = a->policy.at;
	size_t i = 0;

	e->class = DK_ENTRY_POLICY;
	if (!event->has_policy || event->decision != DK_LOG_DONE)
		return DK_OK;
	while (i < a->policy.count && memcmp(policy[i].digest, event->policy, 32) != 0)
		i++;
	if (i == DK_EXPOSURE_POLICIES_MAX)
		return DK_OK;
	if (i == a->policy.count) {
		policy = array_add(&a->policy, sizeof(*policy));
		if (!policy)
			return DK_ERR_NOMEM;
		memcpy(policy->digest, event->policy, sizeof(policy->digest));
	}
	e->root = (uint32_t)i + 1;
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
	case DK_LOG_POLICY:
		return add_policy(a, e, event);
	case DK_LOG_RESTORED:
		e->class = DK_ENTRY_POLICY;
		return DK_OK;
	case DK_LOG_STARTED:
		e->class = DK_ENTRY_CONFIG;
		return DK_OK;
	case DK_LOG_CONFIRMED:
		e->class = DK_ENTRY_CONFIRMATION;
		return root_of(event, DK_FACTOR_DEVICE, &e->root) ? DK_OK : DK_ERR_LOG_RECORD;
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

	if (a->entry.count % ASSESS_MARK_ENTRIES == 0) {
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
