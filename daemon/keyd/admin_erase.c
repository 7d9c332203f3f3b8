/* SPDX-License-Identifier: Apache-2.0 */
/* Erasure of persons, spec/log.md section 16: recorded here, carried out by logd. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "ipc/payload.h"
#include "keyd/admin.h"
#include "log/checkpoint.h"

#define TIME_BYTES 32
#define NOBODY "-"

static bool
time_text(uint64_t seconds, char ret[TIME_BYTES])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	return gmtime_r(&t, &tm) && strftime(ret, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0;
}

unsigned
check_erase(struct keyd *keyd, struct admin_act *act, struct dk_log_event *event)
{
	const char *user = act->arg[0], *before = act->arg[1];
	char when[TIME_BYTES];
	int n;

	if ((user[0] == '\0' && before[0] == '\0') ||
	    (user[0] != '\0' && !dk_user_name_valid(user, strlen(user)) &&
		!dk_log_person_valid(user, strlen(user))) ||
	    (before[0] != '\0' && !dk_log_number_parse(before, strlen(before), &act->before)) ||
	    (before[0] != '\0' && (act->before == 0 || act->before > event->time)) ||
	    !time_text(act->before, when))
		return DK_CODE_ARGUMENT;
	if (keyd->erasing != 0)
		return DK_CODE_BUSY;
	n = snprintf(event->note, sizeof(event->note), "%s%s%s%s", user[0] ? "user" : "",
	    user[0] && before[0] ? ", " : "", before[0] ? "before " : "", before[0] ? when : "");
	return n > 0 ? DK_CODE_OK : DK_CODE_INTERNAL;
}

static bool
is_of(const struct admin_act *act, const struct device *device)
{
	return (act->arg[0][0] == '\0' || strcmp(act->arg[0], device->user) == 0) &&
	    (act->before == 0 || device->enrolled < act->before);
}

/* Who is written without names stays revoked, and its key stays known. */
static void
forget_names(struct keyd *keyd, const struct admin_act *act)
{
	for (unsigned i = 0; i < keyd->state.device_count; i++) {
		struct device *device = keyd->state.device[i];

		if (act->arg[0][0] == '\0' || device->state != DEVICE_REVOKED ||
		    !is_of(act, device))
			continue;
		dk_wipe(device->user, sizeof(device->user));
		dk_wipe(device->name, sizeof(device->name));
		memcpy(device->user, NOBODY, sizeof(NOBODY));
		memcpy(device->name, NOBODY, sizeof(NOBODY));
		keyd_tell_device(keyd, device);
	}
}

static void
put_enrolments(struct keyd *keyd, const struct admin_act *act, struct dk_writer_buf *wr)
{
	keyd->erasing_left = 0;
	dk_wr_u32(wr, keyd->state.device_count);
	for (unsigned i = 0; i < keyd->state.device_count; i++) {
		const struct device *device = keyd->state.device[i];
		bool active = device->state != DEVICE_REVOKED;

		dk_wr_u64(wr, device->index);
		dk_wr_u8(wr, active);
		keyd->erasing_left += active && is_of(act, device);
	}
}

void
do_erase(struct keyd *keyd, struct admin_act *act, const struct dk_receipt *receipt,
    struct admin_text *out)
{
	uint8_t *bytes = malloc(IPC_ERASE_MAX_BYTES);
	struct dk_part part = { bytes, 0 };
	struct dk_writer_buf wr;

	(void)out;
	if (!bytes)
		say_fatal("no memory");
	dk_wr_init(&wr, bytes, IPC_ERASE_MAX_BYTES);
	dk_wr_u64(&wr, act->before);
	dk_wr_u8(&wr, (uint8_t)strlen(act->arg[0]));
	dk_wr_bytes(&wr, act->arg[0], strlen(act->arg[0]));
	dk_wr_u64(&wr, receipt->index);
	put_enrolments(keyd, act, &wr);
	part.len = wr.len;
	forget_names(keyd, act);
	if (act->arg[0][0] != '\0')
		keyd_standing_forget(keyd, act->arg[0], act->before);
	if (wr.failed || !ipc_send(keyd->logd, IPC_ERASE, act->id, &part, 1))
		say_fatal("logd cannot be asked");
	keyd->erasing = act->id;
	act->waits = true;
	free(bytes);
}

bool
keyd_on_erased(struct keyd *keyd, const struct ipc_message *message)
{
	struct admin_text out = { 0 };
	struct ipc_erased erased;

	if (!ipc_erased_read(message, &erased) || keyd->erasing == 0 ||
	    keyd->erasing != message->id)
		return false;
	keyd->erasing = 0;
	if (erased.code == DK_CODE_OK)
		admin_printf(&out, "erased the persons of %" PRIu64 " records\n", erased.count);
	if (erased.code == DK_CODE_OK && keyd->erasing_left > 0)
		admin_printf(&out, "left: the enrolments of %u devices that are active\n",
		    keyd->erasing_left);
	if (erased.code == DK_CODE_OK && erased.broken > 0)
		admin_printf(&out, "left: %" PRIu64 " records that do not open their leaves\n",
		    erased.broken);
	admin_reply(keyd, message->id, erased.code, &out);
	free(out.text);
	return true;
}
