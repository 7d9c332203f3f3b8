/* SPDX-License-Identifier: Apache-2.0 */
#include "format/pump.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

/* A lane of the caller with the batch that it holds. */
struct held {
	void *lane;
	uint64_t ticket;
	struct held *next; /* free ones: the last one used comes first, its memory is cached */
};

struct pump {
	const struct dk_pump_ops *ops;
	void *ctx;
	pthread_mutex_t claim_lock;
	uint64_t next;        /* ticket to claim; under claim_lock */
	bool drained;         /* nothing left to claim; under claim_lock */
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t freed;
	/* Batches that are done, by ticket: fewer lanes than places are in flight. */
	struct held *done[DK_PUMP_LANES_MAX];
	uint64_t turn; /* ticket to emit */
	bool emitting; /* a thread is at it */
	bool stop;
	dk_err err;
	struct held *free;
	struct held held[DK_PUMP_LANES_MAX];
	unsigned made, most; /* lanes */
};

static void
end(struct pump *p, dk_err err)
{
	if (!p->stop)
		p->err = err;
	p->stop = true;
	pthread_cond_broadcast(&p->freed);
}

static bool
stopped(struct pump *p)
{
	bool stop;

	pthread_mutex_lock(&p->lock);
	stop = p->stop;
	pthread_mutex_unlock(&p->lock);
	return stop;
}

static bool
claim(struct pump *p, struct held *held)
{
	bool got = false;

	pthread_mutex_lock(&p->claim_lock);
	if (!p->drained && !stopped(p)) {
		got = p->ops->claim(p->ctx, held->lane, p->next);
		if (got)
			held->ticket = p->next++;
		else
			p->drained = true;
	}
	pthread_mutex_unlock(&p->claim_lock);
	return got;
}

static struct held *
make(struct pump *p)
{
	struct held *held = &p->held[p->made];
	dk_err err = p->ops->lane_new(p->ctx, &held->lane);

	if (err != DK_OK) {
		end(p, err);
		return NULL;
	}
	p->made++;
	return held;
}

/* A lane to work in, waiting for one if need be; NULL if the work has ended. */
static struct held *
take(struct pump *p)
{
	struct held *held = NULL;

	pthread_mutex_lock(&p->lock);
	while (!p->stop && !p->free && p->made == p->most)
		pthread_cond_wait(&p->freed, &p->lock);
	if (!p->stop && p->free) {
		held = p->free;
		p->free = held->next;
	} else if (!p->stop) {
		held = make(p);
	}
	pthread_mutex_unlock(&p->lock);
	return held;
}

static void
give(struct pump *p, struct held *held)
{
	held->next = p->free;
	p->free = held;
	pthread_cond_signal(&p->freed);
}

static void
put_back(struct pump *p, struct held *held)
{
	pthread_mutex_lock(&p->lock);
	give(p, held);
	pthread_mutex_unlock(&p->lock);
}

/* Emit what is done and in order, others' batches too. */
static void
emit_done(struct pump *p)
{
	struct held **place = &p->done[p->turn % DK_PUMP_LANES_MAX];

	while (!p->stop && *place) {
		struct held *held = *place;
		bool done = false;
		dk_err err;

		pthread_mutex_unlock(&p->lock);
		err = p->ops->emit(p->ctx, held->lane, &done);
		pthread_mutex_lock(&p->lock);
		if (err != DK_OK || done)
			end(p, err);
		*place = NULL;
		give(p, held);
		place = &p->done[++p->turn % DK_PUMP_LANES_MAX];
	}
}

/*
 * Whoever comes first with the batch whose turn it is emits, and goes on with
 * what others have finished meanwhile: nobody waits for a turn.
 */
static void
hand_over(struct pump *p, struct held *held)
{
	pthread_mutex_lock(&p->lock);
	p->done[held->ticket % DK_PUMP_LANES_MAX] = held;
	if (!p->emitting) {
		p->emitting = true;
		emit_done(p);
		p->emitting = false;
	}
	pthread_mutex_unlock(&p->lock);
}

/* One batch; false if there is no further one. */
static bool
step(struct pump *p)
{
	struct held *held = take(p);

	if (!held)
		return false;
	if (!claim(p, held)) {
		put_back(p, held);
		return false;
	}
	p->ops->work(p->ctx, held->lane);
	hand_over(p, held);
	return true;
}

static void *
run(void *arg)
{
	struct pump *p = arg;

	while (step(p))
		;
	return NULL;
}

static unsigned
threads_of(unsigned jobs)
{
	cpu_set_t set;
	int n = 1;

	if (jobs == 0) {
		if (sched_getaffinity(0, sizeof(set), &set) == 0)
			n = CPU_COUNT(&set);
		jobs = n > 0 ? (unsigned)n : 1;
	}
	return jobs < DK_PUMP_LANES_MAX ? jobs : DK_PUMP_LANES_MAX;
}

/* Threads that cannot be had are done without: one lane suffices. */
static unsigned
start(struct pump *p, pthread_t *threads, unsigned want)
{
	sigset_t all, before;
	unsigned n = 0;

	/* Signals belong to the program's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	while (n < want && pthread_create(&threads[n], NULL, run, p) == 0)
		n++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return n;
}

dk_err
dk_pump_progress(const struct dk_work *work, uint64_t done)
{
	if (work && work->progress && work->progress(work->progress_ctx, done) != 0)
		return DK_ERR_CANCELLED;
	return DK_OK;
}

dk_err
dk_pump_run(const struct dk_pump_ops *ops, void *ctx, unsigned jobs)
{
	struct pump p = { .ops = ops,
		.ctx = ctx,
		.claim_lock = PTHREAD_MUTEX_INITIALIZER,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.freed = PTHREAD_COND_INITIALIZER };
	pthread_t threads[DK_PUMP_LANES_MAX];
	unsigned count = threads_of(jobs);
	unsigned started = 0;

	p.most = dk_pump_lanes(count);
	/* Threads start only once there is more than one batch. */
	if (step(&p)) {
		started = start(&p, threads, count - 1);
		while (step(&p))
			;
	}
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < p.made; i++)
		ops->lane_free(p.held[i].lane);
	return p.err;
}
