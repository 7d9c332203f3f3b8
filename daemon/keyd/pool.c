/* SPDX-License-Identifier: Apache-2.0 */
#include "keyd/pool.h"

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* All of it is locked in memory, so it is no larger than it must be. */
#define STACK_BYTES (512 * 1024)

static void
add(struct work_list *list, struct work *work)
{
	work->next = NULL;
	if (list->last)
		list->last->next = work;
	else
		list->first = work;
	list->last = work;
}

static struct work *
take(struct work_list *list)
{
	struct work *work = list->first;

	if (work)
		list->first = work->next;
	if (!list->first)
		list->last = NULL;
	return work;
}

static struct work *
next_work(struct pool *pool)
{
	struct work *work = NULL;

	(void)pthread_mutex_lock(&pool->mutex);
	while (!pool->stopping && !(work = take(&pool->urgent)) && !(work = take(&pool->waiting)))
		(void)pthread_cond_wait(&pool->more, &pool->mutex);
	(void)pthread_mutex_unlock(&pool->mutex);
	return work;
}

static void *
thread_main(void *arg)
{
	static const uint64_t one = 1;
	struct pool *pool = arg;
	struct work *work;
	bool first;

	while ((work = next_work(pool))) {
		work->run(work);
		(void)pthread_mutex_lock(&pool->mutex);
		first = !pool->finished.first;
		add(&pool->finished, work);
		(void)pthread_mutex_unlock(&pool->mutex);
		/* It fails only if the counter is full, and then it is readable. */
		if (first && write(pool->wake, &one, sizeof(one)) < 0)
			continue;
	}
	return NULL;
}

static unsigned
cpu_count(void)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? (unsigned)CPU_COUNT(&cpus) : 1;
}

bool
pool_start(struct pool *pool, unsigned threads)
{
	sigset_t all, before;
	pthread_attr_t attr;
	bool ok;

	*pool = (struct pool){ .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (threads == 0)
		threads = cpu_count();
	if (threads > POOL_THREADS_MAX)
		threads = POOL_THREADS_MAX;
	(void)sigfillset(&all);
	ok = pool->wake >= 0 && pthread_mutex_init(&pool->mutex, NULL) == 0 &&
	    pthread_cond_init(&pool->more, NULL) == 0 && pthread_attr_init(&attr) == 0;
	if (!ok)
		return false;
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	ok = pthread_attr_setstacksize(&attr, STACK_BYTES) == 0;
	for (unsigned i = 0; ok && i < threads; i++) {
		ok = pthread_create(&pool->thread[i], &attr, thread_main, pool) == 0;
		pool->threads += ok;
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	return ok;
}

void
pool_stop(struct pool *pool)
{
	(void)pthread_mutex_lock(&pool->mutex);
	pool->stopping = true;
	(void)pthread_cond_broadcast(&pool->more);
	(void)pthread_mutex_unlock(&pool->mutex);
	for (unsigned i = 0; i < pool->threads; i++)
		(void)pthread_join(pool->thread[i], NULL);
	pool->threads = 0;
}

struct work *
pool_left(struct pool *pool)
{
	struct work *work = take(&pool->urgent);

	if (!work)
		work = take(&pool->waiting);
	return work ? work : take(&pool->finished);
}

void
pool_put(struct pool *pool, struct work *work, bool urgent)
{
	(void)pthread_mutex_lock(&pool->mutex);
	add(urgent ? &pool->urgent : &pool->waiting, work);
	(void)pthread_cond_signal(&pool->more);
	(void)pthread_mutex_unlock(&pool->mutex);
}

void
pool_collect(struct pool *pool, void *owner)
{
	struct work_list finished;
	struct work *work;
	uint64_t count;

	/* Before the list is taken: what comes later makes it readable again. */
	if (read(pool->wake, &count, sizeof(count)) < 0)
		count = 0;
	(void)pthread_mutex_lock(&pool->mutex);
	finished = pool->finished;
	pool->finished = (struct work_list){ NULL, NULL };
	(void)pthread_mutex_unlock(&pool->mutex);
	while ((work = take(&finished)))
		work->done(work, owner);
}
