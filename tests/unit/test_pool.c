/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of keyd's threads, built with ThreadSanitizer where the compiler has
 * it (tests/unit/meson.build). With an argument, one run touches what the main
 * thread owns: the sanitizer must see that, or it sees nothing.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "keyd/pool.h"

#define PIECES 20000
#define UNDER_WAY 64

struct piece {
	struct work work;
	unsigned number, rounds;
	unsigned long result, seen;
};

struct owner {
	struct pool pool;
	pthread_rwlock_t lock;
	unsigned long state; /* under the lock; changed by the main thread alone */
	unsigned done, under_way;
};

static struct owner owner;
static unsigned long touched; /* the control: nobody's lock is held */
static int careless;
static pthread_barrier_t meet;
static pthread_t caller;
static int has_caller; /* set while the threads have nothing */

static void
expect(int ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "not so: %s\n", what);
	exit(1);
}

static void
second_run(struct work *work)
{
	struct piece *p = (struct piece *)work;

	p->result = p->result * 2 + 1;
	p->rounds++;
}

static void
first_run(struct work *work)
{
	struct piece *p = (struct piece *)work;

	(void)pthread_rwlock_rdlock(&owner.lock);
	p->seen = owner.state;
	expect(!has_caller || pthread_equal(pthread_self(), caller), "it runs in the main thread");
	(void)pthread_rwlock_unlock(&owner.lock);
	p->result = p->number;
	p->rounds++;
	if (!careless)
		return;
	/* Two threads touch it right after they have met: nothing orders that. */
	if (p->rounds == 1 && p->number < 2)
		(void)pthread_barrier_wait(&meet);
	touched++;
}

static void
ended(struct work *work, void *ctx)
{
	struct piece *p = (struct piece *)work;
	struct owner *o = ctx;

	expect(o == &owner, "the owner is handed on");
	if (p->rounds == 1) {
		p->work.run = second_run;
		pool_put(&o->pool, work, true);
		return;
	}
	expect(
	    p->rounds == 2 && p->result == 2ul * p->number + 1, "each piece ran twice, in order");
	expect(p->seen <= o->state, "the state was one that there was");
	o->done++;
	o->under_way--;
	free(p);
}

static void
put_one(unsigned number)
{
	struct piece *p = calloc(1, sizeof(*p));

	expect(p != NULL, "memory");
	p->number = number;
	p->work.run = first_run;
	p->work.done = ended;
	owner.under_way++;
	pool_put(&owner.pool, &p->work, false);
	if (number % 16 != 0)
		return;
	(void)pthread_rwlock_wrlock(&owner.lock);
	owner.state++;
	(void)pthread_rwlock_unlock(&owner.lock);
}

static void
collect(void)
{
	struct pollfd fd = { .fd = owner.pool.wake, .events = POLLIN };

	while (owner.pool.held_count > 0)
		pool_hand_over(&owner.pool, &owner);
	if (owner.pool.given == 0)
		return;
	expect(poll(&fd, 1, 10000) == 1, "what is finished wakes the main thread");
	pool_collect(&owner.pool, &owner);
}

/* One small piece runs in the main thread, before the call returns, and so does what its end puts.
 */
static void
alone(unsigned number)
{
	unsigned done = owner.done;

	caller = pthread_self();
	has_caller = 1;
	put_one(number);
	pool_hand_over(&owner.pool, &owner);
	pool_hand_over(&owner.pool, &owner);
	expect(owner.done == done + 1 && owner.pool.given == 0, "one piece alone is done at once");
	owner.done = done;
	has_caller = 0;
}

int
main(int argc, char **argv)
{
	unsigned next = 0, left = 0;
	struct work *work;

	(void)argv;
	careless = argc > 1;
	expect(pthread_rwlock_init(&owner.lock, NULL) == 0, "a lock");
	expect(pthread_barrier_init(&meet, NULL, 2) == 0, "a barrier");
	expect(pool_start(&owner.pool, 4) && owner.pool.threads == 4, "threads");
	while (owner.done < PIECES) {
		while (next < PIECES && owner.under_way < UNDER_WAY)
			put_one(next++);
		collect();
	}
	alone(next++);
	/* The end, with work under way: nothing is lost, nothing comes twice. */
	for (unsigned i = 0; i < UNDER_WAY / 2; i++)
		put_one(next++);
	pool_hand_over(&owner.pool, &owner);
	for (unsigned i = 0; i < UNDER_WAY / 2; i++)
		put_one(next++);
	pool_stop(&owner.pool);
	while ((work = pool_left(&owner.pool))) {
		left++;
		free(work);
	}
	expect(left == UNDER_WAY && owner.done == PIECES, "all is given back at the end");
	return 0;
}
