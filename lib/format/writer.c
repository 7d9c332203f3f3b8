/* SPDX-License-Identifier: Apache-2.0 */
/* dk_writer: one object piece by piece, in the calling thread. */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "doublekey/writer.h"
#include "format/seal.h"

struct dk_writer {
	struct dk_sink out;
	struct dk_sealed sealed;
	struct dk_floe_lane *floe;
	size_t payload;
	uint64_t position;
	bool over; /* finished or failed */
	/* One full segment is held back until more comes: it may be the last. */
	size_t held;
	uint8_t *segment;
};

static dk_err
put(struct dk_writer *w, bool final)
{
	size_t len = w->held + DK_FLOE_SEGMENT_OVERHEAD_BYTES;
	dk_err err;

	if (w->position >= DK_FLOE_SEGMENTS_MAX)
		return DK_ERR_OBJECT_TOO_LARGE;
	err = dk_floe_lane_seal(w->floe, &w->sealed.floe, w->position, final,
	    w->segment + DK_FLOE_SEGMENT_HEAD_BYTES, w->held, w->segment);
	if (err != DK_OK)
		return err;
	if (w->out.write(w->out.ctx, w->segment, len) != 0)
		return DK_ERR_WRITE;
	w->position++;
	w->held = 0;
	return DK_OK;
}

dk_err
dk_writer_new(
    const struct dk_encrypt_params *params, const struct dk_sink *out, struct dk_writer **ret)
{
	struct dk_writer *w = calloc(1, sizeof(*w));
	dk_err err;

	if (!w)
		return DK_ERR_NOMEM;
	w->out = *out;
	err = dk_seal(params, &w->sealed);
	if (err == DK_OK)
		err = dk_floe_lane_new(&w->floe);
	if (err == DK_OK) {
		w->payload = w->sealed.segment_len - DK_FLOE_SEGMENT_OVERHEAD_BYTES;
		w->segment = malloc(w->sealed.segment_len);
		err = w->segment ? DK_OK : DK_ERR_NOMEM;
	}
	if (err == DK_OK && out->write(out->ctx, w->sealed.block, w->sealed.len) != 0)
		err = DK_ERR_WRITE;
	if (err != DK_OK) {
		dk_writer_free(w);
		return err;
	}
	*ret = w;
	return DK_OK;
}

dk_err
dk_writer_write(struct dk_writer *w, const void *data, size_t len)
{
	const uint8_t *from = data;
	dk_err err;

	if (w->over)
		return DK_ERR_STATE;
	while (len > 0) {
		size_t n;

		if (w->held == w->payload) {
			err = put(w, false);
			if (err != DK_OK) {
				w->over = true;
				return err;
			}
		}
		n = w->payload - w->held < len ? w->payload - w->held : len;
		memcpy(w->segment + DK_FLOE_SEGMENT_HEAD_BYTES + w->held, from, n);
		w->held += n;
		from += n;
		len -= n;
	}
	return DK_OK;
}

dk_err
dk_writer_finish(struct dk_writer *w)
{
	if (w->over)
		return DK_ERR_STATE;
	w->over = true;
	return put(w, true);
}

void
dk_writer_free(struct dk_writer *w)
{
	if (!w)
		return;
	if (w->segment)
		dk_wipe(w->segment, w->sealed.segment_len);
	free(w->segment);
	dk_floe_lane_free(w->floe);
	dk_sealed_clear(&w->sealed);
	free(w);
}
