/* SPDX-License-Identifier: Apache-2.0 */
#include "keyd/gates.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/child.h"

static const uint8_t no_document[32];

void
keyd_gates_clear(struct keyd_gates *gates)
{
	gates_clear(&gates->confirmations);
	gates_clear(&gates->sessions);
	free(gates->waiting);
	gates->waiting = NULL;
	gates->waiting_count = 0;
}

static void
forget(struct keyd_gates *gates, unsigned i)
{
	gates->waiting_count--;
	memmove(&gates->waiting[i], &gates->waiting[i + 1],
	    (gates->waiting_count - i) * sizeof(*gates->waiting));
}

static bool
same(const struct waiting *a, const struct waiting *b)
{
	return strcmp(a->person, b->person) == 0 &&
	    memcmp(a->document, b->document, sizeof(a->document)) == 0 &&
	    memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static bool
of_same_place(const struct waiting *a, const struct waiting *b)
{
	return strcmp(a->person, b->person) == 0 &&
	    memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

/* Old ones, the same one, and the oldest of a person and address with too many. */
static void
make_room(struct keyd_gates *gates, const struct waiting *w)
{
	unsigned kept = 0, count = 0, oldest = 0;

	for (unsigned i = 0; i < gates->waiting_count; i++) {
		const struct waiting *one = &gates->waiting[i];

		if (one->time + WAITING_S <= w->time || same(one, w))
			continue;
		if (of_same_place(one, w) && count++ == 0)
			oldest = kept;
		if (kept != i)
			gates->waiting[kept] = *one;
		kept++;
	}
	gates->waiting_count = kept;
	if (count >= WAITING_PERSON_MAX)
		forget(gates, oldest);
	else if (kept == WAITING_MAX)
		forget(gates, 0);
}

void
keyd_gates_wait(struct keyd_gates *gates, const struct waiting *waiting)
{
	if (!gates->waiting)
		gates->waiting = calloc(WAITING_MAX, sizeof(*gates->waiting));
	if (!gates->waiting)
		say_fatal("no memory");
	make_room(gates, waiting);
	gates->waiting[gates->waiting_count++] = *waiting;
}

unsigned
keyd_gates_waiting(struct keyd_gates *gates, const char *person, const uint8_t address[16],
    uint64_t now, const struct waiting *ret[WAITING_PERSON_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < gates->waiting_count && n < WAITING_PERSON_MAX; i++) {
		const struct waiting *w = &gates->waiting[i];

		if (w->time + WAITING_S > now && strcmp(w->person, person) == 0 &&
		    memcmp(w->address, address, 16) == 0)
			ret[n++] = w;
	}
	return n;
}

static const struct gate *
of_device(const struct gates *gates, const uint8_t device[32])
{
	for (unsigned i = 0; i < gates->count; i++)
		if (memcmp(gates->item[i].device, device, 32) == 0)
			return &gates->item[i];
	return NULL;
}

bool
keyd_gates_revoke(struct keyd_gates *gates, const uint8_t device[32], struct ipc_gate *ret)
{
	const struct gate *gate = of_device(&gates->confirmations, device);

	ret->session = gate == NULL;
	if (!gate)
		gate = of_device(&gates->sessions, device);
	if (!gate)
		return false;
	ret->gate = *gate;
	ret->gate.until = 0;
	gates_drop(ret->session ? &gates->sessions : &gates->confirmations, ret->gate.name);
	return true;
}

static bool
is_active(struct state *state, const uint8_t device[32])
{
	const struct device *d = state_device(state, device);

	return d && d->state == DEVICE_ACTIVE;
}

/* The record of its making is root. */
static const struct gate *
find(const struct gates *gates, struct state *state, const uint8_t name[32],
    const uint8_t address[16], uint64_t root, uint64_t now)
{
	const struct gate *gate = gates_find(gates, name, address, now);

	return gate && gate->index == root && is_active(state, gate->device) ? gate : NULL;
}

bool
keyd_gates_take(struct keyd_gates *gates, struct state *state, const struct dk_log_factor *factor,
    unsigned n, const char *person, const uint8_t document[32], const uint8_t address[16],
    uint64_t now, struct gate_use *use)
{
	const struct gate *confirmation = NULL;
	uint8_t name[32];

	for (unsigned i = 0; i < n; i++) {
		if (factor[i].type == DK_FACTOR_SESSION) {
			gate_name(no_document, person, name);
			if (!find(&gates->sessions, state, name, address, factor[i].root, now))
				return false;
		} else if (factor[i].type == DK_FACTOR_CONFIRMATION && use->taken) {
			if (!is_active(state, use->device))
				return false;
		} else if (factor[i].type == DK_FACTOR_CONFIRMATION) {
			gate_name(document, person, name);
			confirmation =
			    find(&gates->confirmations, state, name, address, factor[i].root, now);
			if (!confirmation)
				return false;
		}
	}
	if (confirmation) {
		use->taken = true;
		memcpy(use->name, confirmation->name, sizeof(use->name));
		memcpy(use->device, confirmation->device, sizeof(use->device));
		gates_drop(&gates->confirmations, use->name);
	}
	return true;
}
