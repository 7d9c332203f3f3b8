/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Approvals that stand, spec/profiles/ms-dke.md section 7.3: what approvers are asked for, and
 * whether those that authd names are there.
 */
#include "keyd/standing.h"

#include <stdlib.h>
#include <string.h>

#define LIST_MAX_BYTES                                                                             \
	(DK_STANDING_LIST_HEAD_BYTES + DK_STANDING_ASKED_MAX * DK_STANDING_ASKED_MAX_BYTES)
_Static_assert(2 + LIST_MAX_BYTES <= IPC_RESULT_MAX_BYTES, "what is asked for is one answer");

/* ---- approvals that are there ---- */

void
standing_name(enum dk_scope scope, const uint8_t *document, const char *key, const char *person,
    uint8_t ret[32])
{
	if (dk_standing_name(scope, document, key, person, ret) != DK_OK)
		say_fatal("libcrypto does not do what it must");
}

void
standing_person(const char *person, uint8_t ret[32])
{
	const struct dk_part part = { person, strlen(person) };

	if (dk_sha256(&part, 1, ret) != DK_OK)
		say_fatal("libcrypto does not do what it must");
}

const char *
standing_user(struct keyd *keyd, const struct approved *a, uint64_t now)
{
	const struct device *device = state_device(&keyd->state, a->device);

	return device && device->state == DEVICE_ACTIVE && a->until > now ? device->user : NULL;
}

unsigned
standing_count(struct keyd *keyd, const uint8_t name[32], const char *person, const char *user,
    uint64_t now, bool *ret_mine)
{
	unsigned n, counted = 0;
	const struct approved *a = approved_of(&keyd->state.approved, name, &n);

	for (unsigned i = 0; i < n; i++) {
		const char *by = standing_user(keyd, &a[i], now);

		if (!by || ipc_dke_is_person(keyd->gates.domain, by, person))
			continue;
		counted++;
		*ret_mine = *ret_mine || strcmp(by, user) == 0;
	}
	return counted < UINT8_MAX ? counted : UINT8_MAX;
}

void
standing_drop(struct keyd *keyd, unsigned i)
{
	const struct approved gone = keyd->state.approved.item[i];

	approved_drop(&keyd->state.approved, gone.name, gone.index);
	keyd_tell_approved(keyd, &gone, false);
}

void
keyd_standing_forget(struct keyd *keyd, const char *person, uint64_t before)
{
	uint8_t digest[32];

	standing_person(person, digest);
	asked_forget(&keyd->asked, person, before);
	for (unsigned i = keyd->state.approved.count; i-- > 0;) {
		const struct approved *a = &keyd->state.approved.item[i];

		if (memcmp(a->person, digest, sizeof(digest)) == 0 &&
		    (before == 0 || a->time < before))
			standing_drop(keyd, i);
	}
}

/* ---- what authd says that holds ---- */

struct counted {
	uint8_t name[32];
	unsigned count, needed;
	const char *user[DK_LOG_FACTORS_MAX];
};

static const struct approved *
find(struct keyd *keyd, const uint8_t name[32], uint64_t index)
{
	unsigned n;
	const struct approved *a = approved_of(&keyd->state.approved, name, &n);

	for (unsigned i = 0; i < n; i++)
		if (a[i].index == index)
			return &a[i];
	return NULL;
}

static bool
add(struct keyd *keyd, struct counted *c, uint64_t root, const char *person)
{
	const struct approved *a = find(keyd, c->name, root);
	const char *user = a ? standing_user(keyd, a, ipc_now()) : NULL;

	if (!user || ipc_dke_is_person(keyd->gates.domain, user, person))
		return false;
	for (unsigned i = 0; i < c->count; i++)
		if (strcmp(c->user[i], user) == 0)
			return false;
	c->user[c->count++] = user;
	if (a->needed > c->needed)
		c->needed = a->needed;
	return true;
}

