/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/scan/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "format/header.h"

#define THREADS_MAX 64

struct scan_pool {
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_cond_t done;
	bool ending;
	scan_read_fn read;
	void *ctx;
	unsigned items, chunks;
	/* Positions count up; a chunk stands at its position modulo chunks. */
	unsigned long taken;     /* the next to come out */
	unsigned long begun;     /* the next for a thread */
	unsigned long submitted; /* the next to go in */
	unsigned threads;
	pthread_t thread[THREADS_MAX];
	bool is_done[SCAN_POOL_ITEMS];
	struct scan_chunk chunk[];
};

static void *
run(void *arg)
{
	struct scan_pool *pool = arg;
	uint8_t *block = malloc(DK_HEADER_MAX_BYTES);
	unsigned long at;

	(void)pthread_mutex_lock(&pool->lock);
	for (;;) {
		struct scan_chunk *chunk;

		while (pool->begun == pool->submitted && !pool->ending)
			(void)pthread_cond_wait(&pool->work, &pool->lock);
		if (pool->begun == pool->submitted)
			break;
		at = pool->begun++ % pool->chunks;
		chunk = &pool->chunk[at];
		(void)pthread_mutex_unlock(&pool->lock);
		for (size_t i = 0; i < chunk->count; i++) {
			if (block) {
				pool->read(pool->ctx, chunk, &chunk->item[i], block);
			} else {
				chunk->item[i].outcome = SCAN_BROKEN;
				chunk->item[i].err = DK_ERR_NOMEM;
			}
		}
		(void)pthread_mutex_lock(&pool->lock);
		pool->is_done[at] = true;
		(void)pthread_cond_signal(&pool->done);
	}
	(void)pthread_mutex_unlock(&pool->lock);
	free(block);
	return NULL;
}

struct scan_pool *
scan_pool_new(unsigned threads, unsigned items, scan_read_fn read, void *ctx)
{
	unsigned chunks = SCAN_POOL_ITEMS / items;
	struct scan_pool *pool = calloc(1, sizeof(*pool) + chunks * sizeof(pool->chunk[0]));
	int error;

	if (!pool)
		return NULL;
	pool->read = read;
	pool->ctx = ctx;
	pool->items = items;
	pool->chunks = chunks;
	(void)pthread_mutex_init(&pool->lock, NULL);
	(void)pthread_cond_init(&pool->work, NULL);
	(void)pthread_cond_init(&pool->done, NULL);
	for (unsigned i = 0; i < threads && i < THREADS_MAX; i++) {
		error = pthread_create(&pool->thread[i], NULL, run, pool);
		if (error != 0) {
			scan_pool_free(pool);
			errno = error;
			return NULL;
		}
		pool->threads++;
	}
	return pool;
}

unsigned
scan_pool_items(const struct scan_pool *pool)
{
	return pool->items;
}

static void
clear(struct scan_chunk *chunk)
{
	for (size_t i = 0; i < chunk->count; i++)
		scan_item_clear(&chunk->item[i]);
	if (chunk->dir)
		batch_dir_unref(chunk->dir);
	chunk->dir = NULL;
	chunk->count = 0;
}

void
scan_pool_free(struct scan_pool *pool)
{
	if (!pool)
		return;
	(void)pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	pool->submitted = pool->begun; /* what nobody has begun is not begun */
	(void)pthread_cond_broadcast(&pool->work);
	(void)pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->threads; i++)
		(void)pthread_join(pool->thread[i], NULL);
	for (unsigned i = 0; i < pool->chunks; i++)
		clear(&pool->chunk[i]);
	(void)pthread_cond_destroy(&pool->done);
	(void)pthread_cond_destroy(&pool->work);
	(void)pthread_mutex_destroy(&pool->lock);
	free(pool);
}

struct scan_chunk *
scan_pool_blank(struct scan_pool *pool)
{
	if (pool->submitted - pool->taken == pool->chunks)
		return NULL;
	return &pool->chunk[pool->submitted % pool->chunks];
}

void
scan_pool_submit(struct scan_pool *pool)
{
	(void)pthread_mutex_lock(&pool->lock);
	pool->is_done[pool->submitted % pool->chunks] = false;
	pool->submitted++;
	(void)pthread_cond_signal(&pool->work);
	(void)pthread_mutex_unlock(&pool->lock);
}

struct scan_chunk *
scan_pool_take(struct scan_pool *pool)
{
	unsigned long at = pool->taken % pool->chunks;

	if (pool->taken == pool->submitted)
		return NULL;
	(void)pthread_mutex_lock(&pool->lock);
	while (!pool->is_done[at])
		(void)pthread_cond_wait(&pool->done, &pool->lock);
	(void)pthread_mutex_unlock(&pool->lock);
	return &pool->chunk[at];
}

void
scan_pool_taken(struct scan_pool *pool)
{
	clear(&pool->chunk[pool->taken % pool->chunks]);
	pool->taken++;
}
