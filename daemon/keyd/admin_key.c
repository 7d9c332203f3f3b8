/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "format/stanza.h"
#include "keyd/admin.h"

static bool
generate(struct admin_act *act)
{
	const char *type = act->arg[ADMIN_TYPE];
	struct dk_pkey **ret = &act->version.pkey;

	if (dke_bits(type) > 0)
		return dk_dke_generate(dke_bits(type), &act->version.dke) == DK_OK;
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

static void
made(struct keyd *keyd, void *ctx, unsigned index, unsigned code, const uint8_t *out, size_t len)
{
	struct admin_act *act = ctx;
	dk_err err = DK_OK;

	(void)index;
	act->failed = code;
	if (code == DK_CODE_OK)
		err = act->dke_name[0] ? dk_dke_from_spki(out, len, &act->version.dke)
				       : dk_pkey_from_spki(out, len, &act->version.pkey);
	if (err != DK_OK)
		act->failed = DK_CODE_HSM;
	admin_resume(keyd, act);
}

static unsigned
type_number(const char *type)
{
	static const char *const names[] = { "", "p256", "p384", "rsa3072" };

	if (dke_bits(type) > 0)
		return dke_token_type(dke_bits(type));
	for (unsigned i = DK_KEY_P256; i <= DK_KEY_RSA; i++)
		if (strcmp(type, names[i]) == 0)
			return i;
	return 0;
}

/* The key pair, here or in the HSM. */
static unsigned
make_pair(struct keyd *keyd, struct admin_act *act)
{
	struct key_version *v = &act->version;
	unsigned type = type_number(act->arg[ADMIN_TYPE]);
	const char *uri = act->arg[ADMIN_HSM];

	if (act->failed != DK_CODE_OK)
		return act->failed;
	if (v->pkey || v->dke)
		return DK_CODE_OK;
	if (type == 0 || strlen(uri) > IPC_TOKEN_URI_MAX_BYTES)
		return DK_CODE_ARGUMENT;
	if (uri[0] == '\0')
		return generate(act) ? DK_CODE_OK : DK_CODE_INTERNAL;
	v->token = true;
	v->type = (uint16_t)type;
	if (dk_random(v->token_id, sizeof(v->token_id)) != DK_OK ||
	    !keyd_token_make(keyd, type, v->token_id, uri, made, act))
		return DK_CODE_HSM;
	return ADMIN_WAIT;
}

void
admin_version_event(struct admin_act *act, uint32_t number, struct dk_log_event *event)
{
	struct key_version *v = &act->version;

	memcpy(v->id, v->dke ? dk_dke_id(v->dke) : dk_pkey_id(v->pkey), sizeof(v->id));
	v->type = v->dke ? DK_LOG_TYPE_DKE : dk_stanza_type_of(v->pkey);
	v->number = number;
	v->state = DK_VERSION_ACTIVE;
	v->created = event->time;
	event_key(event, act->arg[ADMIN_NAME], v);
	event->stanza_type = v->type;
	if (!act->recovery)
		return;
	memcpy(event->recovery, dk_pkey_id(act->recovery), sizeof(event->recovery));
	event->has_recovery = true;
}

/* What only a DKE key has is refused, not left out. key: as for new_version. */
static unsigned
check_native(struct admin_act *act, const struct service_key *key)
{
	if (act->arg[ADMIN_DKE_NAME][0] || act->arg[ADMIN_UNTESTED][0] ||
	    act->arg[ADMIN_CONFIRMATION][0] || act->arg[ADMIN_APPROVALS][0]) {
		admin_printf(&act->out,
		    "%s: --dke-name, --untested-size, --require-confirmation and "
		    "--require-approvals go with --type dke-rsa2048\n",
		    act->arg[ADMIN_NAME]);
		return DK_CODE_ARGUMENT;
	}
	return key && key->dke_name[0] ? DK_CODE_ARGUMENT : DK_CODE_OK;
}

/* key: that it is to be a version of, or NULL. */
static unsigned
new_version(struct keyd *keyd, struct admin_act *act, const struct service_key *key,
    struct dk_log_event *event)
{
	uint32_t number = key ? key->version[key->version_count - 1].number + 1 : 1;
	unsigned code = DK_CODE_OK;

	if (dke_bits(act->arg[ADMIN_TYPE]) > 0)
		code = dke_check_new(keyd, act, key);
	else
		code = check_native(act, key);
	if (code == DK_CODE_OK)
		code = make_pair(keyd, act);
	if (code == DK_CODE_OK)
		admin_version_event(act, number, event);
	if (code == DK_CODE_OK)
		dke_note_needs(act, "", event);
	return code;
}

/* Custodian and SubjectPublicKeyInfo in hex, or nothing. */
static bool
take_recovery(const struct keyd *keyd, struct admin_act *act, const char *hex)
{
	uint8_t bytes[ADMIN_RECOVERY_MAX_BYTES];
	size_t len = strlen(hex) / 2;

	if (hex[0] == '\0' || act->recovery)
		return true;
	if (len <= DK_CUSTODIAN_BYTES || len > sizeof(bytes) || !dk_unhex(hex, bytes, len) ||
	    !dk_custodian_valid(bytes) ||
	    memcmp(bytes, keyd->state.service.custodian, DK_CUSTODIAN_BYTES) == 0)
		return false;
	memcpy(act->recovery_custodian, bytes, DK_CUSTODIAN_BYTES);
	return dk_pkey_from_spki(
		   bytes + DK_CUSTODIAN_BYTES, len - DK_CUSTODIAN_BYTES, &act->recovery) == DK_OK;
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
	if (!take_recovery(keyd, act, act->arg[ADMIN_RECOVERY]))
		return DK_CODE_ARGUMENT;
	return new_version(keyd, act, NULL, event);
}

/* Where none is given: that of the last version, if it is a DKE key. */
static void
same_type(struct admin_act *act, const struct service_key *key)
{
	const char *type =
	    key->dke_name[0] ? dke_type_name(&key->version[key->version_count - 1]) : "p256";

	if (act->arg[ADMIN_TYPE][0])
		return;
	memcpy(act->arg[ADMIN_TYPE], type, strlen(type) + 1);
	if (key->dke_name[0])
		memcpy(act->arg[ADMIN_UNTESTED], "untested-size", sizeof("untested-size"));
}

unsigned
check_key_rotate(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event)
{
	struct service_key *key = state_key_by_name(&keyd->state, act->arg[0]);

	if (!key)
		return admin_unknown_key(keyd, act);
	if (key->version_count == DK_VERSIONS_MAX)
		return DK_CODE_TOO_LARGE;
	if (!take_recovery(keyd, act, act->arg[ADMIN_RECOVERY]))
		return DK_CODE_ARGUMENT;
	same_type(act, key);
	return new_version(keyd, act, key, event);
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
	struct service_key *key;
	char id[65];

	if (!keep_receipt(&act->version, receipt) ||
	    state_add_version(&keyd->state, act->arg[0], &act->version) != DK_OK)
		say_fatal("no memory for a key that is recorded already");
	key = state_key_by_name(&keyd->state, act->arg[0]);
	memcpy(key->dke_name, act->dke_name, sizeof(key->dke_name));
	key->confirmation = act->confirmation;
	key->approvals = act->approvals;
	dk_hex(act->version.id, sizeof(act->version.id), id);
	if (act->dke_name[0])
		dke_print_made(act, out);
	else
		admin_printf(out, "%s/keys/%s\n", keyd->state.service.base_url, act->arg[0]);
	admin_printf(out, "version %u, key id %s\n", act->version.number, id);
	act->version.pkey = NULL; /* moved */
	act->version.dke = NULL;
	act->version.receipt = NULL;
	if (act->recovery) {
		dk_pkey_free(key->recovery);
		key->recovery = act->recovery;
		act->recovery = NULL; /* moved */
		memcpy(key->recovery_custodian, act->recovery_custodian, DK_CUSTODIAN_BYTES);
		dk_hex(dk_pkey_id(key->recovery), DK_KEY_ID_BYTES, id);
		admin_printf(out, "recovery key id %s\n", id);
	}
	keyd_tell_key(keyd, key);
}

static struct key_version *
version_by_number(struct service_key *key, uint32_t number)
{
	for (unsigned i = 0; key && i < key->version_count; i++)
		if (key->version[i].number == number)
			return &key->version[i];
	return NULL;
}

static bool
take_number(const char *text, uint32_t *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*ret = (uint32_t)n;
	return text[0] >= '1' && text[0] <= '9' && *end == '\0' && n <= UINT32_MAX;
}

unsigned
check_key_state(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event)
{
	struct service_key *key = state_key_by_name(&keyd->state, act->arg[0]);
	const char *word = act->op == IPC_OP_KEY_DISABLE ? "disabled" : "enabled";
	struct key_version *v = NULL;

	if (!key)
		return admin_unknown_key(keyd, act);
	if (act->arg[1][0] != '\0') {
		v = take_number(act->arg[1], &act->number) ? version_by_number(key, act->number)
							   : NULL;
		if (!v)
			return DK_CODE_UNKNOWN_KEY;
		if (v->state == DK_VERSION_DESTROYED)
			return DK_CODE_KEY_DESTROYED;
	}
	event_key(event, key->name, v);
	memcpy(event->note, word, strlen(word) + 1);
	return DK_CODE_OK;
}

void
set_key_state(struct keyd *keyd, struct service_key *key, uint32_t number, bool active)
{
	for (unsigned i = 0; i < key->version_count; i++)
		if (key->version[i].state != DK_VERSION_DESTROYED &&
		    (number == 0 || key->version[i].number == number))
			key->version[i].state = active ? DK_VERSION_ACTIVE : DK_VERSION_DISABLED;
	keyd_tell_key(keyd, key);
}

void
do_key_state(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out)
{
	struct service_key *key = state_key_by_name(&keyd->state, act->arg[0]);
	bool active = act->op == IPC_OP_KEY_ENABLE;

	(void)receipt;
	set_key_state(keyd, key, act->number, active);
	admin_printf(out, "%s%s%s %s\n", key->name, act->number ? " version " : "", act->arg[1],
	    active ? "enabled" : "disabled");
}

unsigned
check_key_destroy(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event)
{
	struct service_key *key = state_key_by_name(&keyd->state, act->arg[0]);
	struct key_version *v;

	v = take_number(act->arg[1], &act->number) ? version_by_number(key, act->number) : NULL;
	if (!v)
		return admin_unknown_key(keyd, act);
	if (v->state == DK_VERSION_DESTROYED)
		return DK_CODE_KEY_DESTROYED;
	event_key(event, key->name, v);
	return DK_CODE_OK;
}

static dk_err
keep_public_half(struct key_version *v)
{
	size_t len;
	const uint8_t *spki = v->dke ? dk_dke_spki(v->dke, &len) : dk_pkey_spki(v->pkey, &len);
	struct dk_dke_key *dke = NULL;
	struct dk_pkey *pkey = NULL;
	dk_err err =
	    v->dke ? dk_dke_from_spki(spki, len, &dke) : dk_pkey_from_spki(spki, len, &pkey);

	if (err != DK_OK)
		return err;
	dk_dke_free(v->dke);
	dk_pkey_free(v->pkey);
	v->dke = dke;
	v->pkey = pkey;
	return DK_OK;
}

/* The public half stays: objects and records name it. */
void
destroy_version(struct keyd *keyd, struct service_key *key, uint32_t number)
{
	struct key_version *v = version_by_number(key, number);

	if (!v || v->state == DK_VERSION_DESTROYED)
		return;
	if (keep_public_half(v) != DK_OK)
		say_fatal("no memory for an act that is recorded already");
	v->state = DK_VERSION_DESTROYED;
	if (v->token)
		keyd_token_destroy(keyd, v);
	keyd->state.erase = true;
	keyd_tell_key(keyd, key);
}

void
do_key_destroy(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out)
{
	struct service_key *key = state_key_by_name(&keyd->state, act->arg[0]);

	(void)receipt;
	destroy_version(keyd, key, act->number);
	admin_printf(out, "%s version %u destroyed\n", key->name, act->number);
}
