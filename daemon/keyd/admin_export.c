/* SPDX-License-Identifier: Apache-2.0 */
/* That records are exported, spec/export.md section 1: recorded here, before they are read. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ipc/payload.h"
#include "keyd/admin.h"
#include "log/export.h"

bool
keyd_on_auditors(struct keyd *keyd, const struct ipc_message *message)
{
	struct ipc_auditors auditors;

	if (!ipc_auditors_read(message, &auditors))
		return false;
	memcpy(keyd->auditor_policy, auditors.policy, sizeof(keyd->auditor_policy));
	keyd->auditor_count = auditors.count;
	if (auditors.count > 0)
		memcpy(keyd->auditor, auditors.ids, (size_t)auditors.count * 32);
	return true;
}

static bool
is_auditor(const struct keyd *keyd, const uint8_t id[32])
{
	for (unsigned i = 0; i < keyd->auditor_count; i++)
		if (memcmp(keyd->auditor[i], id, 32) == 0)
			return true;
	return false;
}

static void
logged(struct keyd *keyd, unsigned code, const struct dk_receipt *receipt, void *ctx)
{
	struct admin_text out = { 0 };
	uint64_t *id = ctx;

	if (code == DK_CODE_OK)
		admin_printf(&out, "%" PRIu64 "\n", receipt->index);
	admin_reply(keyd, *id, code, &out);
	free(out.text);
	free(id);
}

unsigned
admin_auditor(struct keyd *keyd, const struct admin_act *act, struct dk_log_event *event)
{
	if (act->arg[0][0] == '\0' || strlen(act->arg[0]) > DK_LOG_NAME_MAX_BYTES ||
	    !dk_unhex(act->arg[1], event->key_id, sizeof(event->key_id)))
		return DK_CODE_ARGUMENT;
	if (!keyd->has_policy || memcmp(keyd->policy, keyd->auditor_policy, 32) != 0)
		return DK_CODE_BUSY; /* a policy is on its way */
	if (!is_auditor(keyd, event->key_id))
		return DK_CODE_AUDITOR;
	memcpy(event->key_name, act->arg[0], strlen(act->arg[0]) + 1);
	event->has_key_id = event->has_policy = true;
	memcpy(event->policy, keyd->policy, sizeof(event->policy));
	return DK_CODE_OK;
}

/* Name, key id and what is chosen, as the note says it. */
static unsigned
check(struct keyd *keyd, const struct admin_act *act, struct dk_log_event *event)
{
	if (act->argc != 3 || !dk_export_note_valid(act->arg[2]))
		return DK_CODE_ARGUMENT;
	memcpy(event->note, act->arg[2], strlen(act->arg[2]) + 1);
	return admin_auditor(keyd, act, event);
}

void
admin_export(struct keyd *keyd, struct admin_act *act)
{
	struct dk_log_event event;
	unsigned code;
	uint64_t *id;

	keyd_event(&event, DK_LOG_EXPORTED, DK_LOG_ADMIN, DK_CODE_OK);
	keyd_add_factor(&event, DK_FACTOR_LOCAL, IPC_PARENT, act->uid);
	code = check(keyd, act, &event);
	id = code == DK_CODE_OK ? malloc(sizeof(*id)) : NULL;
	if (!id) {
		admin_reply(keyd, act->id, code == DK_CODE_OK ? DK_CODE_BUSY : code, NULL);
		return;
	}
	*id = act->id;
	keyd_log(keyd, &event, NULL, logged, id);
}
