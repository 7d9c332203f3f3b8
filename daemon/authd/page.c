/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PAGE, spec/profiles/ms-dke-pages.md: what an authenticator signed is verified with libfido2
 * here, before keyd, which verifies it again, has any work with it.
 */
#include "authd/authd.h"
#include "ipc/gate.h"
#include "native/code.h"

static unsigned
check_register(const struct authd *authd, const struct dk_part *body)
{
	struct dk_page_register r;
	uint8_t challenge[32];

	/* keyd says what is wrong with its layout. */
	if (dk_page_register_parse(body->data, body->len, &r) != DK_OK)
		return DK_CODE_OK;
	return dk_page_register_challenge(&r, challenge) == DK_OK &&
		authenticator_holds(&r.assertion, r.spki, authd->origin, challenge)
	    ? DK_CODE_OK
	    : DK_CODE_ENROL_CODE;
}

static unsigned
check_act(const struct authd *authd, const struct dk_part *body, const uint8_t address[16])
{
	const struct authenticator *authenticator;
	const struct known *device;
	struct dk_page_act act;
	uint8_t challenge[32];

	if (dk_page_act_parse(body->data, body->len, &act) != DK_OK)
		return DK_CODE_OK;
	authenticator = authenticators_find(&authd->authenticators, &act.credential);
	device = authenticator ? known_find(&authd->devices, authenticator->device) : NULL;
	if (!device)
		return DK_CODE_UNKNOWN_DEVICE;
	return dk_page_act_challenge(&act, device->name, address, challenge) == DK_OK &&
		authenticator_holds(&act.assertion, authenticator->spki, authd->origin, challenge)
	    ? DK_CODE_OK
	    : DK_CODE_SIGNATURE;
}

bool
authd_page(struct authd *authd, const struct ipc_message *message)
{
	unsigned code = DK_CODE_NOT_FOUND;
	struct ipc_enrol page;
	uint8_t head[2];

	if (!ipc_enrol_read(message, &page))
		return false;
	if (authd->origin[0])
		code = dk_page_is_register(page.body.data, page.body.len)
		    ? check_register(authd, &page.body)
		    : check_act(authd, &page.body, page.address);
	head[0] = (uint8_t)(code >> 8);
	head[1] = (uint8_t)code;
	const struct dk_part parts[] = { { head, sizeof(head) }, { page.address, 16 }, page.body };
	(void)ipc_send(authd->keyd, IPC_PAGE_PASSED, message->id, parts, 3);
	return true;
}

bool
authd_gate(struct authd *authd, const struct ipc_message *message)
{
	struct ipc_gate told;
	struct gates *gates;

	if (!ipc_gate_read(message, &told))
		return false;
	gates = told.session ? &authd->sessions : &authd->confirmations;
	if (told.gate.until == 0)
		gates_drop(gates, told.gate.name);
	else
		/* keyd, which decides, had room. */
		(void)gates_put(gates, &told.gate, 0, ipc_now());
	return true;
}
