/* SPDX-License-Identifier: Apache-2.0 */
#include "parent/commands.h"

#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "parent/import.h"
#include "parent/policies.h"
#include "parent/tell.h"

static int
run_init(
    const struct settings *s, const struct words *w, const struct command *self, char **operand)
{
	(void)w, (void)self, (void)operand;
	return cmd_init(s);
}

static int
run_run(const struct settings *s, const struct words *w, const struct command *self, char **operand)
{
	(void)w, (void)self, (void)operand;
	return cmd_run(s);
}

/* Operands as they are; those that are left out are empty. */
static int
ask(const struct settings *s, const struct words *w, const struct command *self, char **operand)
{
	const char *args[IPC_ADMIN_ARGS_MAX];
	unsigned n = 0;

	for (; n < (unsigned)self->max; n++)
		args[n] = *operand ? *operand++ : "";
	if (self->op == IPC_OP_UNFREEZE)
		args[n++] = w->reason;
	else if (self->op == IPC_OP_ENROL_CODE)
		args[n++] = w->user;
	return cmd_ask(s, self->op, args, n);
}

static int
make_key(
    const struct settings *s, const struct words *w, const struct command *self, char **operand)
{
	char recovery[RECOVERY_HEX_BYTES] = "";
	const char *type = w->type ? w->type : self->op == IPC_OP_KEY_CREATE ? "p256" : "";
	const char *args[] = { *operand, type, recovery, w->hsm ? w->hsm : "",
		w->dke_name ? w->dke_name : "", w->untested_size ? "untested-size" : "",
		w->require_confirmation ? "confirmation" : "",
		w->require_approvals ? w->require_approvals : "" };

	if (!w->untested_size &&
	    (strcmp(type, "dke-rsa3072") == 0 || strcmp(type, "dke-rsa4096") == 0))
		return tell_usage(self->words,
		    "%s needs --untested-size: 2,048 bits is the one size that clients are "
		    "known to take",
		    type);
	if (w->recovery && !recovery_hex(w->recovery, recovery))
		return 1;
	if (w->hsm && strstr(w->hsm, "pin-value"))
		return tell_usage(self->words, "a PIN must not be in a URI");
	return cmd_ask(s, self->op, args, 8);
}

static int
import_key(
    const struct settings *s, const struct words *w, const struct command *self, char **operand)
{
	struct import import = { .id = w->dke_id };
	int status;

	if (w->dke_name && (w->dke_name[0] == '\0' || strlen(w->dke_name) >= sizeof(import.name)))
		return tell_usage(self->words, "--dke-name takes 1 to 64 characters");
	if (w->dke_name)
		memcpy(import.name, w->dke_name, strlen(w->dke_name) + 1);
	const char *args[] = { operand[0], import.name, w->dke_id, w->type ? w->type : "",
		w->decrypt_only ? "decrypt-only" : "", import.key,
		w->require_confirmation ? "confirmation" : "",
		w->require_approvals ? w->require_approvals : "" };

	status = import_read(operand[1], &import) ? cmd_ask(s, self->op, args, 8) : 1;
	dk_wipe(&import, sizeof(import));
	return status;
}

static int
log_show(
    const struct settings *s, const struct words *w, const struct command *self, char **operand)
{
	(void)self, (void)operand;
	return cmd_log(s, &w->log);
}

static int
log_erase(
    const struct settings *s, const struct words *w, const struct command *self, char **operand)
{
	(void)operand;
	if (!w->log.user && !w->log.before)
		return tell_usage(self->words, "--user or --before is missing");
	return cmd_log_erase(s, &w->log);
}

static int
log_export(
    const struct settings *s, const struct words *w, const struct command *self, char **operand)
{
	(void)self;
	return cmd_log_export(s, &w->log, *operand);
}

static int
evidence_sign(
    const struct settings *s, const struct words *w, const struct command *self, char **operand)
{
	(void)w, (void)self;
	return cmd_evidence_sign(s, *operand);
}

static int
tenant_accept(
    const struct settings *s, const struct words *w, const struct command *self, char **operand)
{
	uint8_t thumbprint[32];

	if (dk_unhex(operand[1], thumbprint, sizeof(thumbprint)))
		return ask(s, w, self, operand);
	tell(operand[1], "argument", "a thumbprint is 64 hex digits, as 'status' shows it");
	return 1;
}

static int
policy_check(
    const struct settings *s, const struct words *w, const struct command *self, char **operand)
{
	(void)self, (void)operand;
	return cmd_policy_check(s, &w->policy);
}

