/* SPDX-License-Identifier: Apache-2.0 */
/* Lists and acts of the customer's pages, spec/profiles/ms-dke-pages.md sections 4 and 5. */
#include <stdlib.h>
#include <string.h>

#include "ipc/gate.h"
#include "keyd/keyd.h"
#include "native/presence.h"

#define LIST_AGE_MAX_S 120
#define LIST_MAX_BYTES                                                                             \
	(4 + 1 + DK_USER_MAX_BYTES + 8 + 1 +                                                       \
	    WAITING_PERSON_MAX * (32 + 8 + 2 + DK_LOG_NAME_MAX_BYTES))

/* An act whose record is on its way. */
struct page_act {
	uint64_t id;
	enum dk_page_what what;
	bool native;
	char person[DK_LOG_PERSON_MAX_BYTES + 1];
	uint8_t document[32];
	uint8_t address[16];
	uint8_t device[32];
};

static unsigned
check(struct keyd *keyd, const struct dk_page_act *act, const uint8_t address[16],
    struct device **ret_device)
{
	const uint64_t now = ipc_now();
	const uint64_t age_max = act->what == DK_PAGE_LIST ? LIST_AGE_MAX_S : DK_REQUEST_AGE_MAX_S;
	struct device *device = state_authenticator(&keyd->state, &act->credential);
	static const uint8_t nowhere[16];
	uint8_t challenge[32];

	if (!device)
		return DK_CODE_UNKNOWN_DEVICE;
	/* An address that httpd cannot tell is one for many. */
	if (memcmp(address, nowhere, sizeof(nowhere)) == 0)
		return DK_CODE_POLICY;
	if (keyd_device_pkey(keyd, device) != DK_OK ||
	    dk_page_act_challenge(act, device->user, address, challenge) != DK_OK)
		return DK_CODE_INTERNAL;
	if (dk_assertion_check(&act->assertion, device->pkey, keyd->gates.origin, challenge) !=
	    DK_OK)
		return DK_CODE_SIGNATURE;
	if (device->state != DEVICE_ACTIVE)
		return device->state == DEVICE_WAITS ? DK_CODE_APPROVAL_REQUIRED
						     : DK_CODE_DEVICE_REVOKED;
	if (act->time > now + DK_REQUEST_AHEAD_MAX_S ||
	    (now > age_max && act->time < now - age_max))
		return DK_CODE_CLOCK;
	*ret_device = device;
	return keyd->state.frozen && act->what != DK_PAGE_LIST ? DK_CODE_FROZEN : DK_CODE_OK;
}

static void
list(struct keyd *keyd, uint64_t id, const struct device *device, const uint8_t address[16])
{
	static const uint8_t no_document[32];
	const struct waiting *waiting[WAITING_PERSON_MAX];
	uint8_t name[32], answer[LIST_MAX_BYTES];
	const uint64_t now = ipc_now();
	const struct gate *session;
	struct dk_writer_buf wr;
	unsigned n;

	gate_name(no_document, device->user, name);
	session = gates_find(&keyd->gates.sessions, name, address, now);
	n = keyd_gates_waiting(&keyd->gates, device->user, address, now, waiting);
	dk_wr_init(&wr, answer, sizeof(answer));
	dk_wr_bytes(&wr, "DKL2", 4);
	dk_wr_u8(&wr, (uint8_t)strlen(device->user));
	dk_wr_bytes(&wr, device->user, strlen(device->user));
	dk_wr_u64(&wr, session ? session->until : 0);
	dk_wr_u8(&wr, (uint8_t)n);
	for (unsigned i = 0; i < n; i++) {
		dk_wr_bytes(&wr, waiting[i]->document, sizeof(waiting[i]->document));
		dk_wr_u64(&wr, waiting[i]->time);
		dk_wr_u8(&wr, waiting[i]->approvals ? 2 : 1);
		dk_wr_u8(&wr, (uint8_t)strlen(waiting[i]->key));
		dk_wr_bytes(&wr, waiting[i]->key, strlen(waiting[i]->key));
	}
	keyd_result(keyd, id, DK_CODE_OK, answer, wr.len);
}

/* It may have been revoked while its record was on the way. */
static unsigned
take_hold(struct keyd *keyd, const struct page_act *a, uint64_t index, uint64_t *ret_until)
{
	const uint64_t now = ipc_now();
	struct ipc_gate told = { .session = a->what != DK_PAGE_CONFIRM,
		.gate = { .index = index } };
	struct gates *gates = told.session ? &keyd->gates.sessions : &keyd->gates.confirmations;

	const struct device *device = state_device(&keyd->state, a->device);

	if (!device || device->state != DEVICE_ACTIVE)
		return DK_CODE_DEVICE_REVOKED;
	gate_name(a->document, a->person, told.gate.name);
	memcpy(told.gate.address, a->address, sizeof(a->address));
	memcpy(told.gate.device, a->device, sizeof(a->device));
	if (a->what == DK_PAGE_SESSION_CLOSE)
		gates_drop(gates, told.gate.name);
	else
		told.gate.until =
		    now + (told.session ? keyd->gates.session_s : GATE_CONFIRMATION_S);
	if (told.gate.until != 0 && !gates_put(gates, &told.gate, GATES_DEVICE_MAX, now))
		return DK_CODE_BUSY;
	keyd_tell_gate(keyd, &told);
	*ret_until = told.gate.until != 0 ? told.gate.until : now;
	return DK_CODE_OK;
}

