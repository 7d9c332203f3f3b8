/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "keyd/admin.h"

/* ---- enrolment codes and devices ---- */

unsigned
check_enrol_code(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event)
{
	struct open_code *c = &act->code;
	dk_auto_enrol_keys keys = { 0 };

	if (!dk_user_name_valid(act->arg[0], strlen(act->arg[0])))
		return DK_CODE_NAME;
	state_expire_codes(&keyd->state, event->time);
	if (keyd->state.code_count == STATE_CODES_MAX)
		return DK_CODE_TOO_LARGE;
	if (dk_random(c->code.bytes, sizeof(c->code.bytes)) != DK_OK ||
	    dk_enrol_keys_derive(&c->code, &keys) != DK_OK)
		return DK_CODE_INTERNAL;
	memcpy(c->id, keys.code_id, sizeof(c->id));
	memcpy(c->user, act->arg[0], strlen(act->arg[0]) + 1);
	c->expires = event->time + STATE_CODE_LIFE_S;
	memcpy(event->user, c->user, sizeof(c->user));
	return DK_CODE_OK;
}

void
do_enrol_code(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out)
{
	char text[DK_ENROL_TEXT_BYTES];

	act->code.index = receipt->index;
	keyd->state.code[keyd->state.code_count++] = act->code;
	if (dk_enrol_text(act->code.user, &act->code.code, text) == DK_OK)
		admin_printf(out, "%s\n", text);
	dk_wipe(text, sizeof(text));
}

unsigned
check_device_revoke(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event)
{
	struct device *device;

	if (!dk_unhex(act->arg[0], act->device, sizeof(act->device)))
		return DK_CODE_ARGUMENT;
	device = state_device(&keyd->state, act->device);
	if (!device)
		return DK_CODE_UNKNOWN_DEVICE;
	keyd_event_device(event, device);
	return DK_CODE_OK;
}

void
do_device_revoke(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out)
{
	struct device *device = state_device(&keyd->state, act->device);

	(void)receipt;
	device->state = DEVICE_REVOKED;
	keyd_tell_device(keyd, device);
	admin_printf(out, "revoked %s of %s\n", device->name, device->user);
}

/* An id that is given whole: who accepts has it from whoever registered, not from a list. */
unsigned
check_device_accept(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event)
{
	unsigned code = check_device_revoke(keyd, act, event);

	if (code == DK_CODE_OK && state_device(&keyd->state, act->device)->state != DEVICE_WAITS)
		code = DK_CODE_EXISTS;
	return code;
}

void
do_device_accept(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out)
{
	struct device *device = state_device(&keyd->state, act->device);

	(void)receipt;
	device->state = DEVICE_ACTIVE;
	keyd_tell_device(keyd, device);
	admin_printf(out, "accepted %s of %s\n", device->name, device->user);
}

unsigned
admin_unknown_key(struct keyd *keyd, struct admin_act *act)
{
	const struct service_key *key = state_key_by_dke_name(&keyd->state, act->arg[0]);

	if (key && !state_key_by_name(&keyd->state, act->arg[0]))
		admin_printf(
		    &act->out, "%s is the DKE name of the key '%s'\n", key->dke_name, key->name);
	return DK_CODE_UNKNOWN_KEY;
}

/* ---- freeze ---- */

/* In a hurry a key is called what its URL calls it: its DKE name does, where it is the name
 * of no key. From here on the act has the name. */
static bool
take_frozen_name(struct keyd *keyd, struct admin_act *act)
{
	const struct service_key *key = state_key_by_name(&keyd->state, act->arg[0]);

	if (!key)
		key = state_key_by_dke_name(&keyd->state, act->arg[0]);
	if (key)
		memcpy(act->arg[0], key->name, strlen(key->name) + 1);
	return key != NULL;
}

unsigned
check_freeze(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event)
{
	const char *name = act->arg[0];

	if (name[0] != '\0' && !take_frozen_name(keyd, act))
		return DK_CODE_UNKNOWN_KEY;
	if (act->op == IPC_OP_UNFREEZE && act->arg[1][0] == '\0')
		return DK_CODE_ARGUMENT;
	if (name[0] != '\0')
		memcpy(event->key_name, name, strlen(name) + 1);
	if (act->op == IPC_OP_UNFREEZE)
		memcpy(event->note, act->arg[1], strlen(act->arg[1]) + 1);
	return DK_CODE_OK;
}

