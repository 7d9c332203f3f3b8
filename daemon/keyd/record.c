/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "ipc/payload.h"
#include "keyd/keyd.h"

struct pending {
	struct pending *next;
	uint64_t id;
	bool act;    /* what done() does may change the state */
	bool fence;  /* of an act: no release is recorded behind it that was judged before */
	bool quorum; /* logd acknowledges it with a cosigned checkpoint */
	logged_fn done;
	void *ctx;
	uint8_t leaf[DK_LEAF_BYTES];
	size_t record_len;
	uint8_t record[];
};

void
keyd_event(struct dk_log_event *event, unsigned class_, enum dk_log_front front, unsigned reason)
{
	*event = (struct dk_log_event){ .class_ = (uint16_t)class_, .time = ipc_now() };
	event->front = (uint8_t)front;
	event->reason = (uint16_t)reason;
	event->decision = reason == DK_CODE_OK ? DK_LOG_DONE : DK_LOG_DENIED;
}

void
keyd_event_device(struct dk_log_event *event, const struct device *device)
{
	memcpy(event->user, device->user, strlen(device->user) + 1);
	memcpy(event->device_name, device->name, strlen(device->name) + 1);
	memcpy(event->device, device->id, sizeof(event->device));
	event->has_device = true;
}

void
keyd_add_factor(struct dk_log_event *event, unsigned type, enum ipc_process verifier, uint64_t root)
{
	struct dk_log_factor *f = &event->factor[event->factor_count++];

	*f = (struct dk_log_factor){ (uint16_t)type, (uint8_t)verifier, root };
}

struct pending *
keyd_record_make(const struct dk_log_event *event, logged_fn done, void *ctx)
{
	size_t cap =
	    DK_LOG_OTHER_MAX_BYTES + (size_t)event->object_count * (21 + DK_LOG_OBJECT_BYTES);
	struct pending *p = malloc(sizeof(*p) + cap);

	if (!p)
		return NULL;
	if (dk_record_encode(event, p->record, cap, &p->record_len, p->leaf) != DK_OK) {
		free(p);
		return NULL;
	}
	p->act = false;
	p->fence = dk_log_class_is_act(event->class_);
	p->quorum = event->class_ == DK_LOG_RELEASE && event->mode == DK_LOG_STRICT;
	p->done = done;
	p->ctx = ctx;
	return p;
}

static bool
send_append(struct keyd *keyd, const struct pending *p, const struct keyd_nonce *nonce)
{
	static const uint8_t none[32];
	uint8_t head[8 + 1 + 32 + 8 + 32 + 16 + 8 + 2] = { 0 };
	const struct dk_part parts[] = { { p->leaf, sizeof(p->leaf) }, { head, sizeof(head) },
		{ nonce ? nonce->charges : NULL,
		    nonce ? (size_t)nonce->charge_count * IPC_CHARGE_BYTES : 0 },
		{ p->record, p->record_len } };
	struct dk_writer_buf wr;

	if (nonce) {
		dk_wr_init(&wr, head, sizeof(head));
		dk_wr_u64(&wr, nonce->generation);
		dk_wr_u8(&wr, (uint8_t)nonce->policy_rule);
		dk_wr_bytes(&wr, nonce->policy ? nonce->policy : none, 32);
		dk_wr_u64(&wr, nonce->created);
		dk_wr_bytes(&wr, nonce->device ? nonce->device : none, 32);
		dk_wr_bytes(&wr, nonce->device ? nonce->nonce : none, DK_NONCE_BYTES);
		dk_wr_u64(&wr, nonce->until);
	}
	head[sizeof(head) - 2] = p->quorum ? DK_LOG_STRICT : DK_LOG_PROMPT;
	head[sizeof(head) - 1] = (uint8_t)(nonce ? nonce->charge_count : 0);
	return ipc_send(keyd->logd, IPC_APPEND, p->id, parts, 4);
}

