/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many batches worked on at once and handed out in order.
 *
 * Each thread owns one lane and does everything for one batch: claim it, work
 * on it, wait for its turn, emit it. There are no queues and no further
 * threads; memory is one buffer a lane. Because batches are emitted in order,
 * the first error in the order of the bytes is the one that is reported, and
 * what was handed out before it is the same however many threads there are.
 */
#ifndef DK_FORMAT_PUMP_H
#define DK_FORMAT_PUMP_H

#include <stdbool.h>

#include "doublekey/io.h"

/* At most this many threads: 32 batches of one segment of at most 1 MiB bound the
 * memory. */
#define DK_PUMP_LANES_MAX 32u
/* What two lanes and the pipes before and behind them hold fits a core's cache
 * then; larger batches only add misses. */
#define DK_PUMP_BATCH_BYTES 262144u

struct dk_pump_ops {
	dk_err (*lane_new)(void *ctx, void **ret_lane);
	void (*lane_free)(void *lane);
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
dk_pump_batch_segments(uint32_t segment_len)
{
	return segment_len < DK_PUMP_BATCH_BYTES ? DK_PUMP_BATCH_BYTES / segment_len : 1;
}

/* Tell the caller how far the work is; work may be NULL. DK_ERR_CANCELLED. */
DK_MUST_USE dk_err dk_pump_progress(const struct dk_work *work, uint64_t done);

/* jobs: 0 means as many as the process may run on at once. */
DK_MUST_USE dk_err dk_pump_run(const struct dk_pump_ops *ops, void *ctx, unsigned jobs);

#endif
