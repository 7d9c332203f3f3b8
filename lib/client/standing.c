/* SPDX-License-Identifier: Apache-2.0 */
/* Approvals that stand, spec/key-service.md section 6.2. */
#include <stdlib.h>

#include "client/call.h"

/* Of standing NULL, what is asked for. */
static dk_err
post(struct client_call *call, const char *base_url, struct dk_profile *profile,
    const struct dk_standing *standing)
{
	struct dk_writer_buf wr;
	dk_err err = dk_profile_load(base_url, profile);

	if (err != DK_OK)
		return err;
	call->profile = profile;
	call->path = DK_STANDING_PATH;
	call->unattended = true;
	call->body = malloc(DK_STANDING_BODY_MAX_BYTES);
	if (!call->body)
		return DK_ERR_NOMEM;
	dk_wr_init(&wr, call->body, DK_STANDING_BODY_MAX_BYTES);
	if (standing)
		dk_standing_write(&wr, standing);
	else
		dk_wr_bytes(&wr, "DKN1", 4);
	call->body_len = wr.len;
	err = wr.failed ? DK_ERR_ARGUMENT : client_call_sign(call);
	return err == DK_OK ? client_call_ask(call) : err;
}

dk_err
client_waiting(const char *base_url, struct dk_standing_asked **ret, size_t *ret_n)
{
	dk_auto_profile profile = { .device = NULL };
	client_auto_call call = { .profile = NULL };
	struct dk_standing_asked *asked;
	dk_err err = post(&call, base_url, &profile, NULL);

	if (err != DK_OK)
		return err;
	asked = calloc(DK_STANDING_ASKED_MAX, sizeof(*asked));
	if (!asked)
		return DK_ERR_NOMEM;
	err = dk_standing_list_parse(call.answer.body, call.answer.len, asked, ret_n);
	if (err == DK_OK)
		*ret = asked;
	else
		free(asked);
	return err;
}

dk_err
client_stand(
    const char *base_url, const struct dk_standing *standing, struct dk_standing_answer *ret)
{
	dk_auto_profile profile = { .device = NULL };
	client_auto_call call = { .profile = NULL };
	dk_err err = post(&call, base_url, &profile, standing);

	return err == DK_OK ? dk_standing_answer_parse(call.answer.body, call.answer.len, ret)
			    : err;
}