bool
keyd_standing_hold(struct keyd *keyd, const struct dk_log_factor *factor, unsigned n,
    const char *person, const uint8_t document[32], const char *key)
{
	struct counted document_c = { .count = 0 }, key_c = { .count = 0 };

	standing_name(DK_SCOPE_DOCUMENT, document, key, person, document_c.name);
	standing_name(DK_SCOPE_KEY, document, key, person, key_c.name);
	for (unsigned i = 0; i < n; i++)
		if (factor[i].type == DK_FACTOR_APPROVAL &&
		    !add(keyd, &document_c, factor[i].root, person) &&
		    !add(keyd, &key_c, factor[i].root, person))
			return false;
	/* Of both scopes, one user would count twice. */
	return (document_c.count == 0 || key_c.count == 0) &&
	    document_c.count >= document_c.needed && key_c.count >= key_c.needed;
}

/* ---- what is asked for ---- */

static bool
rule_of(const struct ipc_approve_passed *passed, const char *title, struct ipc_approver_rule *ret)
{
	struct dk_reader_buf rules = passed->rules;

	for (unsigned i = 0; i < passed->rule_count; i++)
		if (ipc_approver_rule_next(&rules, ret) && ret->title_len == strlen(title) &&
		    memcmp(ret->title, title, ret->title_len) == 0)
			return true;
	return false;
}

/* Of the two scopes, that with more. */
static void
fill_standing(struct keyd *keyd, const struct asked_item *asked, const char *user, uint64_t now,
    struct dk_standing_asked *one)
{
	static const enum dk_scope scopes[] = { DK_SCOPE_DOCUMENT, DK_SCOPE_KEY };

	for (unsigned i = 0; i < 2; i++) {
		uint8_t name[32];
		unsigned n;

		if (!(one->scopes & scopes[i]))
			continue;
		standing_name(scopes[i], asked->document, asked->key, asked->person, name);
		n = standing_count(keyd, name, asked->person, user, now, &one->mine);
		if (n > one->standing)
			one->standing = n;
	}
}

/* False: not for this user, or all of it is there. */
static bool
describe(struct keyd *keyd, const struct ipc_approve_passed *passed, const struct asked_item *asked,
    const char *user, struct dk_standing_asked *ret)
{
	const uint64_t now = ipc_now();
	struct ipc_approver_rule rule;

	if (asked->time + ASKED_S <= now ||
	    ipc_dke_is_person(keyd->gates.domain, user, asked->person) ||
	    !rule_of(passed, asked->rule, &rule))
		return false;
	*ret = (struct dk_standing_asked){ .scopes = rule.scopes,
		.time = asked->time,
		.needed = rule.needed,
		.hours = rule.hours };
	memcpy(ret->document, asked->document, sizeof(ret->document));
	memcpy(ret->person, asked->person, sizeof(ret->person));
	memcpy(ret->key, asked->key, sizeof(ret->key));
	memcpy(ret->rule, asked->rule, sizeof(ret->rule));
	fill_standing(keyd, asked, user, now, ret);
	return ret->standing < ret->needed;
}

void
standing_list(
    struct keyd *keyd, uint64_t id, const struct ipc_approve_passed *passed, const char *user)
{
	uint8_t *bytes = malloc(LIST_MAX_BYTES);
	struct dk_standing_asked one;
	struct dk_writer_buf wr;
	unsigned n = 0;

	if (!bytes) {
		keyd_result(keyd, id, DK_CODE_BUSY, NULL, 0);
		return;
	}
	dk_wr_init(&wr, bytes, LIST_MAX_BYTES);
	dk_wr_bytes(&wr, "DKN2", 4);
	dk_wr_u16(&wr, 0);
	for (unsigned i = keyd->asked.count; i-- > 0 && n < DK_STANDING_ASKED_MAX;)
		if (describe(keyd, passed, &keyd->asked.item[i], user, &one)) {
			dk_standing_asked_write(&wr, &one);
			n++;
		}
	bytes[4] = (uint8_t)(n >> 8);
	bytes[5] = (uint8_t)n;
	keyd_result(
	    keyd, id, wr.failed ? DK_CODE_INTERNAL : DK_CODE_OK, bytes, wr.failed ? 0 : wr.len);
	free(bytes);
}