void
do_freeze(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out)
{
	struct service_key *key = state_key_by_name(&keyd->state, act->arg[0]);
	bool frozen = act->op == IPC_OP_FREEZE;

	(void)receipt;
	if (key) {
		key->frozen = frozen;
		key->canary = false;
	} else {
		keyd->state.frozen = frozen;
	}
	admin_printf(out, "%s%s%s\n", frozen ? "frozen" : "no longer frozen", key ? ": " : "",
	    key ? key->name : "");
}

/* ---- what only reads ---- */

void
admin_list_keys(struct keyd *keyd, struct admin_text *out)
{
	static const char *const states[] = { "?", "active", "disabled", "destroyed" };
	static const char *const types[] = { "?", "p256", "p384", "rsa" };
	char id[65], approvals[16];

	for (unsigned i = 0; i < keyd->state.key_count; i++) {
		const struct service_key *key = keyd->state.key[i];

		for (unsigned v = 0; v < key->version_count; v++) {
			const struct key_version *ver = &key->version[v];

			dk_hex(ver->id, sizeof(ver->id), id);
			(void)snprintf(
			    approvals, sizeof(approvals), ",approvals-%u", key->approvals);
			admin_printf(out, "%s\t%u\t%s\t%s%s%s%s%s%s%s\t%s", key->name, ver->number,
			    ver->dke ? dke_type_name(ver) : types[ver->type < 4 ? ver->type : 0],
			    states[ver->state < 4 ? ver->state : 0], key->frozen ? ",frozen" : "",
			    key->confirmation ? ",confirmation" : "",
			    key->approvals ? approvals : "", key->recovery ? ",recovery" : "",
			    ver->token ? ",hsm" : "", ver->decrypt_only ? ",decrypt-only" : "", id);
			if (ver->dke)
				admin_printf(out, "\t/%s/%s%s", key->dke_name, ver->dke_id,
				    ver == state_dke_published(key) ? "\tpublished" : "");
			admin_printf(out, "\n");
		}
	}
}

static const char *
device_state_name(const struct device *device)
{
	switch (device->state) {
	case DEVICE_ACTIVE:
		return "active";
	case DEVICE_WAITS:
		return "waits";
	default:
		return "revoked";
	}
}

void
admin_list_devices(struct keyd *keyd, struct admin_text *out)
{
	char id[65], name[4 * DK_DEVICE_NAME_MAX_BYTES + 8];

	for (unsigned i = 0; i < keyd->state.device_count; i++) {
		const struct device *d = keyd->state.device[i];

		dk_hex(d->id, sizeof(d->id), id);
		/* Whoever enrols chooses the name, and an administrator's terminal shows it. */
		(void)dk_text_show(d->name, strlen(d->name), "", name, sizeof(name));
		admin_printf(out, "%s\t%s\t%s\t%s%s\n", d->user, name, device_state_name(d), id,
		    d->credential ? "\tauthenticator" : "");
	}
}

void
admin_status(struct keyd *keyd, struct admin_text *out)
{
	const struct state *s = &keyd->state;
	char policy[65] = "none", identity[65];

	if (keyd->has_policy)
		dk_hex(keyd->policy, sizeof(keyd->policy), policy);
	dk_hex(dk_pkey_id(s->identity), DK_KEY_ID_BYTES, identity);
	admin_printf(out, "url\t%s\n", s->service.base_url);
	admin_printf(out, "identity key\t%s\n", identity);
	admin_printf(out, "releases\t%s\n", s->frozen ? "frozen" : "open");
	for (unsigned i = 0; i < s->key_count; i++)
		/* A canary counts from its denial on. */
		if (s->key[i]->frozen || s->key[i]->canary)
			admin_printf(out, "frozen\t%s\n", s->key[i]->name);
	admin_printf(out, "keys\t%u\ndevices\t%u\nopen codes\t%u\n", s->key_count, s->device_count,
	    s->code_count);
	admin_printf(out, "store generation\t%" PRIu64 "\n", s->generation);
	admin_printf(out, "policy\t%s\n", policy);
}
