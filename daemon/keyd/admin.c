/* SPDX-License-Identifier: Apache-2.0 */
#include "keyd/admin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ipc/payload.h"

struct row {
	unsigned op;
	unsigned class_;
	unsigned argc;
	admin_check check;
	admin_carry_out carry_out;
};

static const struct row rows[] = {
	{ IPC_OP_KEY_CREATE, DK_LOG_KEY_CREATED, 8, check_key_create, do_key_create },
	{ IPC_OP_KEY_ROTATE, DK_LOG_KEY_CREATED, 8, check_key_rotate, do_key_create },
	{ IPC_OP_KEY_IMPORT, DK_LOG_KEY_CREATED, 8, check_key_import, do_key_create },
	{ IPC_OP_KEY_DISABLE, DK_LOG_KEY_STATE, 2, check_key_state, do_key_state },
	{ IPC_OP_KEY_ENABLE, DK_LOG_KEY_STATE, 2, check_key_state, do_key_state },
	{ IPC_OP_KEY_DESTROY, DK_LOG_KEY_DESTROYED, 2, check_key_destroy, do_key_destroy },
	{ IPC_OP_ENROL_CODE, DK_LOG_CODE_MADE, 1, check_enrol_code, do_enrol_code },
	{ IPC_OP_DEVICE_REVOKE, DK_LOG_DEVICE_REVOKED, 1, check_device_revoke, do_device_revoke },
	{ IPC_OP_DEVICE_ACCEPT, DK_LOG_DEVICE_ACCEPTED, 1, check_device_accept, do_device_accept },
	{ IPC_OP_FREEZE, DK_LOG_FROZEN, 1, check_freeze, do_freeze },
	{ IPC_OP_UNFREEZE, DK_LOG_UNFROZEN, 2, check_freeze, do_freeze },
	{ IPC_OP_LOG_ERASE, DK_LOG_ERASED, 2, check_erase, do_erase },
};

void
admin_printf(struct admin_text *out, const char *format, ...)
{
	va_list args;
	int n;

	if (out->len + 512 > out->cap) {
		size_t cap = out->cap ? 2 * out->cap : 4096;
		char *grown = cap < IPC_RESULT_MAX_BYTES ? realloc(out->text, cap) : NULL;

		if (!grown)
			return;
		out->text = grown;
		out->cap = cap;
	}
	va_start(args, format);
	n = vsnprintf(out->text + out->len, out->cap - out->len, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < out->cap - out->len)
		out->len += (size_t)n;
}

void
admin_reply(struct keyd *keyd, uint64_t id, unsigned code, const struct admin_text *out)
{
	const uint8_t head[2] = { (uint8_t)(code >> 8), (uint8_t)code };
	const struct dk_part parts[] = { { head, sizeof(head) },
		{ out ? out->text : NULL, out ? out->len : 0 } };

	(void)ipc_send(&keyd->child.channel[0], IPC_ADMIN_DONE, id, parts, 2);
}

static const struct row *
find_row(unsigned op)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].op == op)
			return &rows[i];
	return NULL;
}

static void
free_act(struct admin_act *act)
{
	dk_pkey_free(act->version.pkey);
	dk_dke_free(act->version.dke);
	dk_pkey_free(act->recovery);
	free(act->version.receipt);
	dk_wipe(&act->code, sizeof(act->code));
	if (act->out.text)
		dk_wipe(act->out.text, act->out.cap); /* an enrolment code may be in it */
	free(act->out.text);
	dk_wipe(act->arg, sizeof(act->arg)); /* a private key may be in it */
	free(act);
}

static void
end(struct keyd *keyd, struct admin_act *act, unsigned code)
{
	if (!act->waits)
		admin_reply(keyd, act->id, code, code == DK_CODE_OK ? &act->out : NULL);
	free_act(act);
	keyd_act_end(keyd);
}

static void
committed(struct keyd *keyd, bool ok, void *ctx)
{
	struct admin_act *act = ctx;

	if (!ok && act->version.token)
		keyd_token_destroy(keyd, &act->version);
	end(keyd, act, ok ? DK_CODE_OK : DK_CODE_UNAVAILABLE);
}

