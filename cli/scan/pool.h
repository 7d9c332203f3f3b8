/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that read headers. Chunks of files of one folder go in, and come out in the order in
 * which they went in. A bounded number of them is under way. All functions are for one thread.
 */
#ifndef DK_CLI_SCAN_POOL_H
#define DK_CLI_SCAN_POOL_H

#include "cli/objects/batch_dir.h"
#include "cli/scan/item.h"

#define SCAN_CHUNK_ITEMS 64
/* Under way in all. With the largest headers there are, this is 256 MiB; with usual ones, 1 MiB. */
#define SCAN_POOL_ITEMS 1024

struct scan_chunk {
	struct batch_dir *dir; /* a reference; NULL in a bucket */
	uint64_t folder;       /* its row */
	size_t count;
	struct scan_item item[SCAN_CHUNK_ITEMS];
};

struct scan_pool;

/* Read one item of a chunk. block has DK_HEADER_MAX_BYTES. Called by several threads, each with a
 * block of its own. */
typedef void (*scan_read_fn)(
    void *ctx, const struct scan_chunk *chunk, struct scan_item *item, uint8_t *block);

/* items: of a chunk, a power of two up to SCAN_CHUNK_ITEMS; those of one are read by one thread.
 * NULL: no memory or no thread, errno is set. */
struct scan_pool *scan_pool_new(unsigned threads, unsigned items, scan_read_fn read, void *ctx);
/* Items that a chunk takes. */
unsigned scan_pool_items(const struct scan_pool *pool);
/* Waits for what is under way. NULL is allowed. */
void scan_pool_free(struct scan_pool *pool);

/* A free chunk to fill, or NULL: all are under way; take one first. */
struct scan_chunk *scan_pool_blank(struct scan_pool *pool);
/* The chunk that scan_pool_blank() gave goes to the threads. */
void scan_pool_submit(struct scan_pool *pool);
/* The oldest chunk that was submitted, when it is done; NULL: there is none. It is cleared by
 * scan_pool_taken(). */
struct scan_chunk *scan_pool_take(struct scan_pool *pool);
void scan_pool_taken(struct scan_pool *pool);

#endif
