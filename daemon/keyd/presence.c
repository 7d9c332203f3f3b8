/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions that enrolled devices open, spec/profiles/ms-dke-pages.md section 5.1. Who asks is in
 * what the device signed, and whose it is in the registry here: no other process has a word in it.
 */
#include <stdio.h>
#include <string.h>

#include "keyd/keyd.h"
#include "native/presence.h"

static bool
person_of(const struct keyd *keyd, const char *user, char ret[DK_LOG_PERSON_MAX_BYTES + 1])
{
	const char *domain = keyd->gates.domain;
	const bool whole = domain[0] == '\0' || strchr(user, '@');
	int n = snprintf(ret, DK_LOG_PERSON_MAX_BYTES + 1, "%s%s%s", user, whole ? "" : "@",
	    whole ? "" : domain);

	return n > 0 && n <= DK_LOG_PERSON_MAX_BYTES;
}

static unsigned
check(struct keyd *keyd, const struct ipc_presence *asked, struct dk_presence_request *ret_request,
    struct device **ret_device)
{
	static const uint8_t nowhere[16];
	unsigned code;
	bool looks;

	if (!keyd->gates.origin[0])
		return DK_CODE_NOT_FOUND;
	code = keyd_signed_now(keyd, &asked->sig, DK_PRESENCE_PATH, &asked->body, ret_device);
	if (code != DK_CODE_OK)
		return code;
	if (dk_presence_parse(asked->body.data, asked->body.len, ret_request) != DK_OK)
		return DK_CODE_MALFORMED_REQUEST;
	looks = ret_request->what == DK_PRESENCE_STATUS;
	/* An address that httpd cannot tell is one for many. */
	if (memcmp(asked->address, nowhere, sizeof(nowhere)) == 0 ||
	    (!looks && memcmp(asked->address, ret_request->address, sizeof(nowhere)) != 0))
		return DK_CODE_POLICY;
	return keyd->state.frozen && !looks ? DK_CODE_FROZEN : DK_CODE_OK;
}

static void
status(struct keyd *keyd, uint64_t id, const struct keyd_gate_act *act)
{
	struct dk_presence_answer answer = { .index = 0 };
	uint8_t bytes[DK_PRESENCE_ANSWER_MAX_BYTES], name[32];
	const struct gate *session;

	gate_name(act->document, act->person, name);
	session = gates_find(&keyd->gates.sessions, name, act->address, ipc_now());
	if (session) {
		answer.index = session->index;
		answer.until = session->until;
	}
	memcpy(answer.address, act->address, sizeof(answer.address));
	memcpy(answer.person, act->person, sizeof(answer.person));
	keyd_result(keyd, id, DK_CODE_OK, bytes, dk_presence_answer_write(&answer, bytes));
}

bool
keyd_on_presence(struct keyd *keyd, const struct ipc_message *message)
{
	static const uint8_t no_document[32];
	struct keyd_gate_act act = { .native = true, .document = no_document };
	struct device *device = NULL;
	struct ipc_presence asked;
	struct dk_presence_request request;
	unsigned code;

	if (!ipc_presence_read(message, &asked))
		return false;
	code = check(keyd, &asked, &request, &device);
	if (code == DK_CODE_OK && !person_of(keyd, device->user, act.person))
		code = DK_CODE_INTERNAL;
	if (code != DK_CODE_OK) {
		keyd_result(keyd, message->id, code, NULL, 0);
		return true;
	}
	act.time = asked.sig.created;
	act.nonce = asked.sig.nonce;
	act.address = asked.address;
	act.what = request.what == DK_PRESENCE_OPEN ? DK_PAGE_SESSION_OPEN : DK_PAGE_SESSION_CLOSE;
	if (request.what == DK_PRESENCE_STATUS)
		status(keyd, message->id, &act);
	else
		keyd_gate_act(keyd, message->id, &act, device);
	return true;
}
