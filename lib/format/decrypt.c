/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dk_decrypt(): batches of segments are opened in place and handed out in
 * order, each segment only after its tag was verified.
 */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "doublekey/reader.h"
#include "format/pump.h"
#include "format/segment.h"

struct job {
	const struct dk_source *in;
	const struct dk_sink *out;
	const struct dk_work *work;
	const struct dk_opened *object;
	struct dk_place *place;
	uint32_t per_batch;
	uint64_t done;
	bool ended;      /* in order: the input has ended */
	bool final_seen; /* emitted */
};

struct lane {
	uint8_t *buf;
	size_t room;
	struct dk_floe_lane *floe;
	uint64_t ticket;
	size_t len; /* bytes of the object in buf */
	struct dk_segment *segment;
	size_t segments; /* opened, in order */
	size_t used;     /* bytes of these */
	dk_err err;      /* behind them */
};

static void
lane_free(void *arg)
{
	struct lane *lane = arg;

	if (!lane)
		return;
	dk_floe_lane_free(lane->floe);
	if (lane->buf)
		dk_wipe(lane->buf, lane->room);
	free(lane->buf);
	free(lane->segment);
	free(lane);
}

static dk_err
lane_new(void *ctx, void **ret_lane)
{
	const struct job *job = ctx;
	struct lane *lane = calloc(1, sizeof(*lane));
	dk_err err = DK_ERR_NOMEM;

	if (!lane)
		return DK_ERR_NOMEM;
	lane->room = (size_t)job->per_batch * job->object->segment_len;
	lane->buf = malloc(lane->room);
	lane->segment = calloc(job->per_batch, sizeof(*lane->segment));
	if (lane->buf && lane->segment)
		err = dk_floe_lane_new(&lane->floe);
	if (err != DK_OK) {
		lane_free(lane);
		return err;
	}
	*ret_lane = lane;
	return DK_OK;
}

static uint64_t
offset_of(const struct job *job, uint64_t ticket)
{
	return job->object->segments + ticket * job->per_batch * job->object->segment_len;
}

static void
fill(const struct job *job, struct lane *lane)
{
	lane->err = dk_source_fill(
	    job->in, offset_of(job, lane->ticket), lane->buf, lane->room, &lane->len);
}

/* One batch past the last byte too: only that shows that nothing follows. */
static bool
claim(void *ctx, void *arg, uint64_t ticket)
{
	struct job *job = ctx;
	struct lane *lane = arg;

	lane->ticket = ticket;
	lane->segments = 0;
	lane->used = 0;
	lane->len = 0;
	lane->err = DK_OK;
	if (job->in->read_at)
		return ticket == 0 || offset_of(job, ticket - 1) < job->in->size;
	if (job->ended)
		return false;
	fill(job, lane);
	job->ended = lane->len < lane->room;
	return true;
}

static void
work(void *ctx, void *arg)
{
	const struct job *job = ctx;
	struct lane *lane = arg;
	bool final = false;

	if (lane->err == DK_OK && job->in->read_at)
		fill(job, lane);
	while (lane->err == DK_OK && lane->used < lane->len && !final) {
		struct dk_segment *segment = &lane->segment[lane->segments];

		lane->err = dk_segment_open(lane->floe, job->object,
		    lane->ticket * job->per_batch + lane->segments, lane->buf + lane->used,
		    lane->len - lane->used, segment);
		if (lane->err != DK_OK)
			return;
		lane->segments++;
		lane->used += segment->len;
		final = segment->final;
	}
}

static dk_err
hand_out(struct job *job, const struct lane *lane)
{
	for (size_t i = 0; i < lane->segments; i++) {
		const struct dk_segment *segment = &lane->segment[i];

		if (segment->plaintext_len > 0 &&
		    job->out->write(job->out->ctx, segment->plaintext, segment->plaintext_len) != 0)
			return DK_ERR_WRITE;
		job->final_seen = job->final_seen || segment->final;
	}
	return DK_OK;
}

/* What follows the segments that were handed out. */
static dk_err
after(struct job *job, const struct lane *lane, bool *ret_done)
{
	uint64_t offset = offset_of(job, lane->ticket) + lane->used;

	if (job->final_seen && lane->used < lane->len) {
		dk_place_set(job->place, offset, "end");
		return DK_ERR_TRAILING;
	}
	if (job->final_seen) {
		/* A full batch may still be followed by something. */
		*ret_done = lane->len < lane->room;
		return DK_OK;
	}
	dk_place_segment(job->place, offset, lane->ticket * job->per_batch + lane->segments);
	if (lane->err != DK_OK)
		return lane->err;
	return lane->len < lane->room ? DK_ERR_FINAL_MISSING : DK_OK;
}

static dk_err
emit(void *ctx, void *arg, bool *ret_done)
{
	struct job *job = ctx;
	struct lane *lane = arg;
	dk_err err;

	if (job->final_seen) {
		lane->segments = 0;
		lane->used = 0;
		if (lane->len == 0 && lane->err != DK_OK)
			return lane->err;
	}
	err = hand_out(job, lane);
	if (err != DK_OK) {
		dk_place_set(job->place, UINT64_MAX, "output");
		return err;
	}
	err = after(job, lane, ret_done);
	if (err != DK_OK)
		return err;
	job->done += lane->len;
	return dk_pump_progress(job->work, job->done);
}

static const struct dk_pump_ops decrypt_ops = { lane_new, lane_free, claim, work, emit };

static uint32_t
batch_segments(const struct dk_source *in, const struct dk_opened *object)
{
	uint32_t full = dk_pump_batch_segments(in, object->segment_len);
	uint64_t need;

	if (in->size == DK_SIZE_UNKNOWN || in->size < object->segments)
		return full;
	need = (in->size - object->segments) / object->segment_len + 1;
	return need < full ? (uint32_t)need : full;
}

dk_err
dk_decrypt(const struct dk_decrypt_params *params, const struct dk_source *in,
    const struct dk_sink *out, const struct dk_work *work, struct dk_place *ret_place)
{
	dk_auto_opened object = { 0 };
	struct job job = {
		.in = in, .out = out, .work = work, .object = &object, .place = ret_place
	};
	dk_err err;

	if (in->read_at && in->size == DK_SIZE_UNKNOWN)
		return DK_ERR_ARGUMENT;
	err = dk_open(params, in, &object, ret_place);
	if (err != DK_OK)
		return err;
	job.per_batch = batch_segments(in, &object);
	return dk_pump_run(&decrypt_ops, &job, work ? work->jobs : 0);
}
