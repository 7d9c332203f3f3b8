/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of spec/profiles/ms-dke.md section 4: making, importing, names and ids. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "crypto/base64.h"
#include "ipc/dke.h"
#include "keyd/admin.h"

/* Arguments of an import, behind the name. */
enum {
	IMPORT_DKE_NAME = 1,
	IMPORT_DKE_ID,
	IMPORT_TYPE,
	IMPORT_DECRYPT_ONLY,
	IMPORT_KEY,
	IMPORT_CONFIRMATION,
	IMPORT_APPROVALS
};

#define UUID_BYTES 16
#define TESTED_BITS 2048

static const struct {
	const char *name;
	unsigned bits;
	unsigned token_type;
} types[] = {
	{ "dke-rsa2048", 2048, 0x8001 },
	{ "dke-rsa3072", 3072, 0x8002 },
	{ "dke-rsa4096", 4096, 0x8003 },
};
#define TYPES (sizeof(types) / sizeof(types[0]))

unsigned
dke_bits(const char *type)
{
	for (size_t i = 0; i < TYPES; i++)
		if (strcmp(types[i].name, type) == 0)
			return types[i].bits;
	return 0;
}

unsigned
dke_token_type(unsigned bits)
{
	for (size_t i = 0; i < TYPES; i++)
		if (types[i].bits == bits)
			return types[i].token_type;
	return 0;
}

static unsigned
bits_of(const struct dk_dke_key *key)
{
	size_t len;

	(void)dk_dke_modulus(key, &len);
	return 8 * (unsigned)len;
}

const char *
dke_type_name(const struct key_version *version)
{
	for (size_t i = 0; i < TYPES; i++)
		if (types[i].bits == bits_of(version->dke))
			return types[i].name;
	return "?";
}

/* A GUID of version 4 (RFC 9562). */
static bool
draw_id(char ret[STATE_DKE_NAME_MAX_BYTES + 1])
{
	uint8_t bytes[UUID_BYTES];
	char hex[2 * UUID_BYTES + 1];

	if (dk_random(bytes, sizeof(bytes)) != DK_OK)
		return false;
	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
	dk_hex(bytes, sizeof(bytes), hex);
	return snprintf(ret, STATE_DKE_NAME_MAX_BYTES + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", hex,
		   hex + 8, hex + 12, hex + 16, hex + 20) > 0;
}

/* The DKE name: what is given, else that of the key, else the name. */
static unsigned
take_name(
    struct keyd *keyd, struct admin_act *act, const char *given, const struct service_key *key)
{
	const char *name = given[0] ? given : key ? key->dke_name : act->arg[ADMIN_NAME];
	const struct service_key *other;

	if (key && (!key->dke_name[0] || strcmp(name, key->dke_name) != 0))
		return DK_CODE_ARGUMENT;
	if (!ipc_dke_name_valid(name, strlen(name)))
		return DK_CODE_ARGUMENT;
	other = state_key_by_dke_name(&keyd->state, name);
	if (other && other != key) {
		admin_printf(&act->out, "%s: this is the DKE name of the key '%s' already\n", name,
		    other->name);
		return DK_CODE_EXISTS;
	}
	memcpy(act->dke_name, name, strlen(name) + 1);
	return DK_CODE_OK;
}

static unsigned
say_kept(struct admin_act *act, const struct service_key *key, const char *option)
{
	admin_printf(&act->out,
	    "%s: %s is for a new key; this one is there already, and keeps what it needs\n",
	    key->name, option);
	return DK_CODE_ARGUMENT;
}

/* A key that is there has it or has it not, and keeps it. */
static unsigned
take_confirmation(struct admin_act *act, const char *given, const struct service_key *key)
{
	if (given[0] && key && !key->confirmation)
		return say_kept(act, key, "--require-confirmation");
	if (given[0] && strcmp(given, ADMIN_NOTE_CONFIRMATION) != 0)
		return DK_CODE_ARGUMENT;
	act->confirmation = given[0] || (key && key->confirmation);
	return DK_CODE_OK;
}

/* The same of approvals, by their number. */
static unsigned
take_approvals(struct admin_act *act, const char *given, const struct service_key *key)
{
	if (given[0] && (given[1] || given[0] < '1' || given[0] > '0' + DK_STANDING_NEEDED_MAX)) {
		admin_printf(&act->out, "%s: --require-approvals takes a number from 1 to %d\n",
		    act->arg[ADMIN_NAME], DK_STANDING_NEEDED_MAX);
		return DK_CODE_ARGUMENT;
	}
	if (given[0] && key && key->approvals != given[0] - '0')
		return say_kept(act, key, "--require-approvals");
	act->approvals = given[0] ? (uint8_t)(given[0] - '0') : key ? key->approvals : 0;
	return DK_CODE_OK;
}

void
dke_note_needs(const struct admin_act *act, const char *before, struct dk_log_event *event)
{
	int n = snprintf(event->note, sizeof(event->note), "%s%s%s", before,
	    before[0] && act->confirmation ? ", " : "",
	    act->confirmation ? ADMIN_NOTE_CONFIRMATION : "");

	if (act->approvals > 0)
		(void)snprintf(event->note + n, sizeof(event->note) - (size_t)n, "%sapprovals %u",
		    n > 0 ? ", " : "", act->approvals);
}

