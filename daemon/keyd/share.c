/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state that nodes share, spec/cluster.md section 4.
 *
 *   look:  TAKING (the newest one that is kept) -> ANCHORING (what the log has behind it)
 *            nothing          in force
 *            one act          WAITING for the node that did it, a second; then carried out
 *                             here, as after a crash -> PUTTING
 *   act:   its record is durable, the state changed -> PUTTING -> answered
 *
 * While any of this goes on, no release is sent to the log: it would be refused there.
 * What this node put is known to be the shared state when it is told so, or finds it.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ipc/payload.h"
#include "keyd/keyd.h"
#include "keyd/release.h"

#define WAIT_FIRST_MS 20
#define WAIT_LAST_MS 200
#define TRIES_MAX 9 /* somewhat more than a second in all */

struct share_wait {
	struct share_wait *next;
	share_wait_fn go_on;
	void *ctx;
};

static uint64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

bool
keyd_share_busy(const struct keyd *keyd)
{
	return keyd->share.step != SHARE_IDLE;
}

/* Of this node's own state, what is kept is asked for too: it may be another one. */
static void
take(struct keyd *keyd)
{
	const uint64_t from = keyd->state.generation + (keyd->share.sealed ? 0 : 1);
	uint8_t payload[8];
	const struct dk_part part = { payload, sizeof(payload) };
	struct dk_writer_buf wr;

	dk_wr_init(&wr, payload, sizeof(payload));
	dk_wr_u64(&wr, from);
	keyd->share.step = SHARE_TAKING;
	if (!ipc_send(keyd->logd, IPC_STATE_TAKE, 0, &part, 1))
		say_fatal("logd cannot be asked");
}

void
keyd_share_begin(struct keyd *keyd)
{
	keyd->share.tries = 0;
	take(keyd);
}

void
keyd_share_look(struct keyd *keyd)
{
	if (keyd->share.on && keyd->anchored && keyd->share.step == SHARE_IDLE)
		keyd_share_begin(keyd);
}

static void
wait_a_little(struct keyd *keyd)
{
	unsigned ms = WAIT_FIRST_MS << (keyd->share.tries < 4 ? keyd->share.tries : 4);

	keyd->share.tries++;
	keyd->share.step = SHARE_WAITING;
	keyd->share.next_ms = now_ms() + (ms < WAIT_LAST_MS ? ms : WAIT_LAST_MS);
}

/* It is away, which is nobody's act; who waits for a release is told. */
static void
wait_for_database(struct keyd *keyd)
{
	struct job *job;

	keyd->share.tries = 0;
	keyd->share.step = SHARE_WAITING;
	keyd->share.next_ms = now_ms() + WAIT_LAST_MS;
	while ((job = keyd->share.jobs)) {
		keyd->share.jobs = job->next;
		keyd_release_end(keyd, job, DK_CODE_UNAVAILABLE);
	}
	keyd_ready_unavailable(keyd);
}

void
keyd_share_step(struct keyd *keyd)
{
	if (keyd->share.step != SHARE_WAITING)
		return;
	if (now_ms() >= keyd->share.next_ms)
		take(keyd);
	else if (keyd->child.tick_ms > WAIT_FIRST_MS)
		keyd->child.tick_ms = WAIT_FIRST_MS;
}

void
keyd_share_wait(struct keyd *keyd, share_wait_fn go_on, void *ctx)
{
	struct share_wait *w = malloc(sizeof(*w));

	if (!w)
		say_fatal("no memory");
	*w = (struct share_wait){ keyd->share.waits, go_on, ctx };
	keyd->share.waits = w;
	keyd_share_look(keyd);
}

void
keyd_share_wait_job(struct keyd *keyd, struct job *job)
{
	job->next = keyd->share.jobs;
	keyd->share.jobs = job;
	keyd_share_look(keyd);
}

/* ---- the end of it ---- */

static void
end_act(struct keyd *keyd, bool ok)
{
	committed_fn done = keyd->share.done;

	free(keyd->share.sealed);
	keyd->share.sealed = NULL;
	keyd->share.done = NULL;
	if (done)
		done(keyd, ok, keyd->share.done_ctx);
}

static void
let_others_go_on(struct keyd *keyd)
{
	struct share_wait *w = keyd->share.waits, *next;
	struct job *job = keyd->share.jobs, *next_job;

	keyd->share.waits = NULL;
	keyd->share.jobs = NULL;
	for (; w; w = next) {
		next = w->next;
		w->go_on(keyd, w->ctx);
		free(w);
	}
	for (; job; job = next_job) {
		next_job = job->next;
		keyd_judge_anew(keyd, job);
	}
}

