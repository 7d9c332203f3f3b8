/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One segment of a body in a buffer: which one it is, and opening it in place.
 * Spec: spec/envelope.md section 3.3 and section 9 step 8.
 */
#ifndef DK_FORMAT_SEGMENT_H
#define DK_FORMAT_SEGMENT_H

#include "format/open.h"

struct dk_segment {
	uint64_t position;
	size_t len; /* encrypted, from its mark to its tag */
	bool final;
	uint8_t *plaintext; /* in place */
	size_t plaintext_len;
};

/*
 * Open the segment at the start of data, of which len bytes are there (len > 0;
 * all that is left of the object, or at least a segment length). Errors are
 * those of step 8 but for final-missing and trailing, which the caller sees.
 */
DK_MUST_USE dk_err dk_segment_open(struct dk_floe_lane *lane, const struct dk_opened *object,
    uint64_t position, uint8_t *data, size_t len, struct dk_segment *ret_segment);

/* Whether the mark says that it is not the last one; len bytes are there. */
bool dk_segment_inner(const uint8_t *data, size_t len);

#endif
