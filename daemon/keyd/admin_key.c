/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "format/stanza.h"
#include "keyd/admin.h"

static bool
generate(const char *type, struct dk_pkey **ret)
{
	if (strcmp(type, "p256") == 0)
		return dk_pkey_generate(DK_KEY_P256, 0, ret) == DK_OK;
	if (strcmp(type, "p384") == 0)
		return dk_pkey_generate(DK_KEY_P384, 0, ret) == DK_OK;
	if (strcmp(type, "rsa3072") == 0)
		return dk_pkey_generate(DK_KEY_RSA, 3072, ret) == DK_OK;
	return false;
}

static void
event_key(struct dk_log_event *event, const char *name, const struct key_version *version)
{
	memcpy(event->key_name, name, strlen(name) + 1);
	if (!version)
		return;
	memcpy(event->key_id, version->id, sizeof(event->key_id));
	event->has_key_id = true;
	event->key_version = version->number;
}

static unsigned
new_version(struct admin_act *act, uint32_t number, struct dk_log_event *event)
{
	struct key_version *v = &act->version;

	if (!generate(act->arg[1], &v->pkey))
		return DK_CODE_ARGUMENT;
	memcpy(v->id, dk_pkey_id(v->pkey), sizeof(v->id));
	v->type = dk_stanza_type_of(v->pkey);
	v->number = number;
	v->state = VERSION_ACTIVE;
	v->created = event->time;
	event_key(event, act->arg[0], v);
	event->stanza_type = v->type;
	return DK_CODE_OK;
}

unsigned
check_key_create(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event)
{
	if (!dk_service_key_name_valid(act->arg[0], strlen(act->arg[0])))
		return DK_CODE_NAME;
	if (state_key_by_name(&keyd->state, act->arg[0]))
		return DK_CODE_EXISTS;
	if (keyd->state.key_count == STATE_KEYS_MAX)
		return DK_CODE_TOO_LARGE;
	return new_version(act, 1, event);
}

unsigned
check_key_rotate(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event)
{
	struct service_key *key = state_key_by_name(&keyd->state, act->arg[0]);

	if (!key)
		return DK_CODE_UNKNOWN_KEY;
	if (key->version_count == DK_VERSIONS_MAX)
		return DK_CODE_TOO_LARGE;
	return new_version(act, key->version[key->version_count - 1].number + 1, event);
}

/* The receipt of the creation goes with the public key for ever. */
static bool
keep_receipt(struct key_version *v, const struct dk_receipt *receipt)
{
	size_t cap = DK_RECEIPT_FRAME_BYTES + receipt->record_len;
	struct dk_writer_buf wr;

	v->receipt = malloc(cap);
	if (!v->receipt)
		return false;
	dk_wr_init(&wr, v->receipt, cap);
	dk_receipt_write(&wr, receipt);
	v->receipt_len = wr.len;
	v->index = receipt->index;
	return !wr.failed;
}

void
do_key_create(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out)
{
	char id[65];

	if (!keep_receipt(&act->version, receipt) ||
	    state_add_version(&keyd->state, act->arg[0], &act->version) != DK_OK)
		say_fatal("no memory for a key that is recorded already");
	dk_hex(act->version.id, sizeof(act->version.id), id);
	admin_printf(out, "%s/keys/%s\nversion %u, key id %s\n", keyd->state.service.base_url,
	    act->arg[0], act->version.number, id);
	act->version.pkey = NULL; /* moved */
	act->version.receipt = NULL;
	keyd_tell_key(keyd, state_key_by_name(&keyd->state, act->arg[0]));
}

unsigned
check_key_state(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event)
{
	struct service_key *key = state_key_by_name(&keyd->state, act->arg[0]);
	const char *word = act->op == IPC_OP_KEY_DISABLE ? "disabled" : "enabled";

	if (!key)
		return DK_CODE_UNKNOWN_KEY;
	event_key(event, key->name, NULL);
	memcpy(event->note, word, strlen(word) + 1);
	return DK_CODE_OK;
}

void
do_key_state(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out)
{
	struct service_key *key = state_key_by_name(&keyd->state, act->arg[0]);
	uint8_t state = act->op == IPC_OP_KEY_DISABLE ? VERSION_DISABLED : VERSION_ACTIVE;

	(void)receipt;
	for (unsigned i = 0; i < key->version_count; i++)
		if (key->version[i].state != VERSION_DESTROYED)
			key->version[i].state = state;
	keyd_tell_key(keyd, key);
	admin_printf(out, "%s %s\n", key->name, state == VERSION_ACTIVE ? "enabled" : "disabled");
}

static struct key_version *
version_by_number(struct service_key *key, uint32_t number)
{
	for (unsigned i = 0; key && i < key->version_count; i++)
		if (key->version[i].number == number)
			return &key->version[i];
	return NULL;
}

unsigned
check_key_destroy(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event)
{
	struct service_key *key = state_key_by_name(&keyd->state, act->arg[0]);
	struct key_version *v;
	char *end;

	act->number = (uint32_t)strtoul(act->arg[1], &end, 10);
	v = version_by_number(key, act->number);
	if (*end != '\0' || !v)
		return DK_CODE_UNKNOWN_KEY;
	if (v->state == VERSION_DESTROYED)
		return DK_CODE_KEY_DESTROYED;
	event_key(event, key->name, v);
	return DK_CODE_OK;
}

/* Both slots are written, so that neither holds the private key any longer. */
void
do_key_destroy(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out)
{
	struct service_key *key = state_key_by_name(&keyd->state, act->arg[0]);
	struct key_version *v = version_by_number(key, act->number);

	(void)receipt;
	dk_pkey_free(v->pkey);
	v->pkey = NULL;
	v->state = VERSION_DESTROYED;
	if (sealed_write(&keyd->store, &keyd->state) != DK_OK)
		say_fatal("the sealed store cannot be written");
	keyd_tell_key(keyd, key);
	admin_printf(out, "%s version %u destroyed\n", key->name, act->number);
}