static void
finish(struct keyd *keyd)
{
	keyd->share.step = SHARE_IDLE;
	keyd->share.tries = 0;
	if (!keyd->anchored) {
		keyd->anchored = true;
		keyd_begin(keyd);
	}
	/* It is there: nobody was told of a newer one, or it is looked for at once. */
	if (keyd->share.heard > keyd->state.generation)
		keyd_share_begin(keyd);
	else
		let_others_go_on(keyd);
}

/* ---- another node's state ---- */

static bool
same_versions(const struct service_key *a, const struct service_key *b)
{
	bool same = a && a->version_count == b->version_count;

	for (unsigned i = 0; same && i < a->version_count; i++)
		same = a->version[i].state == b->version[i].state;
	return same;
}

static bool
has_approved(const struct state *state, const struct approved *approved)
{
	unsigned n;
	const struct approved *a = approved_of(&state->approved, approved->name, &n);

	for (unsigned i = 0; i < n; i++)
		if (a[i].index == approved->index)
			return true;
	return false;
}

static void
tell_approved(struct keyd *keyd, const struct state *before)
{
	for (unsigned i = 0; i < before->approved.count; i++)
		if (!has_approved(&keyd->state, &before->approved.item[i]))
			keyd_tell_approved(keyd, &before->approved.item[i], false);
	for (unsigned i = 0; i < keyd->state.approved.count; i++)
		if (!has_approved(before, &keyd->state.approved.item[i]))
			keyd_tell_approved(keyd, &keyd->state.approved.item[i], true);
}

/* authd learns what is other than it was, and was told of the rest before; nothing is ever
 * unknown again. */
static void
tell_differences(struct keyd *keyd, struct state *before)
{
	for (unsigned i = 0; i < keyd->state.device_count; i++) {
		struct device *d = keyd->state.device[i], *was = state_device(before, d->id);

		if (!was || was->state != d->state || strcmp(was->user, d->user) != 0)
			keyd_tell_device(keyd, d);
		else
			d->told = was->told;
	}
	for (unsigned i = 0; i < keyd->state.key_count; i++) {
		struct service_key *key = keyd->state.key[i];
		const struct service_key *was = state_key_by_name(before, key->name);

		if (!same_versions(was, key))
			keyd_tell_key(keyd, key);
		else
			key->told = was->told;
		if (was && was->canary && !key->frozen) {
			key->canary = true;
			key->canary_index = was->canary_index;
		}
	}
	tell_approved(keyd, before);
}

/* Requests of a device may be under way, and threads read its key. */
static void
bring_pkeys(struct keyd *keyd, struct state *before)
{
	for (unsigned i = 0; keyd->anchored && i < keyd->state.device_count; i++) {
		struct device *d = keyd->state.device[i], *was = state_device(before, d->id);

		if (!was) {
			(void)keyd_device_pkey(keyd, d);
			continue;
		}
		d->pkey = was->pkey;
		was->pkey = NULL;
	}
}

/* Both slots: what was destroyed elsewhere is in neither. */
static void
adopt(struct keyd *keyd)
{
	struct state before = keyd->state;

	keyd->state = keyd->share.next;
	keyd->share.next = (struct state){ .generation = 0 };
	keyd->share.has_next = false;
	keyd->changes++;
	bring_pkeys(keyd, &before);
	keyd->state.erase = true;
	keyd_write_slots(keyd);
	if (keyd->anchored)
		tell_differences(keyd, &before);
	state_clear(&before);
}

/* ---- this node's state ---- */

static void
put(struct keyd *keyd)
{
	uint8_t head[8];
	const struct dk_part parts[] = { { head, sizeof(head) },
		{ keyd->share.sealed, keyd->share.sealed_len } };
	struct dk_writer_buf wr;

	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u64(&wr, keyd->state.generation);
	keyd->share.step = SHARE_PUTTING;
	if (!ipc_send(keyd->logd, IPC_STATE_PUT, 0, parts, 2))
		say_fatal("the sealed store cannot be sent to logd");
}

static void
seal_own(struct keyd *keyd)
{
	free(keyd->share.sealed);
	if (sealed_make(&keyd->store, &keyd->state, &keyd->share.sealed, &keyd->share.sealed_len) !=
	    DK_OK)
		say_fatal("the sealed store cannot be made");
}

void
keyd_share_put(struct keyd *keyd, committed_fn done, void *ctx)
{
	seal_own(keyd);
	keyd->share.done = done;
	keyd->share.done_ctx = ctx;
	/* A look that is under way comes to it by itself. */
	if (keyd->share.step == SHARE_IDLE)
		put(keyd);
}

static void
is_shared(struct keyd *keyd)
{
	keyd_write_slots(keyd);
	end_act(keyd, true);
	finish(keyd);
}

