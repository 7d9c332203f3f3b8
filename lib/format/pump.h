/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many batches worked on at once and handed out in order.
 *
 * A lane is a buffer with what is needed to work on one batch. A thread takes a
 * free lane, claims a batch, works on it and hands it over. Whichever thread has
 * the batch whose turn it is emits it, and all that others have finished behind
 * it, while these go on with further batches in further lanes: nobody waits for
 * a turn, and the output is written without a gap. There are no further threads.
 * Because batches are emitted in order, the first error in the order of the
 * bytes is the one that is reported, and what was handed out before it is the
 * same however many threads there are.
 */
#ifndef DK_FORMAT_PUMP_H
#define DK_FORMAT_PUMP_H

#include <stdbool.h>

#include "doublekey/io.h"

/* At most this many lanes, and threads: 32 batches of at most 1 MiB bound the memory. */
#define DK_PUMP_LANES_MAX 32u
/*
 * A batch of a stream: what the lanes and the pipes before and behind hold fits
 * a core's cache then, and larger batches only add misses. A long file is read
 * in larger pieces, which takes less time for the same bytes, and there are
 * still batches for all threads.
 */
#define DK_PUMP_BATCH_BYTES (256u << 10)
#define DK_PUMP_LARGE_BATCH_BYTES (1u << 20)
#define DK_PUMP_LARGE_FILE_BYTES (64u << 20)

struct dk_pump_ops {
	dk_err (*lane_new)(void *ctx, void **ret_lane);
	void (*lane_free)(void *lane); /* once all threads have ended */
	/* Take batch number ticket; called by one thread at a time, in order. Reads
	 * a source that can only be read in order. false: there is no such batch. */
	bool (*claim)(void *ctx, void *lane, uint64_t ticket);
	/* In parallel. Errors stay in the lane until emit. */
	void (*work)(void *ctx, void *lane);
	/* In order, one at a time. *ret_done ends the work without error. */
	dk_err (*emit)(void *ctx, void *lane, bool *ret_done);
};

/* Segments of a batch, at least one. */
static inline uint32_t
dk_pump_batch_segments(const struct dk_source *in, uint32_t segment_len)
{
	bool large = in->read_at && in->size >= DK_PUMP_LARGE_FILE_BYTES;
	uint32_t bytes = large ? DK_PUMP_LARGE_BATCH_BYTES : DK_PUMP_BATCH_BYTES;

	return segment_len < bytes ? bytes / segment_len : 1;
}

/* For each thread a lane to work in and one that waits to be emitted. */
static inline unsigned
dk_pump_lanes(unsigned threads)
{
	if (threads == 1)
		return 1;
	return threads < DK_PUMP_LANES_MAX / 2 ? 2 * threads : DK_PUMP_LANES_MAX;
}

/* Tell the caller how far the work is; work may be NULL. DK_ERR_CANCELLED. */
DK_MUST_USE dk_err dk_pump_progress(const struct dk_work *work, uint64_t done);

/* jobs: 0 means as many as the process may run on at once. */
DK_MUST_USE dk_err dk_pump_run(const struct dk_pump_ops *ops, void *ctx, unsigned jobs);

#endif
