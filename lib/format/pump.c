/* SPDX-License-Identifier: Apache-2.0 */
#include "format/pump.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

struct pump {
	const struct dk_pump_ops *ops;
	void *ctx;
	pthread_mutex_t lock;
	/* One for each ticket in flight, so that a turn wakes only whose it is. */
	pthread_cond_t turned[DK_PUMP_LANES_MAX];
	pthread_mutex_t claim_lock;
	uint64_t next; /* ticket to claim; under claim_lock */
	uint64_t turn; /* ticket to emit; under lock */
	bool stop;     /* under lock */
	bool drained;  /* nothing left to claim; under claim_lock */
	dk_err err;    /* under lock */
};

static pthread_cond_t *
turn_of(struct pump *p, uint64_t ticket)
{
	return &p->turned[ticket % DK_PUMP_LANES_MAX];
}

static void
end(struct pump *p, dk_err err)
{
	pthread_mutex_lock(&p->lock);
	if (!p->stop)
		p->err = err;
	p->stop = true;
	for (unsigned i = 0; i < DK_PUMP_LANES_MAX; i++)
		pthread_cond_signal(&p->turned[i]);
	pthread_mutex_unlock(&p->lock);
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
claim(struct pump *p, void *lane, uint64_t *ret_ticket)
{
	bool got = false;

	pthread_mutex_lock(&p->claim_lock);
	if (!p->drained && !stopped(p)) {
		got = p->ops->claim(p->ctx, lane, p->next);
		if (got)
			*ret_ticket = p->next++;
		else
			p->drained = true;
	}
	pthread_mutex_unlock(&p->claim_lock);
	return got;
}

/* Wait until it is the turn of ticket; false if the work has ended. */
static bool
wait_turn(struct pump *p, uint64_t ticket)
{
	bool mine;

	pthread_mutex_lock(&p->lock);
	while (!p->stop && p->turn != ticket)
		pthread_cond_wait(turn_of(p, ticket), &p->lock);
	mine = !p->stop;
	pthread_mutex_unlock(&p->lock);
	return mine;
}

/* One batch; false if there is no further one. */
static bool
step(struct pump *p, void *lane)
{
	uint64_t ticket;
	bool done = false;
	dk_err err;

	if (!claim(p, lane, &ticket))
		return false;
	p->ops->work(p->ctx, lane);
	if (!wait_turn(p, ticket))
		return false;
	err = p->ops->emit(p->ctx, lane, &done);
	if (err != DK_OK || done) {
		end(p, err);
		return false;
	}
	pthread_mutex_lock(&p->lock);
	p->turn++;
	pthread_cond_signal(turn_of(p, p->turn));
	pthread_mutex_unlock(&p->lock);
	return true;
}

static void *
run(void *arg)
{
	struct pump *p = arg;
	void *lane = NULL;
	dk_err err;

	err = p->ops->lane_new(p->ctx, &lane);
	if (err != DK_OK) {
		end(p, err);
		return NULL;
	}
	while (step(p, lane))
		;
	p->ops->lane_free(lane);
	return NULL;
}

static unsigned
lanes(unsigned jobs)
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
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.claim_lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_t threads[DK_PUMP_LANES_MAX];
	unsigned started = 0;
	void *lane = NULL;
	dk_err err;

	for (unsigned i = 0; i < DK_PUMP_LANES_MAX; i++)
		pthread_cond_init(&p.turned[i], NULL);
	err = ops->lane_new(ctx, &lane);
	if (err != DK_OK)
		return err;
	/* Threads start only once there is more than one batch. */
	if (step(&p, lane)) {
		started = start(&p, threads, lanes(jobs) - 1);
		while (step(&p, lane))
			;
	}
	ops->lane_free(lane);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	return p.err;
}
