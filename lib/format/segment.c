/* SPDX-License-Identifier: Apache-2.0 */
#include "format/segment.h"

#define MARK_BYTES 4u
#define MARK_INNER UINT32_MAX

static uint32_t
mark_of(const uint8_t *data)
{
	return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

bool
dk_segment_inner(const uint8_t *data, size_t len)
{
	return len >= MARK_BYTES && mark_of(data) == MARK_INNER;
}

/* The length that the mark announces. */
static dk_err
measure(const struct dk_opened *object, const uint8_t *data, size_t len, size_t *ret_len,
    bool *ret_final)
{
	uint32_t mark;

	if (len < MARK_BYTES)
		return DK_ERR_TRUNCATED;
	mark = mark_of(data);
	*ret_final = mark != MARK_INNER;
	*ret_len = *ret_final ? mark : object->segment_len;
	if (*ret_len < DK_FLOE_SEGMENT_OVERHEAD_BYTES || *ret_len > object->segment_len)
		return DK_ERR_SEGMENT_MARK;
	return *ret_len <= len ? DK_OK : DK_ERR_TRUNCATED;
}

dk_err
dk_segment_open(struct dk_floe_lane *lane, const struct dk_opened *object, uint64_t position,
    uint8_t *data, size_t len, struct dk_segment *ret_segment)
{
	struct dk_segment segment = { .position = position };
	dk_err err;

	err = measure(object, data, len, &segment.len, &segment.final);
	if (err != DK_OK)
		return err;
	if (position >= DK_FLOE_SEGMENTS_MAX - 1 && !segment.final)
		return DK_ERR_OBJECT_TOO_LARGE;
	segment.plaintext = data + DK_FLOE_SEGMENT_HEAD_BYTES;
	err = dk_floe_lane_open(lane, &object->floe, position, segment.final, data, segment.len,
	    segment.plaintext, &segment.plaintext_len);
	if (err != DK_OK)
		return err;
	if (segment.final && segment.plaintext_len == 0 && position > 0)
		return DK_ERR_FINAL_EMPTY;
	*ret_segment = segment;
	return DK_OK;
}
