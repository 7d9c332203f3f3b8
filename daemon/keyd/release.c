/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/release, spec/key-service.md sections 3 and 6.
 *
 *   main thread        on_release      send_record -> logd -> logged        sealed
 *                          |              ^                      |            ^
 *   threads of the pool    +-> judge -----+                      +-> seal ----+
 *
 * One request alone is done in the main thread (pool.h). A job holds unwrapped shares between judge
 * and sealed. Invariant I1 is kept in logged(): nothing else lets a share be sealed, and it does so
 * only with the receipt of a durable record. What was judged by a state that an act has changed
 * since is judged anew before it is recorded; what authd judged before it knew what it should have
 * judged by is answered with busy, since authd has seen what it needs for that and keyd has not.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "keyd/release.h"

/* Records go to logd together, so that they share one commit: as soon as nobody
 * is judged any more, or there are this many, or the first waited this long. */
#define GROUP_RECORDS 32
#define GROUP_WAIT_MS 4

/* ---- refused ---- */

static void
refusal_logged(struct keyd *keyd, unsigned code, const struct dk_receipt *receipt, void *ctx)
{
	struct job *job = ctx;

	if (code == DK_CODE_OK && job->dke)
		dke_denied(keyd, job, receipt->index);
	if (code != DK_CODE_OK) { /* what it would have counted */
		keyd->denials.suppressed += job->suppressed;
		keyd_denial_unrecorded(&keyd->denials, &job->counted);
	}
	/* What authd knew is as old: it is asked again. */
	if (code == IPC_CODE_STALE)
		keyd_share_look(keyd);
	keyd_result(keyd, job->id, code == DK_CODE_OK ? job->code : code, NULL, 0);
	job_free(job);
}

/* Who has a revoked device is nobody here, and must not fill the log; strangers must
 * not hide what he does either. */
static bool
may_record(struct keyd *keyd, const struct job *job)
{
	if (job->dke)
		return dke_may_record(keyd, job->dke, job->code);
	if (job->device && job->device->state == DEVICE_ACTIVE)
		return true;
	return keyd_may_record_denial(keyd, job->device ? DENIED_REVOKED : DENIED_STRANGER);
}

void
release_refuse(struct keyd *keyd, struct job *job, unsigned code)
{
	/* What logd refused, it refused by the newest state. */
	const bool by_logd = code == DK_CODE_REPLAY || code == DK_CODE_BUDGET;
	const struct keyd_nonce terms = { .generation = by_logd ? 0 : job->generation };
	struct dk_log_event event;
	struct pending *pending;

	job->code = code;
	dk_wipe(job->items, job->room * sizeof(job->items[0]));
	keyd_record_drop(job->pending);
	job->pending = NULL;
	keyd->denials.suppressed += job->suppressed;
	job->suppressed = 0;
	keyd->denials.newest = (struct keyd_counted){ .second = 0 };
	if (!may_record(keyd, job)) {
		if (job->dke)
			dke_wanted(keyd, job, false);
		keyd_result(keyd, job->id, code, NULL, 0);
		job_free(job);
		return;
	}
	job->counted = keyd->denials.newest;
	for (unsigned i = 0; i < job->count; i++)
		if (job->objects[i].code == DK_CODE_OK || job->dke)
			job->objects[i].code = (uint16_t)code;
	job_event(job, DK_LOG_DENIAL, code, &event);
	event.suppressed = keyd->denials.suppressed;
	pending = keyd_record_make(&event, refusal_logged, job);
	if (!pending) {
		refusal_logged(keyd, DK_CODE_UNAVAILABLE, NULL, job);
		return;
	}
	job->suppressed = keyd->denials.suppressed;
	keyd->denials.suppressed = 0;
	keyd_record_send(keyd, pending, &terms);
}

/* ---- answered ---- */

static void
sealed(struct work *work, void *owner)
{
	struct job *job = (struct job *)work;

	keyd_result(owner, job->id, job->answer ? DK_CODE_OK : DK_CODE_INTERNAL, job->answer,
	    job->answer_len);
	job_free(job);
}

static void
seal(struct work *work)
{
	job_answer((struct job *)work);
}

