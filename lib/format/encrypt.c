/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dk_encrypt(): segments of a batch are read to where their ciphertext will
 * stand and encrypted in place.
 */
#include <stdlib.h>
#include <string.h>

#include "doublekey/writer.h"
#include "format/pump.h"
#include "format/seal.h"
#include "format/source.h"

struct job {
	const struct dk_source *in;
	const struct dk_sink *out;
	const struct dk_work *work;
	const struct dk_sealed *sealed;
	size_t payload; /* plaintext bytes of a full segment */
	uint32_t per_batch;
	uint64_t done;
	/* Read ahead by one byte: only that tells whether a segment is the last. */
	uint8_t ahead;
	bool have_ahead;
	bool ended;
};

struct lane {
	uint8_t *buf; /* per_batch segments */
	struct dk_floe_lane *floe;
	uint64_t ticket;
	size_t len; /* plaintext in the batch */
	bool last;
	dk_err err;
};

static bool
in_order(const struct job *job)
{
	return !job->in->read_at;
}

static uint8_t *
payload_at(const struct job *job, const struct lane *lane, size_t index)
{
	return lane->buf + index * job->sealed->segment_len + DK_FLOE_SEGMENT_HEAD_BYTES;
}

static void
lane_free(void *arg)
{
	struct lane *lane = arg;

	if (!lane)
		return;
	dk_floe_lane_free(lane->floe);
	free(lane->buf);
	free(lane);
}

static dk_err
lane_new(void *ctx, void **ret_lane)
{
	const struct job *job = ctx;
	struct lane *lane = calloc(1, sizeof(*lane));
	dk_err err;

	if (!lane)
		return DK_ERR_NOMEM;
	lane->buf = malloc((size_t)job->per_batch * job->sealed->segment_len);
	if (!lane->buf) {
		lane_free(lane);
		return DK_ERR_NOMEM;
	}
	err = dk_floe_lane_new(&lane->floe);
	if (err != DK_OK) {
		lane_free(lane);
		return err;
	}
	*ret_lane = lane;
	return DK_OK;
}

/* Fill the batch, then look one byte ahead. */
static dk_err
read_in_order(struct job *job, struct lane *lane)
{
	size_t got, skip;
	dk_err err;

	for (size_t i = 0; i < job->per_batch; i++) {
		uint8_t *to = payload_at(job, lane, i);

		skip = job->have_ahead ? 1 : 0;
		if (job->have_ahead)
			to[0] = job->ahead;
		job->have_ahead = false;
		err = dk_source_fill(job->in, 0, to + skip, job->payload - skip, &got);
		if (err != DK_OK)
			return err;
		lane->len += skip + got;
		if (skip + got < job->payload) {
			job->ended = true;
			return DK_OK;
		}
	}
	err = dk_source_fill(job->in, 0, &job->ahead, 1, &got);
	job->have_ahead = got == 1;
	job->ended = got == 0;
	return err;
}

static bool
claim(void *ctx, void *arg, uint64_t ticket)
{
	struct job *job = ctx;
	struct lane *lane = arg;

	lane->ticket = ticket;
	lane->len = 0;
	lane->err = DK_OK;
	if (!in_order(job))
		return ticket == 0 || ticket * job->per_batch * job->payload < job->in->size;
	if (job->ended)
		return false;
	lane->err = read_in_order(job, lane);
	lane->last = job->ended;
	return true;
}

/* A file that grows or shrinks meanwhile would give an object of neither state. */
static dk_err
check_end(const struct dk_source *in)
{
	uint8_t byte;
	size_t got;
	dk_err err;

	err = dk_source_fill(in, in->size, &byte, 1, &got);
	if (err != DK_OK)
		return err;
	return got == 0 ? DK_OK : DK_ERR_CHANGED;
}

