/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pump that encrypts and decrypts in parallel, built with ThreadSanitizer
 * where the compiler has it (tests/unit/meson.build). With an argument, one run
 * touches what only emit may: the sanitizer must see that, or it sees nothing.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "format/pump.h"

#define BATCHES 5000
#define NEVER UINT64_MAX

struct lane {
	uint64_t ticket;
	uint64_t result;
};

/* What a run is to do; then what came of it. */
struct run {
	uint64_t batches; /* claim says that there are no more */
	uint64_t done_at; /* emit says so */
	uint64_t fail_from;
	unsigned lanes_max;
	uint64_t claimed; /* claim is called by one thread at a time: no lock here */
	uint64_t emitted; /* and so is emit */
	atomic_uint lanes, freed;
};

static int careless;
static pthread_barrier_t meet; /* the control: both threads touch it, unordered */

static void
expect(int ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "not so: %s\n", what);
	exit(1);
}

static dk_err
lane_new(void *ctx, void **ret_lane)
{
	struct run *run = ctx;
	struct lane *lane;

	if (atomic_load(&run->lanes) == run->lanes_max)
		return DK_ERR_NOMEM;
	lane = calloc(1, sizeof(*lane));
	expect(lane != NULL, "memory");
	atomic_fetch_add(&run->lanes, 1);
	*ret_lane = lane;
	return DK_OK;
}

static struct run *current;

static void
lane_free(void *lane)
{
	atomic_fetch_add(&current->freed, 1);
	free(lane);
}

static bool
claim(void *ctx, void *arg, uint64_t ticket)
{
	struct run *run = ctx;
	struct lane *lane = arg;

	expect(ticket == run->claimed, "tickets are claimed in order");
	if (ticket == run->batches)
		return false;
	run->claimed++;
	lane->ticket = ticket;
	return true;
}

/* Takes longer for some than for others. */
static void
work(void *ctx, void *arg)
{
	struct lane *lane = arg;
	uint64_t x = lane->ticket * 2654435761u + 1;
	unsigned rounds = (unsigned)(x >> 7) % 2000;

	for (unsigned i = 0; i < rounds; i++)
		x ^= x << 13 ^ x >> 7;
	lane->result = lane->ticket + (x == 0);
	if (!careless)
		return;
	/* The first batch is done before there are threads; these two are in different ones. */
	if (lane->ticket == 1 || lane->ticket == 2)
		(void)pthread_barrier_wait(&meet);
	((struct run *)ctx)->emitted += 0 * x + 1;
}

static dk_err
emit(void *ctx, void *arg, bool *ret_done)
{
	struct run *run = ctx;
	const struct lane *lane = arg;

	if (lane->ticket >= run->fail_from)
		return lane->ticket == run->fail_from ? DK_ERR_WRITE : DK_ERR_READ;
	expect(careless || (lane->ticket == run->emitted && lane->result == lane->ticket),
	    "batches are emitted in order, when they are done");
	run->emitted++;
	*ret_done = lane->ticket == run->done_at;
	return DK_OK;
}

static const struct dk_pump_ops ops = { lane_new, lane_free, claim, work, emit };

static dk_err
pump(struct run *run, unsigned jobs)
{
	dk_err err;

	current = run;
	err = dk_pump_run(&ops, run, jobs);
	expect(atomic_load(&run->freed) == atomic_load(&run->lanes), "each lane is freed");
	expect(atomic_load(&run->lanes) <= dk_pump_lanes(jobs), "no more lanes than agreed");
	return err;
}

static struct run
fresh(void)
{
	return (struct run){
		.batches = BATCHES, .done_at = NEVER, .fail_from = NEVER, .lanes_max = 1000
	};
}

static void
all_ways(unsigned jobs)
{
	struct run run = fresh();

	expect(pump(&run, jobs) == DK_OK && run.emitted == BATCHES, "every batch is emitted");

	run = fresh();
	run.batches = NEVER;
	run.done_at = BATCHES - 1;
	expect(pump(&run, jobs) == DK_OK && run.emitted == BATCHES, "emit can end the work");
	expect(run.claimed - BATCHES < dk_pump_lanes(jobs), "no more is claimed than lanes hold");

	run = fresh();
	run.fail_from = BATCHES / 2;
	expect(pump(&run, jobs) == DK_ERR_WRITE, "the first error is the one told");
	expect(run.emitted == BATCHES / 2, "what is before the error is emitted, and no more");

	for (uint64_t few = 0; few < 4; few++) {
		run = fresh();
		run.batches = few;
		expect(pump(&run, jobs) == DK_OK && run.emitted == few, "few batches");
	}
}

static void
lanes_short(unsigned jobs)
{
	for (unsigned max = 0; max < 3; max++) {
		struct run run = fresh();
		dk_err err;

		run.lanes_max = max;
		err = pump(&run, jobs);
		/* Whether the next lane was wanted at all is up to the scheduler. */
		expect(err == DK_ERR_NOMEM || (max > 0 && err == DK_OK && run.emitted == BATCHES),
		    "a lane that cannot be had ends the work");
	}
}

int
main(int argc, char **argv)
{
	static const unsigned jobs[] = { 1, 2, 3, 8, DK_PUMP_LANES_MAX };

	(void)argv;
	careless = argc > 1;
	if (careless) {
		struct run run = fresh();

		expect(pthread_barrier_init(&meet, NULL, 2) == 0, "a barrier");
		(void)pump(&run, 2);
		return 0;
	}
	for (unsigned i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
		all_ways(jobs[i]);
		lanes_short(jobs[i]);
	}
	return 0;
}