void
keyd_record_drop(struct pending *pending)
{
	free(pending);
}

void
keyd_record_send(struct keyd *keyd, struct pending *p, const struct keyd_nonce *nonce)
{
	bool full = keyd->pending_count >= KEYD_PENDING_MAX;

	p->id = ++keyd->next_id;
	if (full || !send_append(keyd, p, nonce)) {
		p->done(keyd, full ? DK_CODE_BUSY : DK_CODE_UNAVAILABLE, NULL, p->ctx);
		free(p);
		return;
	}
	p->next = keyd->pending;
	keyd->pending = p;
	keyd->pending_count++;
	keyd->acts_on_way += p->fence;
}

void
keyd_log(struct keyd *keyd, struct dk_log_event *event, const struct keyd_nonce *nonce,
    logged_fn done, void *ctx)
{
	const struct keyd_nonce act = { .generation = keyd->state.generation };
	struct pending *p;

	if (!nonce && dk_log_class_is_act(event->class_))
		nonce = &act;
	event->suppressed = keyd->denials.suppressed;
	p = keyd_record_make(event, done, ctx);
	if (!p) {
		done(keyd, DK_CODE_UNAVAILABLE, NULL, ctx);
		return;
	}
	p->act = true;
	keyd->denials.suppressed = 0;
	keyd_record_send(keyd, p, nonce);
}

static struct pending **
find_pending(struct keyd *keyd, uint64_t id)
{
	struct pending **link = &keyd->pending;

	while (*link && (*link)->id != id)
		link = &(*link)->next;
	return link;
}

static bool
parse_appended(const struct ipc_message *message, const struct pending *p, unsigned *ret_code,
    struct dk_receipt *r)
{
	struct ipc_appended a;

	if (!ipc_appended_read(message, &a))
		return false;
	*ret_code = a.code;
	*r = (struct dk_receipt){ .leaf = p->leaf,
		.index = a.index,
		.hash_count = a.hash_count,
		.hashes = a.hashes,
		.checkpoint = a.checkpoint.data,
		.checkpoint_len = a.checkpoint.len,
		.record = p->record,
		.record_len = p->record_len };
	return true;
}

void
keyd_records_end(struct keyd *keyd)
{
	struct pending *p;

	while ((p = keyd->pending)) {
		keyd->pending = p->next;
		if (!p->act)
			p->done(keyd, DK_CODE_UNAVAILABLE, NULL, p->ctx);
		free(p);
	}
}

bool
keyd_on_appended(struct keyd *keyd, const struct ipc_message *message)
{
	struct pending **link = find_pending(keyd, message->id), *p = *link;
	struct dk_receipt receipt;
	unsigned code;

	/* After a violation it stays among those that wait, in vain. */
	if (!p || !parse_appended(message, p, &code, &receipt) ||
	    (!dk_code_known(code) && !keyd->share.on))
		return false;
	if (code == DK_CODE_OK && p->quorum && !keyd_quorum_holds(keyd, &receipt)) {
		say(SAY_ERROR,
		    "what logd acknowledged is not in a log that the witnesses cosigned");
		return false;
	}
	*link = p->next;
	keyd->pending_count--;
	keyd->acts_on_way -= p->fence;
	if (p->act)
		keyd_state_lock(keyd);
	p->done(keyd, code, code == DK_CODE_OK ? &receipt : NULL, p->ctx);
	if (p->act)
		keyd_state_unlock(keyd);
	free(p);
	return true;
}

void
keyd_result(struct keyd *keyd, uint64_t id, unsigned code, const uint8_t *body, size_t len)
{
	const uint8_t head[2] = { (uint8_t)(code >> 8), (uint8_t)code };
	const struct dk_part parts[] = { { head, sizeof(head) }, { body, len } };

	(void)ipc_send(keyd->httpd, IPC_RESULT, id, parts, len > 0 ? 2 : 1);
}