static dk_err
read_at_place(const struct job *job, struct lane *lane)
{
	uint64_t offset = lane->ticket * job->per_batch * job->payload;
	uint64_t left = job->in->size - offset;
	size_t batch = job->per_batch * job->payload;
	dk_err err;

	lane->last = left <= batch;
	lane->len = left < batch ? (size_t)left : batch;
	for (size_t i = 0, done = 0; done < lane->len; i++) {
		size_t want = lane->len - done < job->payload ? lane->len - done : job->payload;
		size_t got;

		err = dk_source_fill(job->in, offset + done, payload_at(job, lane, i), want, &got);
		if (err != DK_OK)
			return err;
		if (got < want)
			return DK_ERR_CHANGED;
		done += got;
	}
	return lane->last ? check_end(job->in) : DK_OK;
}

static dk_err
seal_segments(const struct job *job, struct lane *lane)
{
	uint64_t position = lane->ticket * job->per_batch;
	size_t left = lane->len;
	size_t i = 0;
	dk_err err;

	do {
		size_t n = left < job->payload ? left : job->payload;
		uint8_t *at = payload_at(job, lane, i);
		bool final = lane->last && left == n;

		if (position + i >= DK_FLOE_SEGMENTS_MAX)
			return DK_ERR_OBJECT_TOO_LARGE;
		err = dk_floe_lane_seal(lane->floe, &job->sealed->floe, position + i, final, at, n,
		    at - DK_FLOE_SEGMENT_HEAD_BYTES);
		if (err != DK_OK)
			return err;
		left -= n;
		i++;
	} while (left > 0);
	return DK_OK;
}

static void
work(void *ctx, void *arg)
{
	const struct job *job = ctx;
	struct lane *lane = arg;

	if (lane->err == DK_OK && !in_order(job))
		lane->err = read_at_place(job, lane);
	if (lane->err == DK_OK)
		lane->err = seal_segments(job, lane);
}

/* Bytes of ciphertext for len bytes of plaintext in one batch. */
static size_t
sealed_len(const struct job *job, size_t len)
{
	size_t segments = len == 0 ? 1 : (len + job->payload - 1) / job->payload;

	return len + segments * DK_FLOE_SEGMENT_OVERHEAD_BYTES;
}

static dk_err
emit(void *ctx, void *arg, bool *ret_done)
{
	struct job *job = ctx;
	struct lane *lane = arg;

	if (lane->err != DK_OK)
		return lane->err;
	if (job->out->write(job->out->ctx, lane->buf, sealed_len(job, lane->len)) != 0)
		return DK_ERR_WRITE;
	job->done += lane->len;
	*ret_done = lane->last;
	return dk_pump_progress(job->work, job->done);
}

static const struct dk_pump_ops encrypt_ops = { lane_new, lane_free, claim, work, emit };

/* A small object of known size needs no full batch. */
static uint32_t
batch_segments(const struct dk_source *in, uint32_t segment_len)
{
	uint32_t full = dk_pump_batch_segments(in, segment_len);
	uint64_t need;

	if (in->size == DK_SIZE_UNKNOWN)
		return full;
	need = in->size / (segment_len - DK_FLOE_SEGMENT_OVERHEAD_BYTES) + 1;
	return need < full ? (uint32_t)need : full;
}

dk_err
dk_encrypt(const struct dk_encrypt_params *params, const struct dk_source *in,
    const struct dk_sink *out, const struct dk_work *work)
{
	dk_auto_sealed sealed = { 0 };
	struct job job = { .in = in, .out = out, .work = work, .sealed = &sealed };
	dk_err err;

	if (in->read_at && in->size == DK_SIZE_UNKNOWN)
		return DK_ERR_ARGUMENT;
	err = dk_seal(params, &sealed);
	if (err != DK_OK)
		return err;
	job.payload = sealed.segment_len - DK_FLOE_SEGMENT_OVERHEAD_BYTES;
	job.per_batch = batch_segments(in, sealed.segment_len);
	if (in->read_at && in->size / job.payload >= DK_FLOE_SEGMENTS_MAX)
		return DK_ERR_OBJECT_TOO_LARGE;
	if (out->write(out->ctx, sealed.block, sealed.len) != 0)
		return DK_ERR_WRITE;
	return dk_pump_run(&encrypt_ops, &job, work ? work->jobs : 0);
}