static void
logged(struct keyd *keyd, unsigned code, const struct dk_receipt *receipt, void *ctx)
{
	struct job *job = ctx;

	if (code == DK_CODE_REPLAY || code == DK_CODE_BUDGET) {
		release_refuse(keyd, job, code);
		return;
	}
	if (code == IPC_CODE_STALE) {
		if (job->generation < keyd->state.generation && !keyd_share_busy(keyd))
			keyd_judge_anew(keyd, job);
		else
			keyd_share_wait_job(keyd, job);
		return;
	}
	if (code == IPC_CODE_POLICY_DIFFERS)
		code = DK_CODE_UNAVAILABLE;
	if (code != DK_CODE_OK) {
		keyd_release_end(keyd, job, code);
		return;
	}
	job->suppressed = 0; /* they are in its record */
	if (job->dke) {
		dke_answer(keyd, job);
		return;
	}
	if (job_keep_receipt(job, receipt)) {
		job->work.run = seal;
		job->work.done = sealed;
		pool_put(&keyd->pool, &job->work, true);
		return;
	}
	keyd_release_end(keyd, job, DK_CODE_INTERNAL);
}

/* ---- judged ---- */

void
keyd_release_end(struct keyd *keyd, struct job *job, unsigned code)
{
	keyd->denials.suppressed += job->suppressed;
	keyd_result(keyd, job->id, code, NULL, 0);
	job_free(job);
}

/* Nothing that authd allowed or denied goes to the log by another way. */
static void
send_record(struct keyd *keyd, struct job *job)
{
	struct keyd_nonce nonce = { .generation = job->generation,
		.policy_rule = IPC_POLICY_SAME,
		.policy = job->policy,
		.created = job->sig.created,
		.device = job->dke ? NULL : job->sig.key_id,
		.nonce = job->sig.nonce,
		.charge_count = job->charge_count,
		.charges = job->charges };
	struct pending *pending = job->pending;

	if (job_outdated(keyd, job)) {
		keyd_release_end(keyd, job, IPC_CODE_STALE);
		return;
	}
	if (job->dke && !dke_gates_hold(keyd, job)) {
		release_refuse(keyd, job, DK_CODE_GATE);
		return;
	}
	if (job->dke)
		dke_use_token(job->dke, &nonce);
	job->pending = NULL;
	keyd_record_send(keyd, pending, &nonce);
}

