/* SPDX-License-Identifier: Apache-2.0 */
/* dk_reader: one object piece by piece, in the calling thread. */
#include <stdlib.h>
#include <string.h>

#include "doublekey/reader.h"
#include "format/body.h"

struct dk_reader {
	struct dk_body body;
	size_t given; /* of the segment's plaintext */
	uint64_t position;
	uint64_t offset;
	bool ended;  /* the last segment was verified */
	dk_err tail; /* then: what was found behind it */
	bool failed;
};

dk_err
dk_reader_new(const struct dk_decrypt_params *params, const struct dk_source *in,
    struct dk_reader **ret, struct dk_place *ret_place)
{
	struct dk_reader *r = calloc(1, sizeof(*r));
	dk_err err;

	if (!r)
		return DK_ERR_NOMEM;
	err = dk_body_open(params, in, &r->body, ret_place);
	if (err != DK_OK) {
		dk_reader_free(r);
		return err;
	}
	r->offset = r->body.object.segments;
	*ret = r;
	return DK_OK;
}

/* Behind the last segment the object must end; got bytes were read at its start. */
static dk_err
check_end(struct dk_reader *r, size_t got)
{
	uint8_t byte;
	size_t more = 0;
	dk_err err = DK_OK;

	if (got == r->body.segment.len && got == r->body.object.segment_len)
		err = dk_source_fill(&r->body.in, r->offset + got, &byte, 1, &more);
	if (err != DK_OK)
		return err;
	return got > r->body.segment.len || more > 0 ? DK_ERR_TRAILING : DK_OK;
}

/*
 * The next segment. What was found behind the last one is told only when its
 * plaintext was given out, so that the bytes before an error are the same for
 * every way of reading.
 */
static dk_err
advance(struct dk_reader *r, struct dk_place *ret_place)
{
	size_t got;
	dk_err err;

	err = dk_source_fill(&r->body.in, r->offset, r->body.buf, r->body.object.segment_len, &got);
	if (err != DK_OK)
		return err;
	dk_place_segment(ret_place, r->offset, r->position);
	if (got == 0)
		return DK_ERR_FINAL_MISSING;
	err = dk_body_segment(&r->body, r->position, got);
	if (err != DK_OK)
		return err;
	r->given = 0;
	r->position++;
	r->ended = r->body.segment.final;
	if (r->ended)
		r->tail = check_end(r, got);
	r->offset += r->body.segment.len;
	return DK_OK;
}

dk_err
dk_reader_read(
    struct dk_reader *r, void *buf, size_t len, size_t *ret_len, struct dk_place *ret_place)
{
	dk_err err = DK_OK;
	size_t left;

	if (r->failed)
		return DK_ERR_STATE;
	if (r->given == r->body.segment.plaintext_len && !r->ended)
		err = advance(r, ret_place);
	left = r->body.segment.plaintext_len - r->given;
	if (err == DK_OK && left == 0 && r->tail != DK_OK) {
		dk_place_set(ret_place, r->offset, "end");
		err = r->tail;
	}
	if (err != DK_OK) {
		r->failed = true;
		return err;
	}
	if (len > left)
		len = left;
	if (len > 0)
		memcpy(buf, r->body.segment.plaintext + r->given, len);
	r->given += len;
	*ret_len = len;
	return DK_OK;
}

void
dk_reader_free(struct dk_reader *r)
{
	if (!r)
		return;
	dk_body_clear(&r->body);
	free(r);
}