static size_t
write_answer(const struct page_act *a, uint64_t index, uint64_t until, uint8_t *ret_bytes)
{
	struct dk_presence_answer answer = { index, until, { 0 }, "" };
	struct dk_writer_buf wr;

	if (a->native) {
		memcpy(answer.address, a->address, sizeof(answer.address));
		memcpy(answer.person, a->person, sizeof(answer.person));
		return dk_presence_answer_write(&answer, ret_bytes);
	}
	dk_wr_init(&wr, ret_bytes, DK_PRESENCE_ANSWER_MAX_BYTES);
	dk_wr_bytes(&wr, "DKG2", 4);
	dk_wr_u64(&wr, index);
	dk_wr_u64(&wr, until);
	return wr.len;
}

static void
logged(struct keyd *keyd, unsigned code, const struct dk_receipt *receipt, void *ctx)
{
	struct page_act *a = ctx;
	uint8_t answer[DK_PRESENCE_ANSWER_MAX_BYTES];
	uint64_t until = 0;

	if (code == DK_CODE_OK)
		code = take_hold(keyd, a, receipt->index, &until);
	keyd_result(keyd, a->id, code, answer,
	    code == DK_CODE_OK ? write_answer(a, receipt->index, until, answer) : 0);
	free(a);
}

static void
record(struct keyd *keyd, struct page_act *a, const struct keyd_gate_act *act,
    const struct device *device)
{
	const struct keyd_nonce terms = {
		.created = act->time, .device = device->id, .nonce = act->nonce
	};
	const bool confirm = act->what == DK_PAGE_CONFIRM;
	struct dk_log_event event;

	keyd_event(&event, confirm ? DK_LOG_CONFIRMED : DK_LOG_SESSION,
	    act->native ? DK_LOG_NATIVE : DK_LOG_DKE, DK_CODE_OK);
	keyd_event_device(&event, device);
	memcpy(event.user, a->person, sizeof(a->person));
	event.is_person = true;
	memcpy(event.address, a->address, sizeof(event.address));
	event.has_address = true;
	keyd_add_factor(&event, DK_FACTOR_DEVICE, IPC_KEYD, device->index);
	if (confirm) {
		memcpy(event.request, act->document, sizeof(event.request));
		event.has_request = true;
	} else {
		const char *note = act->what == DK_PAGE_SESSION_OPEN ? "opened" : "closed";

		memcpy(event.note, note, strlen(note) + 1);
	}
	keyd_log(keyd, &event, &terms, logged, a);
}

/* Before its record, else a release that rests on it could stand behind that; and behind it
 * again, for one whose opening was on its way. */
static void
close_session(struct keyd *keyd, const char *person)
{
	static const uint8_t no_document[32];
	struct ipc_gate told = { .session = true };

	gate_name(no_document, person, told.gate.name);
	gates_drop(&keyd->gates.sessions, told.gate.name);
	keyd_tell_gate(keyd, &told);
}

void
keyd_gate_act(
    struct keyd *keyd, uint64_t id, const struct keyd_gate_act *act, const struct device *device)
{
	struct page_act *a = calloc(1, sizeof(*a));

	if (!a) {
		keyd_result(keyd, id, DK_CODE_BUSY, NULL, 0);
		return;
	}
	a->id = id;
	a->what = act->what;
	a->native = act->native;
	memcpy(a->person, act->person, sizeof(a->person));
	memcpy(a->document, act->document, sizeof(a->document));
	memcpy(a->address, act->address, sizeof(a->address));
	memcpy(a->device, device->id, sizeof(a->device));
	if (a->what == DK_PAGE_SESSION_CLOSE)
		close_session(keyd, act->person);
	record(keyd, a, act, device);
}

static void
carry_out(struct keyd *keyd, uint64_t id, const struct dk_page_act *act,
    const struct device *device, const uint8_t address[16])
{
	struct keyd_gate_act made = {
		.what = act->what,
		.time = act->time,
		.nonce = act->nonce,
		.document = act->document,
		.address = address,
	};

	memcpy(made.person, device->user, sizeof(device->user));
	keyd_gate_act(keyd, id, &made, device);
}

bool
keyd_on_page(struct keyd *keyd, const struct ipc_message *message)
{
	struct device *device = NULL;
	struct ipc_page_passed page;
	struct dk_page_act act;
	unsigned code;

	if (!ipc_page_passed_read(message, &page))
		return false;
	code = page.code;
	if (code == DK_CODE_OK && !keyd->gates.origin[0])
		code = DK_CODE_NOT_FOUND;
	if (code == DK_CODE_OK && dk_page_is_register(page.body.data, page.body.len)) {
		keyd_on_registration(keyd, message, &page);
		return true;
	}
	if (code == DK_CODE_OK && dk_page_act_parse(page.body.data, page.body.len, &act) != DK_OK)
		code = DK_CODE_MALFORMED_REQUEST;
	if (code == DK_CODE_OK)
		code = check(keyd, &act, page.address, &device);
	if (code != DK_CODE_OK)
		keyd_result(keyd, message->id, code, NULL, 0);
	else if (act.what == DK_PAGE_LIST)
		list(keyd, message->id, device, page.address);
	else
		carry_out(keyd, message->id, &act, device, page.address);
	return true;
}
