/* SPDX-License-Identifier: Apache-2.0 */
/* Approvals as acts of their approvers, spec/key-service.md section 6.2. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keyd/standing.h"

#define HOUR_S 3600

/* A request, until it is answered. */
struct approval {
	uint64_t id;
	unsigned judged; /* by authd */
	struct dk_request_signature sig;
	size_t body_len;
	uint8_t body[DK_STANDING_BODY_MAX_BYTES];
	/* of one that is recorded */
	struct approved made;
	struct dk_standing terms;
	struct dk_standing_answer answer;
};

static void
end(struct keyd *keyd, struct approval *a, unsigned code)
{
	uint8_t bytes[DK_STANDING_ANSWER_BYTES];
	struct dk_writer_buf wr;

	dk_wr_init(&wr, bytes, sizeof(bytes));
	dk_standing_answer_write(&wr, &a->answer);
	keyd_result(keyd, a->id, code, bytes, code == DK_CODE_OK ? wr.len : 0);
	keyd_act_end(keyd);
	free(a);
}

/* What stands no longer. */
static void
prune(struct keyd *keyd)
{
	const struct approved_list *list = &keyd->state.approved;
	const uint64_t now = ipc_now();

	for (unsigned i = list->count; i-- > 0;)
		if (!standing_user(keyd, &list->item[i], now))
			standing_drop(keyd, i);
}

/* Of this user the one before, of this device the oldest where there are too many. */
static void
replace(struct keyd *keyd, const struct approved *made, const char *user)
{
	const struct approved_list *list = &keyd->state.approved;
	unsigned of_device = 0, oldest = 0;

	for (unsigned i = list->count; i-- > 0;) {
		const char *by = standing_user(keyd, &list->item[i], made->time);

		if (by && memcmp(list->item[i].name, made->name, sizeof(made->name)) == 0 &&
		    strcmp(by, user) == 0)
			standing_drop(keyd, i);
	}
	for (unsigned i = 0; i < list->count; i++)
		if (memcmp(list->item[i].device, made->device, sizeof(made->device)) == 0 &&
		    (of_device++ == 0 || list->item[i].index < list->item[oldest].index))
			oldest = i;
	if (of_device >= APPROVED_DEVICE_MAX)
		standing_drop(keyd, oldest);
	approved_put(&keyd->state.approved, made);
}

static void
committed(struct keyd *keyd, bool ok, void *ctx)
{
	struct approval *a = ctx;

	if (ok)
		keyd_tell_approved(keyd, &a->made, true);
	end(keyd, a, ok ? DK_CODE_OK : DK_CODE_UNAVAILABLE);
}

/* Its device is there still: nothing else ran in between (I4). */
static void
take_hold(struct keyd *keyd, struct approval *a, const struct dk_receipt *receipt)
{
	const struct device *device = state_device(&keyd->state, a->made.device);
	bool mine = false;

	a->made.index = receipt->index;
	replace(keyd, &a->made, device ? device->user : "");
	a->answer = (struct dk_standing_answer){ .index = receipt->index,
		.until = a->made.until,
		.standing =
		    standing_count(keyd, a->made.name, a->terms.person, "", a->made.time, &mine) };
	keyd_commit(keyd, receipt->index, receipt->leaf, committed, a);
}

static void attempt(struct keyd *keyd, void *ctx);

static void
logged(struct keyd *keyd, unsigned code, const struct dk_receipt *receipt, void *ctx)
{
	struct approval *a = ctx;

	if (code == IPC_CODE_STALE)
		keyd_share_wait(keyd, attempt, a);
	else if (code != DK_CODE_OK)
		end(keyd, a, code);
	else
		take_hold(keyd, a, receipt);
}

static void
record(struct keyd *keyd, struct approval *a, const struct device *device, const char *key)
{
	const struct keyd_nonce terms = { .generation = keyd->state.generation,
		.created = a->sig.created,
		.device = device->id,
		.nonce = a->sig.nonce };
	const struct dk_standing *s = &a->terms;
	struct dk_log_event event;

