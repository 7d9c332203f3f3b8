/* SPDX-License-Identifier: Apache-2.0 */
#include "format/body.h"

#include <stdlib.h>

#include "base/secret.h"

dk_err
dk_body_open(const struct dk_decrypt_params *params, const struct dk_source *in,
    struct dk_body *ret_body, struct dk_place *ret_place)
{
	dk_err err;

	ret_body->in = *in;
	err = dk_open(params, in, &ret_body->object, ret_place);
	if (err != DK_OK)
		return err;
	err = dk_floe_lane_new(&ret_body->floe);
	if (err != DK_OK)
		return err;
	ret_body->buf = malloc(ret_body->object.segment_len);
	return ret_body->buf ? DK_OK : DK_ERR_NOMEM;
}

dk_err
dk_body_segment(struct dk_body *body, uint64_t position, size_t got)
{
	return dk_segment_open(body->floe, &body->object, position, body->buf, got, &body->segment);
}

void
dk_body_clear(struct dk_body *body)
{
	if (body->buf)
		dk_wipe(body->buf, body->object.segment_len);
	free(body->buf);
	dk_floe_lane_free(body->floe);
	dk_opened_clear(&body->object);
}
