/* SPDX-License-Identifier: Apache-2.0 */
/* Persons are erased when they are old enough (spec/log.md section 16), once a day. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "ipc/payload.h"
#include "parent/run.h"

#define DAY_S 86400
#define AGAIN_S 600

static bool
ask(struct run *run, uint64_t before)
{
	uint8_t payload[64];
	struct dk_part part = { payload, 0 };
	struct dk_writer_buf wr;
	char text[24];
	int n = snprintf(text, sizeof(text), "%" PRIu64, before);

	if (n < 0)
		return false;
	dk_wr_init(&wr, payload, sizeof(payload));
	dk_wr_u16(&wr, IPC_OP_LOG_ERASE);
	dk_wr_u32(&wr, (uint32_t)geteuid());
	dk_wr_u8(&wr, 2);
	dk_wr_u16(&wr, 0);
	dk_wr_u16(&wr, (uint16_t)n);
	dk_wr_bytes(&wr, text, (size_t)n);
	part.len = wr.len;
	run->retention_id = ++run->next_id;
	return ipc_send(&run->set.channel[IPC_KEYD], IPC_ADMIN, run->retention_id, &part, 1);
}

void
run_retention_step(struct run *run)
{
	uint64_t now = ipc_now(), age = (uint64_t)run->retention_days * DAY_S;

	/* A clock that was put back must not put it off for long. */
	if (run->retention_s > now + DAY_S)
		run->retention_s = now + DAY_S;
	if (age == 0 || age >= now || !run->went || run->retention_id != 0 ||
	    now < run->retention_s)
		return;
	run->retention_s = now + DAY_S;
	if (!ask(run, now - age))
		run_retention_over(run);
}

bool
run_retention_done(struct run *run, const struct ipc_message *message)
{
	struct ipc_coded answer;

	if (run->retention_id == 0 || message->id != run->retention_id ||
	    !ipc_coded_read(message, &answer))
		return false;
	run->retention_id = 0;
	if (answer.code == 0) {
		/* Lines for an administrator. */
		say(SAY_INFO, "retention: %.*s", (int)strcspn((const char *)answer.rest.data, "\n"),
		    (const char *)answer.rest.data);
		return true;
	}
	say(SAY_WARNING, "retention: the persons of old records could not be erased");
	run->retention_s = ipc_now() + AGAIN_S;
	return true;
}

/* Who was asked is gone. */
void
run_retention_over(struct run *run)
{
	if (run->retention_id != 0)
		run->retention_s = 0;
	run->retention_id = 0;
}
