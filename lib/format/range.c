/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dk_range: random access. The last segment is verified first, since only it
 * proves how long the plaintext is. One segment stays open, so that small
 * reads in a row decrypt it once.
 */
#include <stdlib.h>
#include <string.h>

#include "doublekey/reader.h"
#include "format/body.h"

struct dk_range {
	struct dk_body body;
	bool open;
	uint64_t last; /* position of the last segment */
	uint64_t size; /* of the plaintext */
};

static uint64_t
payload(const struct dk_range *r)
{
	return r->body.object.segment_len - DK_FLOE_SEGMENT_OVERHEAD_BYTES;
}

static uint64_t
offset_of(const struct dk_range *r, uint64_t position)
{
	return r->body.object.segments + position * r->body.object.segment_len;
}

/* Read the segment at a position, as far as the object goes. */
static dk_err
fetch(struct dk_range *r, uint64_t position, size_t *ret_got, struct dk_place *ret_place)
{
	uint64_t left = r->body.in.size - offset_of(r, position);
	uint32_t full = r->body.object.segment_len;
	size_t want = left < full ? (size_t)left : full;
	dk_err err;

	dk_place_segment(ret_place, offset_of(r, position), position);
	r->open = false;
	err = dk_source_fill(&r->body.in, offset_of(r, position), r->body.buf, want, ret_got);
	if (err != DK_OK)
		return err;
	return *ret_got == want ? DK_OK : DK_ERR_CHANGED;
}

static dk_err
open_fetched(struct dk_range *r, uint64_t position, size_t got)
{
	dk_err err;

	err = dk_body_segment(&r->body, position, got);
	r->open = err == DK_OK;
	return err;
}

static dk_err
open_last(struct dk_range *r, struct dk_place *ret_place)
{
	size_t got;
	dk_err err;

	err = fetch(r, r->last, &got, ret_place);
	if (err != DK_OK)
		return err;
	if (dk_segment_inner(r->body.buf, got) && got == r->body.object.segment_len) {
		dk_place_segment(ret_place, r->body.in.size, r->last + 1);
		return DK_ERR_FINAL_MISSING;
	}
	err = open_fetched(r, r->last, got);
	if (err != DK_OK)
		return err;
	if (r->body.segment.len < got) {
		dk_place_set(ret_place, offset_of(r, r->last) + r->body.segment.len, "end");
		return DK_ERR_TRAILING;
	}
	r->size = r->last * payload(r) + r->body.segment.plaintext_len;
	return DK_OK;
}

/* Where the last segment is, from the size of the object. */
static dk_err
find_last(struct dk_range *r, struct dk_place *ret_place)
{
	const struct dk_opened *object = &r->body.object;
	uint64_t size = r->body.in.size;
	uint64_t bytes = size < object->segments ? 0 : size - object->segments;

	dk_place_segment(ret_place, object->segments, 0);
	if (bytes == 0)
		return DK_ERR_FINAL_MISSING;
	r->last = (bytes - 1) / object->segment_len;
	if (r->last < DK_FLOE_SEGMENTS_MAX)
		return open_last(r, ret_place);
	dk_place_segment(
	    ret_place, offset_of(r, DK_FLOE_SEGMENTS_MAX - 1), DK_FLOE_SEGMENTS_MAX - 1);
	return DK_ERR_OBJECT_TOO_LARGE;
}

dk_err
dk_range_new(const struct dk_decrypt_params *params, const struct dk_source *in,
    struct dk_range **ret, struct dk_place *ret_place)
{
	struct dk_range *r;
	dk_err err;

	if (!in->read_at || in->size == DK_SIZE_UNKNOWN)
		return DK_ERR_ARGUMENT;
	r = calloc(1, sizeof(*r));
	if (!r)
		return DK_ERR_NOMEM;
	err = dk_body_open(params, in, &r->body, ret_place);
	if (err == DK_OK)
		err = find_last(r, ret_place);
	if (err != DK_OK) {
		dk_range_free(r);
		return err;
	}
	*ret = r;
	return DK_OK;
}

uint64_t
dk_range_size(const struct dk_range *r)
{
	return r->size;
}

/* Make the segment at a position the open one. */
static dk_err
need(struct dk_range *r, uint64_t position, struct dk_place *ret_place)
{
	size_t got;
	dk_err err;

	if (r->open && r->body.segment.position == position)
		return DK_OK;
	err = fetch(r, position, &got, ret_place);
	if (err != DK_OK)
		return err;
	if (position != r->last && !dk_segment_inner(r->body.buf, got))
		return DK_ERR_SEGMENT_MARK;
	return open_fetched(r, position, got);
}

dk_err
dk_range_read(struct dk_range *r, uint64_t offset, void *buf, size_t len, size_t *ret_len,
    struct dk_place *ret_place)
{
	uint8_t *to = buf;
	size_t done = 0;
	dk_err err;

	dk_place_set(ret_place, UINT64_MAX, "end");
	if (offset > r->size)
		return DK_ERR_RANGE;
	if (len > r->size - offset)
		len = (size_t)(r->size - offset);
	while (done < len) {
		uint64_t at = (offset + done) % payload(r);
		size_t n;

		err = need(r, (offset + done) / payload(r), ret_place);
		if (err != DK_OK)
			return err;
		n = r->body.segment.plaintext_len - (size_t)at;
		if (n > len - done)
			n = len - done;
		memcpy(to + done, r->body.segment.plaintext + at, n);
		done += n;
	}
	*ret_len = done;
	return DK_OK;
}

void
dk_range_free(struct dk_range *r)
{
	if (!r)
		return;
	dk_body_clear(&r->body);
	free(r);
}
