/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Store and log belong together, spec/custody.md section 3: the sealed store
 * names the act in the log that led to it, and before keyd serves anybody it
 * asks logd which acts came behind that one.
 *
 *   none                     they agree
 *   one, of the next
 *   generation               a crash came between record and effect: carry it out
 *   anything else            an older copy of one of the two was put back: stop
 */
#include <stdlib.h>
#include <string.h>

#include "ipc/payload.h"
#include "keyd/admin.h"
#include "keyd/keyd.h"

void
keyd_anchor_ask(struct keyd *keyd, const struct state *state)
{
	uint8_t payload[8];
	const struct dk_part part = { payload, sizeof(payload) };
	struct dk_writer_buf wr;

	dk_wr_init(&wr, payload, sizeof(payload));
	dk_wr_u64(&wr, state->log_size);
	if (!ipc_send(keyd->logd, IPC_ANCHOR, 0, &part, 1))
		say_fatal("logd cannot be asked");
}

/* What only takes away, or gives back, can be done from the record alone. What
 * was made (a key, a code, an enrolment) is lost: nobody was told of it. */
static void
carry_out(struct keyd *keyd, const struct dk_log_event *e)
{
	struct service_key *key = state_key_by_name(&keyd->state, e->key_name);
	struct device *device = state_device(&keyd->state, e->device);
	bool frozen = e->class_ == DK_LOG_FROZEN;

	if (e->class_ == DK_LOG_KEY_DESTROYED && key)
		destroy_version(keyd, key, e->key_version);
	else if (e->class_ == DK_LOG_KEY_STATE && key)
		set_key_state(keyd, key, e->key_version, strcmp(e->note, "enabled") == 0);
	else if (e->class_ == DK_LOG_DEVICE_REVOKED && device)
		device->state = DEVICE_REVOKED;
	else if (e->class_ == DK_LOG_DEVICE_ACCEPTED && device && device->state == DEVICE_WAITS)
		device->state = DEVICE_ACTIVE;
	else if ((e->class_ == DK_LOG_FROZEN || e->class_ == DK_LOG_UNFROZEN) && key)
		key->frozen = frozen;
	else if ((e->class_ == DK_LOG_FROZEN || e->class_ == DK_LOG_UNFROZEN) && !e->key_name[0])
		keyd->state.frozen = frozen;
}

void
keyd_catch_up(struct keyd *keyd, const struct ipc_entry *entry)
{
	struct dk_log_object *objects = malloc(DK_LOG_OBJECTS_MAX * sizeof(*objects));
	struct dk_log_event event;

	if (!objects)
		say_fatal("no memory");
	if (dk_record_open(entry->record.data, entry->record.len, entry->leaf, objects, &event) !=
	    DK_OK)
		say_fatal("log-damaged: the record of the last act does not open its leaf");
	free(objects);
	if (event.generation != keyd->state.generation + 1)
		say_fatal(
		    "store-rolled-back: the log has acts that the sealed store does not know");
	carry_out(keyd, &event);
	say(SAY_WARNING,
	    "the last act (%s) was recorded and not carried out: done now where it can be",
	    dk_log_class_name(event.class_));
}

unsigned
keyd_anchor_check(const struct state *state, const struct ipc_anchored *a)
{
	if (a->size < state->log_size ||
	    (state->log_size > 0 && memcmp(a->leaf, state->log_leaf, DK_LEAF_BYTES) != 0))
		say_fatal(
		    "log-rolled-back: the sealed store names an entry that the log does not have");
	return a->count;
}

bool
keyd_on_anchored(struct keyd *keyd, const struct ipc_message *message)
{
	struct ipc_anchored a;
	unsigned acts;

	if (!ipc_anchored_read(message, &a))
		return false;
	if (keyd->share.on)
		return keyd_share_on_anchored(keyd, &a);
	if (keyd->share.step != SHARE_ANCHORING)
		return false;
	keyd->share.step = SHARE_IDLE;
	if (a.code != DK_CODE_OK)
		say_fatal("the log cannot be read");
	acts = keyd_anchor_check(&keyd->state, &a);
	if (acts > 1)
		say_fatal(
		    "store-rolled-back: the log has acts that the sealed store does not know");
	if (acts == 1) {
		keyd_catch_up(keyd, &a.entry[0]);
		keyd_commit(keyd, a.entry[0].index, a.entry[0].leaf, NULL, NULL);
	}
	keyd->anchored = true;
	keyd_begin(keyd);
	return true;
}