	keyd_event(&event, DK_LOG_DOCUMENT_APPROVED, DK_LOG_DKE, DK_CODE_OK);
	event.generation = keyd->state.generation + 1;
	event.is_person = true;
	memcpy(event.user, s->person, sizeof(s->person));
	memcpy(event.key_name, key, strlen(key) + 1);
	memcpy(event.rule, s->rule, sizeof(s->rule));
	memcpy(event.policy, keyd->policy, sizeof(event.policy));
	event.has_policy = true;
	event.has_request = s->scope == DK_SCOPE_DOCUMENT;
	memcpy(event.request, s->document, sizeof(event.request));
	(void)snprintf(event.note, sizeof(event.note), "%u approval%s, %u hour%s%s%s", s->needed,
	    s->needed == 1 ? "" : "s", s->hours, s->hours == 1 ? "" : "s", s->reason[0] ? ": " : "",
	    s->reason);
	keyd_add_factor(&event, DK_FACTOR_DEVICE, IPC_KEYD, device->index);
	a->made = (struct approved){ .needed = (uint8_t)s->needed,
		.time = event.time,
		.until = event.time + (uint64_t)s->hours * HOUR_S };
	standing_name(s->scope, s->document, s->key, s->person, a->made.name);
	standing_person(s->person, a->made.person);
	memcpy(a->made.device, device->id, sizeof(a->made.device));
	keyd_log(keyd, &event, &terms, logged, a);
}

static unsigned
check(
    struct keyd *keyd, struct approval *a, struct device **ret_device, struct service_key **ret_key)
{
	const struct dk_part body = { a->body, a->body_len };
	unsigned code = keyd_signed_now(keyd, &a->sig, DK_STANDING_PATH, &body, ret_device);

	if (code != DK_CODE_OK)
		return code;
	if (dk_standing_parse(a->body, a->body_len, &a->terms) != DK_OK)
		return DK_CODE_MALFORMED_REQUEST;
	if (a->judged != DK_CODE_OK ||
	    ipc_dke_is_person(keyd->gates.domain, (*ret_device)->user, a->terms.person))
		return DK_CODE_POLICY;
	*ret_key = state_key_by_dke_name(&keyd->state, a->terms.key);
	if (!*ret_key)
		return DK_CODE_UNKNOWN_KEY;
	if (keyd->state.frozen)
		return DK_CODE_FROZEN;
	prune(keyd);
	return keyd->state.approved.count < APPROVED_MAX ? DK_CODE_OK : DK_CODE_BUSY;
}

static void
attempt(struct keyd *keyd, void *ctx)
{
	struct approval *a = ctx;
	struct service_key *key = NULL;
	struct device *device = NULL;
	unsigned code = check(keyd, a, &device, &key);

	if (code != DK_CODE_OK)
		end(keyd, a, code);
	else
		record(keyd, a, device, key->name);
}

static void
take_signature(const struct ipc_release *asked, struct dk_request_signature *sig)
{
	*sig = (struct dk_request_signature){ .created = asked->created };
	memcpy(sig->nonce, asked->nonce, sizeof(sig->nonce));
	memcpy(sig->key_id, asked->key_id, sizeof(sig->key_id));
	memcpy(sig->signature, asked->signature, sizeof(sig->signature));
}

static void
begin(struct keyd *keyd, const struct ipc_message *message, const struct ipc_approve_passed *passed)
{
	struct approval *a;
	bool refused;

	if (keyd_defer(keyd, keyd->authd, message, &refused)) {
		if (refused)
			keyd_result(keyd, message->id, DK_CODE_BUSY, NULL, 0);
		return;
	}
	a = calloc(1, sizeof(*a));
	if (!a) {
		keyd_result(keyd, message->id, DK_CODE_BUSY, NULL, 0);
		return;
	}
	a->id = message->id;
	a->judged = passed->code;
	take_signature(&passed->asked, &a->sig);
	a->body_len = passed->asked.body.len;
	if (a->body_len > 0)
		memcpy(a->body, passed->asked.body.data, a->body_len);
	keyd_act_begin(keyd);
	attempt(keyd, a);
}

bool
keyd_on_approve(struct keyd *keyd, const struct ipc_message *message)
{
	struct ipc_approve_passed passed;
	struct dk_request_signature sig;
	struct device *device;
	unsigned code;

	if (!ipc_approve_passed_read(message, &passed))
		return false;
	if (!dk_standing_is_list(passed.asked.body.data, passed.asked.body.len)) {
		begin(keyd, message, &passed);
		return true;
	}
	take_signature(&passed.asked, &sig);
	code = keyd_signed_now(keyd, &sig, DK_STANDING_PATH, &passed.asked.body, &device);
	if (code != DK_CODE_OK)
		keyd_result(keyd, message->id, code, NULL, 0);
	else if (!keyd_asked_wait(keyd, message))
		standing_list(keyd, message->id, &passed, device->user);
	return true;
}