static int
policy_list(
    const struct settings *s, const struct words *w, const struct command *self, char **operand)
{
	(void)w, (void)self, (void)operand;
	return cmd_policy_list(s);
}

static int
policy_show(
    const struct settings *s, const struct words *w, const struct command *self, char **operand)
{
	(void)w, (void)self;
	return cmd_policy_show(s, *operand);
}

static int
tls_renew(
    const struct settings *s, const struct words *w, const struct command *self, char **operand)
{
	(void)w, (void)self, (void)operand;
	return cmd_tls_renew(s);
}

static int
keep(const struct settings *s, const struct words *w, const struct command *self, char **operand)
{
	(void)w;
	return cmd_backup(s, self->words, *operand);
}

static int
migrate(const struct settings *s, const struct words *w, const struct command *self, char **operand)
{
	(void)self, (void)operand;
	return cmd_migrate(s, w->to ? "to" : "from", w->to ? w->to : w->from);
}

/* clang-format off */
const struct command commands[] = {
	{ "init", "", 0, 0, "url", "custodian passphrase-file kdf-memory-mib tls-certificate tls-key",
	    run_init, 0 },
	{ "run", "", 0, 0, "", "passphrase-file pin-file", run_run, 0 },
	{ "key create", "NAME", 1, 1, "",
	    "type recovery hsm dke-name untested-size require-confirmation require-approvals", make_key,
	    IPC_OP_KEY_CREATE },
	{ "key rotate", "NAME", 1, 1, "", "type recovery hsm untested-size", make_key,
	    IPC_OP_KEY_ROTATE },
	{ "key import", "NAME FILE", 2, 2, "dke-id",
	    "dke-name type decrypt-only require-confirmation require-approvals", import_key, IPC_OP_KEY_IMPORT },
	{ "key list", "", 0, 0, "", "", ask, IPC_OP_KEY_LIST },
	{ "key disable", "NAME VERSION", 1, 2, "", "", ask, IPC_OP_KEY_DISABLE },
	{ "key enable", "NAME VERSION", 1, 2, "", "", ask, IPC_OP_KEY_ENABLE },
	{ "key destroy", "NAME VERSION", 2, 2, "", "", ask, IPC_OP_KEY_DESTROY },
	{ "enrol-code", "", 0, 0, "user", "", ask, IPC_OP_ENROL_CODE },
	{ "device list", "", 0, 0, "", "", ask, IPC_OP_DEVICE_LIST },
	{ "device accept", "KEY-ID", 1, 1, "", "", ask, IPC_OP_DEVICE_ACCEPT },
	{ "device revoke", "KEY-ID", 1, 1, "", "", ask, IPC_OP_DEVICE_REVOKE },
	{ "freeze", "NAME", 0, 1, "", "", ask, IPC_OP_FREEZE },
	{ "unfreeze", "NAME", 0, 1, "reason", "", ask, IPC_OP_UNFREEZE },
	{ "status", "", 0, 0, "", "", ask, IPC_OP_STATUS },
	{ "log erase", "", 0, 0, "", "user before", log_erase, 0 },
	{ "log export", "FILE", 1, 1, "auditor key", "since until user device object", log_export, 0 },
	{ "evidence sign", "FILE", 1, 1, "", "", evidence_sign, 0 },
	{ "log", "", 0, 0, "", "since user object json", log_show, 0 },
	{ "policy check", "", 0, 0, "", "file user key label device address time factor",
	    policy_check, 0 },
	{ "policy reload", "", 0, 0, "", "", ask, IPC_OP_POLICY_RELOAD },
	{ "policy list", "", 0, 0, "", "", policy_list, 0 },
	{ "policy show", "DIGEST", 1, 1, "", "", policy_show, 0 },
	{ "tenant accept", "NAME THUMBPRINT", 2, 2, "", "", tenant_accept, IPC_OP_TENANT_ACCEPT },
	{ "tls renew", "", 0, 0, "", "passphrase-file", tls_renew, 0 },
	{ "tls reload", "", 0, 0, "", "", ask, IPC_OP_TLS_RELOAD },
	{ "backup", "FILE", 1, 1, "", "passphrase-file kdf-memory-mib", keep, 0 },
	{ "restore", "FILE", 1, 1, "", "passphrase-file", keep, 0 },
	{ "store migrate", "", 0, 0, "to|from", "", migrate, 0 },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL, 0 },
};
/* clang-format on */
