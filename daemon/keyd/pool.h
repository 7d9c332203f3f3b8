/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads of keyd that compute, docs/decisions/0021. They never send, never
 * receive and never change the state: the main thread hands them a piece of work
 * and takes it back when it is done.
 */
#ifndef DK_KEYD_POOL_H
#define DK_KEYD_POOL_H

#include <pthread.h>
#include <stdbool.h>

#define POOL_THREADS_MAX 16

struct work {
	struct work *next;
	unsigned cost;                                     /* 0 counts as 1 */
	void (*run)(struct work *work);                    /* in a thread */
	void (*done)(struct work *work, void *pool_owner); /* in the main thread */
};

struct work_list {
	struct work *first;
	struct work *last;
};

struct pool {
	/* of the main thread alone: work that waits for the end of the round, and how
	 * many pieces the threads have */
	struct work_list held, held_urgent;
	unsigned held_count, given;
	pthread_mutex_t mutex;
	pthread_cond_t more;
	struct work_list urgent; /* taken before what is waiting */
	struct work_list waiting;
	struct work_list finished;
	unsigned untold; /* cost of what is finished and nobody was woken for */
	bool stopping;
	int wake; /* readable while something is finished that is to be collected */
	unsigned threads;
	pthread_t thread[POOL_THREADS_MAX];
};

/* threads: 0 for one for each CPU that this process may use. */
bool pool_start(struct pool *pool, unsigned threads);
/* Waits for what is running; what is waiting is left, for pool_left(). */
void pool_stop(struct pool *pool);
/* After pool_stop(): one piece of work that was not given back, or NULL. */
struct work *pool_left(struct pool *pool);
/* Only held until pool_hand_over(). */
void pool_put(struct pool *pool, struct work *work, bool urgent);
/* Hands the threads what was put, at the end of a round. One small piece, where they have
 * nothing to do, is done at once by the main thread: to wake another one and to be woken by
 * it would take as long. */
void pool_hand_over(struct pool *pool, void *owner);
/* Calls done() for all that is finished. While there is more to do, threads wake the
 * main thread for several pieces of work together, the cost of which is small. */
void pool_collect(struct pool *pool, void *owner);

#endif