bool
keyd_on_state_put_done(struct keyd *keyd, const struct ipc_message *message)
{
	unsigned code;

	if (!ipc_state_put_done_read(message, &code) || keyd->share.step != SHARE_PUTTING)
		return false;
	if (code == DK_CODE_OK)
		is_shared(keyd);
	else if (code == IPC_CODE_STALE)
		take(keyd); /* it has another one: that is looked at now */
	else
		wait_for_database(keyd); /* whether it was kept is not known */
	return true;
}

/* ---- what is there ---- */

/* True if it is this node's own. */
static bool
open_taken(struct keyd *keyd, const struct dk_part *sealed)
{
	struct share *share = &keyd->share;
	dk_err err;

	if (share->sealed && sealed->len == share->sealed_len &&
	    memcmp(sealed->data, share->sealed, sealed->len) == 0)
		return true;
	if (share->has_next)
		state_clear(&share->next);
	share->next = (struct state){ .generation = 0 };
	err = sealed_take(&keyd->store, sealed->data, sealed->len, &share->next);
	if (err != DK_OK)
		say_fatal(
		    "store-foreign: the state in the database does not open: %s", dk_err_text(err));
	if (share->next.generation < keyd->state.generation)
		say_fatal("store-rolled-back: the database has an older state than this node");
	share->has_next = true;
	return false;
}

static bool
take_kept(struct keyd *keyd, const struct ipc_state_taken *taken)
{
	struct share *share = &keyd->share;

	share->nothing_kept = taken->kept == 0;
	if (taken->sealed.len > 0 && open_taken(keyd, &taken->sealed))
		return true;
	/* Of an own act the record is there already, and the state is one behind. */
	if (taken->kept != 0 && taken->kept + (share->sealed ? 1 : 0) < keyd->state.generation)
		say_fatal("store-rolled-back: the database has an older state than this node");
	return false;
}

bool
keyd_on_state_taken(struct keyd *keyd, const struct ipc_message *message)
{
	struct share *share = &keyd->share;
	struct ipc_state_taken taken;

	if (!ipc_state_taken_read(message, &taken) || share->step != SHARE_TAKING ||
	    (taken.code == DK_CODE_NOT_FOUND && keyd->anchored))
		return false;
	if (taken.code == DK_CODE_NOT_FOUND) {
		share->step = SHARE_ANCHORING;
		keyd_anchor_ask(keyd, &keyd->state);
		return true;
	}
	share->on = true;
	if (taken.code != DK_CODE_OK) {
		wait_for_database(keyd);
		return true;
	}
	if (take_kept(keyd, &taken)) {
		is_shared(keyd);
		return true;
	}
	share->step = SHARE_ANCHORING;
	keyd_anchor_ask(keyd, share->has_next ? &share->next : &keyd->state);
	return true;
}

/* The node that did the act has had its time. */
static void
carry_out_for_another(struct keyd *keyd, const struct ipc_entry *entry)
{
	if (keyd->share.has_next)
		adopt(keyd);
	keyd_catch_up(keyd, entry);
	keyd->share.step = SHARE_IDLE;
	keyd_commit(keyd, entry->index, entry->leaf, NULL, NULL);
}

static void
is_newest(struct keyd *keyd)
{
	struct share *share = &keyd->share;

	if (share->has_next) {
		adopt(keyd);
		end_act(keyd, false); /* what this node had put was not taken */
		finish(keyd);
		return;
	}
	if (share->nothing_kept && !share->sealed)
		seal_own(keyd);
	if (share->sealed)
		put(keyd);
	else
		finish(keyd);
}

bool
keyd_share_on_anchored(struct keyd *keyd, const struct ipc_anchored *a)
{
	struct share *share = &keyd->share;
	unsigned acts;

	if (share->step != SHARE_ANCHORING)
		return false;
	if (a->code != DK_CODE_OK) {
		wait_for_database(keyd);
		return true;
	}
	acts = keyd_anchor_check(share->has_next ? &share->next : &keyd->state, a);
	if (acts == 0)
		is_newest(keyd);
	else if (share->tries < TRIES_MAX)
		wait_a_little(keyd);
	else if (acts == 1)
		carry_out_for_another(keyd, &a->entry[0]);
	else
		say_fatal(
		    "store-rolled-back: the log has acts that the sealed store does not know");
	return true;
}

bool
keyd_on_state_new(struct keyd *keyd, const struct ipc_message *message)
{
	uint64_t generation;

	if (!ipc_number_read(message, 8, &generation))
		return false;
	if (generation > keyd->share.heard)
		keyd->share.heard = generation;
	if (generation > keyd->state.generation)
		keyd_share_look(keyd);
	return true;
}
