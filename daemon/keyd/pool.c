/* SPDX-License-Identifier: Apache-2.0 */
#include "keyd/pool.h"

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* All of it is locked in memory, so it is no larger than it must be. */
#define STACK_BYTES (512 * 1024)

/* What may be finished, and be about to be, without the main thread being woken: a
 * millisecond or two. */
#define POOL_UNTOLD_MAX 12

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
first_of(struct work_list *urgent, struct work_list *others)
{
	struct work *work = take(urgent);

	return work ? work : take(others);
}

static unsigned
cost_of(const struct work *work)
{
	return work->cost > 0 ? work->cost : 1;
}

/* Locked. What is finished waits for what is next, if both are small. */
static bool
must_tell(struct pool *pool, const struct work *next)
{
	if (pool->untold == 0 || (next && pool->untold + cost_of(next) <= POOL_UNTOLD_MAX))
		return false;
	pool->untold = 0;
	return true;
}

static struct work *
take_any(struct pool *pool)
{
	return pool->stopping ? NULL : first_of(&pool->urgent, &pool->waiting);
}

/* It fails only if the counter is full, and then it is readable. */
static void
wake(const struct pool *pool)
{
	static const uint64_t one = 1;
	ssize_t n = write(pool->wake, &one, sizeof(one));

	(void)n;
}

/* Gives back what is done, and takes what is next; NULL: nothing now. */
static struct work *
exchange_work(struct pool *pool, struct work *done)
{
	struct work *work;
	bool tell;

	(void)pthread_mutex_lock(&pool->mutex);
	add(&pool->finished, done);
	pool->untold += cost_of(done);
	work = take_any(pool);
	tell = must_tell(pool, work);
	(void)pthread_mutex_unlock(&pool->mutex);
	if (tell)
		wake(pool);
	return work;
}

/* NULL: the pool stops. */
static struct work *
wait_for_work(struct pool *pool)
{
	struct work *work;

	(void)pthread_mutex_lock(&pool->mutex);
	while (!(work = take_any(pool)) && !pool->stopping)
		(void)pthread_cond_wait(&pool->more, &pool->mutex);
	(void)pthread_mutex_unlock(&pool->mutex);
	return work;
}

static void *
thread_main(void *arg)
{
	struct pool *pool = arg;
	struct work *work;

	while ((work = wait_for_work(pool)))
		while (work) {
			work->run(work);
			work = exchange_work(pool, work);
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
	struct work *work = first_of(&pool->held_urgent, &pool->held);

	if (!work)
		work = first_of(&pool->urgent, &pool->waiting);
	return work ? work : take(&pool->finished);
}

void
pool_put(struct pool *pool, struct work *work, bool urgent)
{
	add(urgent ? &pool->held_urgent : &pool->held, work);
	pool->held_count++;
}

static void
append(struct work_list *to, struct work_list *from)
{
	struct work *work;

	while ((work = take(from)))
		add(to, work);
}

void
pool_hand_over(struct pool *pool, void *owner)
{
	unsigned count = pool->held_count;
	struct work *work;

	pool->held_count = 0;
	if (count == 1 && pool->given == 0) {
		work = first_of(&pool->held_urgent, &pool->held);
		if (cost_of(work) == 1) {
			work->run(work);
			work->done(work, owner);
			return;
		}
		add(&pool->held, work);
	}
	if (count == 0)
		return;
	pool->given += count;
	(void)pthread_mutex_lock(&pool->mutex);
	append(&pool->urgent, &pool->held_urgent);
	append(&pool->waiting, &pool->held);
	for (unsigned i = 0; i < count && i < pool->threads; i++)
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
	pool->untold = 0;
	(void)pthread_mutex_unlock(&pool->mutex);
	while ((work = take(&finished))) {
		pool->given--;
		work->done(work, owner);
	}
}