/* Judges what is there and makes its record. */
static void
make_record(struct keyd *keyd, struct job *job)
{
	struct dk_log_event event;

	job_event(
	    job, job_judge(keyd, job) > 0 ? DK_LOG_RELEASE : DK_LOG_DENIAL, DK_CODE_OK, &event);
	if (event.class_ == DK_LOG_DENIAL) {
		event.decision = DK_LOG_DENIED;
		event.reason = job->objects[0].code;
	}
	event.suppressed = job->suppressed;
	job->pending = keyd_record_make(&event, logged, job);
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* What an act that is on its way to the log may change: it may stand in front already. */
static bool
held(const struct keyd *keyd)
{
	return keyd_share_busy(keyd) || keyd->acts_on_way > 0;
}

static void
ready(struct keyd *keyd, struct job *job)
{
	job->next = NULL;
	if (keyd->ready_last)
		keyd->ready_last->next = job;
	else
		keyd->ready_first = job;
	if (keyd->ready_count++ == 0)
		keyd->ready_ms = now_ms();
	keyd->ready_last = job;
}

/* False: it was refused. */
static bool
device_may(struct keyd *keyd, struct job *job)
{
	const struct device *device = state_device(&keyd->state, job->device->id);

	if (device && device->state == DEVICE_ACTIVE && !keyd->state.frozen)
		return true;
	release_refuse(keyd, job, keyd->state.frozen ? DK_CODE_FROZEN : DK_CODE_DEVICE_REVOKED);
	return false;
}

/* In the main thread, behind what tokend did; it may have taken its time. */
void
release_conclude(struct keyd *keyd, struct job *job)
{
	if (!job->dke && !device_may(keyd, job))
		return;
	if (keyd_share_busy(keyd)) {
		keyd_share_wait_job(keyd, job);
		return;
	}
	if (keyd->acts_on_way > 0) {
		job->seen = keyd->changes - 1; /* is judged anew */
		ready(keyd, job);
		return;
	}
	job->generation = keyd->state.generation;
	if (job->dke) {
		job_reset(job);
		job->code = dke_check(keyd, job);
		if (job->code != DK_CODE_OK) {
			release_refuse(keyd, job, job->code);
			return;
		}
	}
	make_record(keyd, job);
	job->seen = keyd->changes;
	if (job->pending)
		ready(keyd, job);
	else
		release_refuse(keyd, job, DK_CODE_BUSY);
}

static void
judge(struct work *work)
{
	struct job *job = (struct job *)work;
	struct keyd *keyd = job->keyd;

	(void)pthread_rwlock_rdlock(&keyd->state_lock);
	job->seen = keyd->changes;
	job->generation = keyd->state.generation;
	job->code = job_check(keyd, job);
	if (job->code == DK_CODE_OK)
		make_record(keyd, job);
	(void)pthread_rwlock_unlock(&keyd->state_lock);
}

static void
judge_in_pool(struct keyd *keyd, struct job *job)
{
	job->suppressed += keyd->denials.suppressed;
	keyd->denials.suppressed = 0;
	keyd->judging++;
	pool_put(&keyd->pool, &job->work, false);
}

static void
judged(struct work *work, void *owner)
{
	struct job *job = (struct job *)work;
	struct keyd *keyd = owner;

	keyd->judging--;
	if (job->code != DK_CODE_OK || !job->pending) {
		release_refuse(keyd, job, job->code != DK_CODE_OK ? job->code : DK_CODE_BUSY);
		return;
	}
	ready(keyd, job);
}

/* What needs tokend, or keys of devices other than the requester's. */
static void
judge_here(struct keyd *keyd, struct job *job, bool token)
{
	unsigned code;

	job->generation = keyd->state.generation;
	code = job_check(keyd, job);
	if (code != DK_CODE_OK)
		release_refuse(keyd, job, code);
	else if (token && !job->answers)
		release_ask_tokens(keyd, job);
	else
		release_conclude(keyd, job);
}

/* By the state of now, another one than before. */
void
keyd_judge_anew(struct keyd *keyd, struct job *job)
{
	struct device *device = job->dke ? NULL : state_device(&keyd->state, job->sig.key_id);
	const bool token = !job->dke && has_token_keys(keyd);

	job_reset(job);
	if (job->dke && dke_ask_token(keyd, job))
		return;
	if (device)
		(void)keyd_device_pkey(keyd, device);
	job->work.run = judge;
	job->work.done = judged;
	if (token || job->answers || job->claims.of[IPC_CLAIM_APPROVALS].len > 0)
		judge_here(keyd, job, token);
	else
		judge_in_pool(keyd, job);
}

void
keyd_ready_unavailable(struct keyd *keyd)
{
	struct job *job;

	while ((job = keyd->ready_first)) {
		keyd->ready_first = job->next;
		keyd_release_end(keyd, job, DK_CODE_UNAVAILABLE);
	}
	keyd->ready_last = NULL;
	keyd->ready_count = 0;
}

static void
send_ready(struct keyd *keyd)
{
	struct job *job = keyd->ready_first, *next;

	keyd->ready_first = keyd->ready_last = NULL;
	keyd->ready_count = 0;
	for (; job; job = next) {
		next = job->next;
		if (job->seen == keyd->changes) {
			send_record(keyd, job);
			continue;
		}
		keyd_judge_anew(keyd, job);
	}
}

/* Whoever is judged, here or by the HSM, goes with those that are ready. */
static bool
group_is_full(const struct keyd *keyd)
{
	return (keyd->judging == 0 && !keyd->token_waits) || keyd->ready_count >= GROUP_RECORDS ||
	    now_ms() - keyd->ready_ms >= GROUP_WAIT_MS;
}

/* After each round of messages. */
void
keyd_releases_go_on(struct keyd *keyd)
{
	pool_collect(&keyd->pool, keyd);
	do {
		pool_hand_over(&keyd->pool, keyd);
		if (keyd->ready_count > 0 && !held(keyd) && group_is_full(keyd))
			send_ready(keyd);
	} while (keyd->pool.held_count > 0); /* what was judged anew */
	keyd->child.tick_ms = keyd->ready_count > 0 && !held(keyd) ? 1 : 1000;
}

void
keyd_releases_end(struct keyd *keyd)
{
	struct work *work;
	struct job *job;

	pool_stop(&keyd->pool);
	while ((work = pool_left(&keyd->pool)))
		job_free((struct job *)work);
	while ((job = keyd->ready_first)) {
		keyd->ready_first = job->next;
		job_free(job);
	}
	while ((job = keyd->share.jobs)) {
		keyd->share.jobs = job->next;
		job_free(job);
	}
	/* Those that wait for logd get no share, and theirs are wiped. */
	keyd_records_end(keyd);
}

/* ---- what comes in ---- */

bool
keyd_on_release(struct keyd *keyd, const struct ipc_message *message)
{
	bool broken;
	struct job *job = job_new(keyd, message, &broken);

	if (job && job->told > keyd->told) {
		job_free(job);
		return false;
	}
	if (!job) {
		if (!broken)
			keyd_result(keyd, message->id, DK_CODE_BUSY, NULL, 0);
		return !broken;
	}
	job->work.cost = job->room;
	keyd_judge_anew(keyd, job);
	return true;
}