unsigned
dke_check_new(struct keyd *keyd, struct admin_act *act, const struct service_key *key)
{
	const char *untested = act->arg[ADMIN_UNTESTED];

	if (take_confirmation(act, act->arg[ADMIN_CONFIRMATION], key) != DK_CODE_OK ||
	    take_approvals(act, act->arg[ADMIN_APPROVALS], key) != DK_CODE_OK ||
	    act->arg[ADMIN_RECOVERY][0] ||
	    (untested[0] && strcmp(untested, "untested-size") != 0) ||
	    (dke_bits(act->arg[ADMIN_TYPE]) != TESTED_BITS && !untested[0]))
		return DK_CODE_ARGUMENT;
	if (!act->version.dke_id[0] && !draw_id(act->version.dke_id))
		return DK_CODE_INTERNAL;
	return take_name(keyd, act, act->arg[ADMIN_DKE_NAME], key);
}

void
dke_print_made(const struct admin_act *act, struct admin_text *out)
{
	unsigned bits = bits_of(act->version.dke);

	admin_printf(out, "/%s/%s\n", act->dke_name, act->version.dke_id);
	if (bits == TESTED_BITS)
		admin_printf(out,
		    "%u bits: the one size that clients are known to take; "
		    "BSI TR-02102-1 recommends 3,000 bits or more\n",
		    bits);
	else
		admin_printf(out, "%u bits: try it with all of your clients\n", bits);
}

/* ---- import ---- */

static unsigned
take_pair(struct admin_act *act)
{
	const char *text = act->arg[IMPORT_KEY], *type = act->arg[IMPORT_TYPE];
	uint8_t der[DK_PKEY_PRIVATE_MAX_BYTES];
	size_t len = 0;
	dk_err err = DK_OK;

	if (!act->version.dke)
		err = dk_base64_decode(text, strlen(text), der, sizeof(der), &len);
	if (err == DK_OK && !act->version.dke)
		err = dk_dke_from_private(der, len, &act->version.dke);
	dk_wipe(der, sizeof(der));
	if (err != DK_OK || (type[0] && strcmp(type, dke_type_name(&act->version)) != 0))
		return DK_CODE_ARGUMENT;
	return DK_CODE_OK;
}

/* True: said, which of the two it is. Neither id nor key is there twice. */
static bool
is_there(struct keyd *keyd, struct admin_act *act, struct service_key *key)
{
	const char *id = act->arg[IMPORT_DKE_ID];
	const struct service_key *other =
	    state_key_with_id(&keyd->state, dk_dke_id(act->version.dke));

	if (other)
		admin_printf(&act->out, "%s: the key in the file is there already, in '%s'\n",
		    act->arg[ADMIN_NAME], other->name);
	else if (key && key->dke_name[0] && state_dke_version(key, id))
		admin_printf(
		    &act->out, "%s: the key has a version with the id %s already\n", key->name, id);
	else
		return false;
	return true;
}

static unsigned
take_import(struct keyd *keyd, struct admin_act *act, struct service_key *key)
{
	const char *id = act->arg[IMPORT_DKE_ID], *only = act->arg[IMPORT_DECRYPT_ONLY];
	unsigned code = take_pair(act);

	if (code == DK_CODE_OK)
		code = take_confirmation(act, act->arg[IMPORT_CONFIRMATION], key);
	if (code == DK_CODE_OK)
		code = take_approvals(act, act->arg[IMPORT_APPROVALS], key);
	if (code != DK_CODE_OK)
		return code;
	if (!ipc_dke_name_valid(id, strlen(id)) || (only[0] && strcmp(only, "decrypt-only") != 0))
		return DK_CODE_ARGUMENT;
	if (is_there(keyd, act, key))
		return DK_CODE_EXISTS;
	memcpy(act->version.dke_id, id, strlen(id) + 1);
	act->version.decrypt_only = only[0] != '\0';
	return take_name(keyd, act, act->arg[IMPORT_DKE_NAME], key);
}

unsigned
check_key_import(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event)
{
	struct service_key *key = state_key_by_name(&keyd->state, act->arg[ADMIN_NAME]);
	uint32_t number = key ? key->version[key->version_count - 1].number + 1 : 1;
	unsigned code;

	if (!dk_service_key_name_valid(act->arg[ADMIN_NAME], strlen(act->arg[ADMIN_NAME])))
		return DK_CODE_NAME;
	if (key ? key->version_count == DK_VERSIONS_MAX : keyd->state.key_count == STATE_KEYS_MAX)
		return DK_CODE_TOO_LARGE;
	code = take_import(keyd, act, key);
	if (code != DK_CODE_OK)
		return code;
	admin_version_event(act, number, event);
	dke_note_needs(
	    act, act->version.decrypt_only ? "imported, decrypt-only" : "imported", event);
	return DK_CODE_OK;
}
