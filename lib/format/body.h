/* SPDX-License-Identifier: Apache-2.0 */
/* An open object of which one segment at a time is read into a buffer. */
#ifndef DK_FORMAT_BODY_H
#define DK_FORMAT_BODY_H

#include "format/segment.h"

struct dk_body {
	struct dk_source in;
	struct dk_opened object;
	struct dk_floe_lane *floe;
	uint8_t *buf; /* room for one segment */
	struct dk_segment segment; /* in buf; empty at first */
};

/* On an error too, ret_body is to be cleared. It must be all zero before. */
DK_MUST_USE dk_err dk_body_open(const struct dk_decrypt_params *params, const struct dk_source *in,
    struct dk_body *ret_body, struct dk_place *ret_place);
void dk_body_clear(struct dk_body *body);

/* Open the segment of which got bytes were read into buf. */
DK_MUST_USE dk_err dk_body_segment(struct dk_body *body, uint64_t position, size_t got);

#endif