static void
again(struct keyd *keyd, void *ctx)
{
	admin_resume(keyd, ctx);
}

static void
logged(struct keyd *keyd, unsigned code, const struct dk_receipt *receipt, void *ctx)
{
	struct admin_act *act = ctx;

	if (code == DK_CODE_OK) {
		find_row(act->op)->carry_out(keyd, act, receipt, &act->out);
		keyd_commit(keyd, receipt->index, receipt->leaf, committed, act);
		return;
	}
	if (code == IPC_CODE_STALE) {
		keyd_share_wait(keyd, again, act);
		return;
	}
	if (act->version.token)
		keyd_token_destroy(keyd, &act->version);
	end(keyd, act, code);
}

static void
run(struct keyd *keyd, const struct row *row, struct admin_act *act)
{
	struct dk_log_event event;
	unsigned code;

	keyd_event(&event, row->class_, DK_LOG_ADMIN, DK_CODE_OK);
	keyd_add_factor(&event, DK_FACTOR_LOCAL, IPC_PARENT, act->uid);
	event.generation = keyd->state.generation + 1;
	keyd_act_begin(keyd);
	code = act->argc == row->argc ? row->check(keyd, act, &event) : DK_CODE_ARGUMENT;
	if (code == ADMIN_WAIT)
		return;
	if (code != DK_CODE_OK) {
		admin_reply(keyd, act->id, code, &act->out); /* why, if the check said it */
		free_act(act);
		keyd_act_end(keyd);
		return;
	}
	keyd_log(keyd, &event, NULL, logged, act);
}

void
admin_resume(struct keyd *keyd, struct admin_act *act)
{
	run(keyd, find_row(act->op), act);
}

static bool
parse(const struct ipc_message *message, struct admin_act *act)
{
	struct ipc_admin asked;

	if (!ipc_admin_read(message, &asked))
		return false;
	act->id = message->id;
	act->op = asked.op;
	act->uid = asked.uid;
	act->argc = asked.argc;
	for (unsigned i = 0; i < act->argc; i++) {
		const struct dk_part *arg = &asked.arg[i];

		if (arg->len >= ADMIN_ARG_MAX_BYTES || !dk_text_valid(arg->data, arg->len))
			return false;
		memcpy(act->arg[i], arg->data, arg->len);
	}
	return true;
}

/* What only reads; true if op was one of these. */
static bool
read_only(struct keyd *keyd, const struct admin_act *act)
{
	struct admin_text out = { 0 };

	if (act->op == IPC_OP_KEY_LIST)
		admin_list_keys(keyd, &out);
	else if (act->op == IPC_OP_DEVICE_LIST)
		admin_list_devices(keyd, &out);
	else if (act->op == IPC_OP_STATUS)
		admin_status(keyd, &out);
	else
		return false;
	admin_reply(keyd, act->id, DK_CODE_OK, &out);
	free(out.text);
	return true;
}

bool
keyd_on_admin(struct keyd *keyd, const struct ipc_message *message)
{
	struct admin_act *act;
	const struct row *row;
	bool refused;

	if (keyd_defer(keyd, &keyd->child.channel[0], message, &refused)) {
		if (refused)
			admin_reply(keyd, message->id, DK_CODE_BUSY, NULL);
		return true;
	}
	act = calloc(1, sizeof(*act));
	if (!act) {
		admin_reply(keyd, message->id, DK_CODE_BUSY, NULL);
		return true;
	}
	if (!parse(message, act)) {
		admin_reply(keyd, message->id, DK_CODE_ARGUMENT, NULL);
		free_act(act);
		return true;
	}
	if (act->op == IPC_OP_LOG_EXPORT || act->op == IPC_OP_EVIDENCE_SIGN) {
		(act->op == IPC_OP_LOG_EXPORT ? admin_export : admin_evidence)(keyd, act);
		free_act(act);
		return true;
	}
	row = find_row(act->op);
	if (row) {
		run(keyd, row, act);
		return true;
	}
	if (!read_only(keyd, act))
		admin_reply(keyd, act->id, DK_CODE_ARGUMENT, NULL);
	free_act(act);
	return true;
}
