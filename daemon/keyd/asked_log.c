/* SPDX-License-Identifier: Apache-2.0 */
/* What approvers were asked for before this process, or at another node: denials in the log. It is
 * read when it is asked for first; those who ask meanwhile wait. */
#include <stdlib.h>
#include <string.h>

#include "ipc/payload.h"
#include "keyd/keyd.h"

#define ENTRIES_MAX 65536 /* the newest ones */
#define ENTRIES_AT_ONCE 1024
#define WAITS_MAX 64

struct asked_wait {
	struct asked_wait *next;
	uint64_t id;
	size_t len;
	uint8_t data[];
};

static void
ask(struct keyd *keyd, uint64_t first)
{
	uint8_t payload[8 + 4];
	const struct dk_part part = { payload, sizeof(payload) };
	struct dk_writer_buf wr;

	dk_wr_init(&wr, payload, sizeof(payload));
	dk_wr_u64(&wr, first);
	dk_wr_u32(&wr, ENTRIES_AT_ONCE);
	if (!ipc_send(keyd->logd, IPC_ENTRIES, 0, &part, 1))
		say_fatal("logd cannot be asked");
}

bool
keyd_asked_wait(struct keyd *keyd, const struct ipc_message *message)
{
	struct asked_list *asked = &keyd->asked;
	struct asked_wait *w;

	if (asked->read == ASKED_READ)
		return false;
	w = asked->wait_count < WAITS_MAX ? malloc(sizeof(*w) + message->len) : NULL;
	if (!w) {
		keyd_result(keyd, message->id, DK_CODE_BUSY, NULL, 0);
		return true;
	}
	*w = (struct asked_wait){ asked->waits, message->id, message->len };
	memcpy(w->data, message->data, message->len);
	asked->waits = w;
	asked->wait_count++;
	if (asked->read == ASKED_NOT_READ) {
		asked->read = ASKED_READING;
		ask(keyd, INT64_MAX); /* none is there: it tells the size */
	}
	return true;
}

static void
let_go_on(struct keyd *keyd)
{
	struct asked_wait *w = keyd->asked.waits, *next;

	keyd->asked.read = ASKED_READ;
	keyd->asked.waits = NULL;
	keyd->asked.wait_count = 0;
	for (; w; w = next) {
		const struct ipc_message message = { IPC_APPROVE_PASSED, w->id, w->data, w->len };

		next = w->next;
		(void)keyd_on_approve(keyd, &message); /* it had its layout before */
		free(w);
	}
}

/* Of a denial for want of approvals, with all that the list has. */
static void
take(struct keyd *keyd, const struct dk_log_event *e)
{
	struct asked_item asked = { .time = e->time };
	const struct service_key *key;

	if (e->class_ != DK_LOG_DENIAL || e->front != DK_LOG_DKE ||
	    e->reason != DK_CODE_APPROVAL_REQUIRED || !e->is_person || e->person_erased ||
	    e->rule[0] == '\0' || e->key_version == 0 || e->object_count != 1 ||
	    e->time + ASKED_S <= ipc_now())
		return;
	key = state_key_by_name(&keyd->state, e->key_name);
	if (!key || key->dke_name[0] == '\0')
		return;
	memcpy(asked.person, e->user, sizeof(asked.person));
	memcpy(asked.key, key->dke_name, sizeof(key->dke_name));
	memcpy(asked.rule, e->rule, sizeof(asked.rule));
	memcpy(asked.document, e->objects[0].core_digest, sizeof(asked.document));
	asked_put(&keyd->asked, &asked);
}

/* Nothing rests on it: a record that does not open its leaf is passed over. They ascend from what
 * was asked for, so that each answer comes nearer to the end: ENTRIES_MAX questions at most. */
static bool
take_all(struct keyd *keyd, struct dk_reader_buf *rd, unsigned n)
{
	static struct dk_log_object objects[DK_LOG_OBJECTS_MAX];
	static struct dk_log_event event;

	for (unsigned i = 0; i < n; i++) {
		uint64_t index = dk_rd_u64(rd);
		const uint8_t *leaf = dk_rd_bytes(rd, DK_LEAF_BYTES);
		size_t len = dk_rd_u32(rd);
		const uint8_t *record = dk_rd_bytes(rd, len);

		if (!record || index < keyd->asked.next || index >= INT64_MAX)
			return false;
		keyd->asked.next = index + 1;
		if (dk_record_open(record, len, leaf, objects, &event) == DK_OK)
			take(keyd, &event);
	}
	return dk_rd_left(rd) == 0;
}

bool
keyd_on_entries(struct keyd *keyd, const struct ipc_message *message)
{
	struct asked_list *asked = &keyd->asked;
	struct ipc_coded done;
	struct dk_reader_buf rd;
	uint64_t size;
	unsigned n;

	if (asked->read != ASKED_READING || !ipc_coded_read(message, &done))
		return false;
	dk_rd_init(&rd, done.rest.data, done.rest.len);
	size = dk_rd_u64(&rd);
	n = dk_rd_u32(&rd);
	if (rd.failed || !take_all(keyd, &rd, n))
		return false;
	if (asked->end == 0) {
		asked->end = size;
		asked->next = size > ENTRIES_MAX ? size - ENTRIES_MAX : 0;
	} else if (n == 0) {
		asked->next = asked->end;
	}
	if (done.code == DK_CODE_OK && asked->next < asked->end)
		ask(keyd, asked->next);
	else
		let_go_on(keyd);
	return true;
}
