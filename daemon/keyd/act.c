/* SPDX-License-Identifier: Apache-2.0 */
/* Acts: what changes the state. One at a time (I4), recorded first (I3). */
#include <stdlib.h>
#include <string.h>

#include "keyd/keyd.h"

void
keyd_state_lock(struct keyd *keyd)
{
	if (keyd->lock_depth++ > 0)
		return;
	(void)pthread_rwlock_wrlock(&keyd->state_lock);
}

void
keyd_state_unlock(struct keyd *keyd)
{
	if (--keyd->lock_depth == 0)
		(void)pthread_rwlock_unlock(&keyd->state_lock);
}

/* Strangers can have enrolments wait; a freeze must find a place all the same. */
static unsigned *
deferred_count(struct keyd *keyd, const struct ipc_channel *channel, unsigned *ret_max)
{
	bool stranger = channel == keyd->authd;

	*ret_max = stranger ? KEYD_DEFERRED_MAX : KEYD_DEFERRED_ADMIN_MAX;
	return stranger ? &keyd->deferred_count : &keyd->deferred_admin_count;
}

bool
keyd_defer(struct keyd *keyd, struct ipc_channel *channel, const struct ipc_message *message,
    bool *ret_refused)
{
	unsigned max, *count = deferred_count(keyd, channel, &max);
	struct deferred *d;

	*ret_refused = false;
	if (!keyd->acting)
		return false;
	d = *count < max ? malloc(sizeof(*d) + message->len) : NULL;
	if (!d) {
		*ret_refused = true;
		return true;
	}
	*d = (struct deferred){
		.channel = channel, .type = message->type, .id = message->id, .len = message->len
	};
	memcpy(d->data, message->data, message->len);
	if (keyd->deferred_last)
		keyd->deferred_last->next = d;
	else
		keyd->deferred_first = d;
	keyd->deferred_last = d;
	(*count)++;
	return true;
}

void
keyd_act_begin(struct keyd *keyd)
{
	keyd->acting = true;
}

void
keyd_act_end(struct keyd *keyd)
{
	struct ipc_message message;
	struct deferred *d;
	unsigned max;

	keyd->acting = false;
	/* What ends within what comes here goes on here: not one call inside another. */
	if (keyd->resuming)
		return;
	keyd->resuming = true;
	while (!keyd->acting && (d = keyd->deferred_first)) {
		keyd->deferred_first = d->next;
		if (!d->next)
			keyd->deferred_last = NULL;
		(*deferred_count(keyd, d->channel, &max))--;
		message = (struct ipc_message){ d->type, d->id, d->data, d->len };
		if (!d->channel->handler(d->channel->ctx, d->channel, &message)) {
			d->channel->violated = true;
			d->channel->violation_type = d->type;
			ipc_child_violation(&keyd->child, d->channel);
		}
		free(d);
	}
	keyd->resuming = false;
}

void
keyd_commit(struct keyd *keyd, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES], committed_fn done,
    void *ctx)
{
	/* Here and not with each lock: what changes nothing, such as a flood of
	 * refused enrolments, must not have releases judged anew for ever. */
	keyd->changes++;
	keyd->state.generation++;
	keyd->state.log_size = index + 1;
	memcpy(keyd->state.log_leaf, leaf, DK_LEAF_BYTES);
	if (keyd->share.on) {
		keyd_share_put(keyd, done, ctx);
		return;
	}
	keyd_write_slots(keyd);
	if (done)
		done(keyd, true, ctx);
}

/* If this fails the record stands and the effect does not. Going on would
 * show a state that a restart forgets. */
void
keyd_write_slots(struct keyd *keyd)
{
	if (sealed_write(&keyd->store, &keyd->state) != DK_OK)
		say_fatal("the sealed store cannot be written");
	if (keyd->state.erase)
		keyd_erase(keyd);
}

/* The slot that still has the destroyed key is written over. */
void
keyd_erase(struct keyd *keyd)
{
	keyd->state.erase = false;
	if (sealed_write(&keyd->store, &keyd->state) != DK_OK)
		say_fatal("the sealed store cannot be written");
}

static void
tell(struct keyd *keyd, unsigned type, uint64_t id, const struct dk_part *parts, unsigned n)
{
	(void)ipc_send(keyd->authd, type, id, parts, n);
	keyd->told++;
}

void
keyd_tell_gate(struct keyd *keyd, const struct ipc_gate *gate)
{
	uint8_t payload[IPC_GATE_BYTES];
	const struct dk_part part = { payload, sizeof(payload) };

	ipc_gate_write(gate, payload);
	tell(keyd, IPC_GATE, 0, &part, 1);
}

void
keyd_tell_approved(struct keyd *keyd, const struct approved *approved, bool stands)
{
	uint8_t payload[IPC_APPROVED_BYTES];
	const struct dk_part part = { payload, sizeof(payload) };
	struct approved told = *approved;

	if (!stands)
		told.until = 0;
	ipc_approved_write(&told, payload);
	tell(keyd, IPC_APPROVED, 0, &part, 1);
}

static void
revoke_gates(struct keyd *keyd, const uint8_t device[32])
{
	struct ipc_gate gate;

	while (keyd_gates_revoke(&keyd->gates, device, &gate))
		keyd_tell_gate(keyd, &gate);
}

void
keyd_tell_device(struct keyd *keyd, const struct device *device)
{
	const struct dk_part parts[] = { { device->id, sizeof(device->id) }, { &device->state, 1 },
		{ device->user, strlen(device->user) } };
	struct device *own = state_device(&keyd->state, device->id);

	tell(keyd, IPC_DEVICE, 0, parts, 3);
	if (own && own->credential) {
		const struct dk_part more[] = { { own->id, sizeof(own->id) },
			{ own->spki, sizeof(own->spki) },
			{ own->credential->id, own->credential->len } };

		tell(keyd, IPC_AUTHENTICATOR, 0, more, 3);
	}
	if (own && own->state != DEVICE_ACTIVE)
		revoke_gates(keyd, own->id);
	if (own)
		own->told = keyd->told;
}

void
keyd_tell_key(struct keyd *keyd, struct service_key *key)
{
	/* What a rule names of a DKE key, authd sees in the request. */
	if (key->dke_name[0])
		return;
	for (unsigned i = 0; i < key->version_count; i++) {
		const struct dk_part parts[] = { { key->version[i].id, 32 },
			{ &key->version[i].state, 1 }, { key->name, strlen(key->name) } };

		tell(keyd, IPC_SERVICE_KEY, 0, parts, 3);
	}
	key->told = keyd->told;
}

void
keyd_tell_logged(struct keyd *keyd, uint64_t id, unsigned code, bool other)
{
	const uint8_t answer[2] = { (uint8_t)(code >> 8), (uint8_t)code };
	const struct dk_part part = { answer, sizeof(answer) };

	tell(keyd, IPC_POLICY_LOGGED, id, &part, 1);
	if (code == DK_CODE_OK && other)
		keyd->told_in_force = keyd->told;
}
