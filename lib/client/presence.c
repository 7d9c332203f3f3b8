/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/presence, spec/profiles/ms-dke-pages.md section 5.1. */
#include <stdlib.h>
#include <string.h>

#include "client/call.h"

static dk_err
ask(const struct dk_profile *profile, const struct dk_presence_request *request,
    struct dk_presence_answer *ret_answer)
{
	client_auto_call call = {
		.profile = profile, .path = DK_PRESENCE_PATH, .unattended = true
	};
	dk_err err;

	call.body = malloc(DK_PRESENCE_BYTES);
	if (!call.body)
		return DK_ERR_NOMEM;
	dk_presence_write(request, call.body);
	call.body_len = DK_PRESENCE_BYTES;
	err = client_call_sign(&call);
	if (err == DK_OK)
		err = client_call_ask(&call);
	return err == DK_OK
	    ? dk_presence_answer_parse(call.answer.body, call.answer.len, ret_answer)
	    : err;
}

/* What it does is signed with the address, which the service alone can tell. */
dk_err
client_presence(const char *base_url, enum dk_presence what, struct dk_presence_answer *ret_answer)
{
	struct dk_presence_request request = { .what = DK_PRESENCE_STATUS };
	dk_auto_profile profile = { .device = NULL };
	struct dk_presence_answer answer;
	dk_err err = dk_profile_load(base_url, &profile);

	if (err == DK_OK)
		err = ask(&profile, &request, &answer);
	if (err == DK_OK && what != DK_PRESENCE_STATUS) {
		request.what = what;
		memcpy(request.address, answer.address, sizeof(request.address));
		err = ask(&profile, &request, &answer);
	}
	if (err == DK_OK)
		*ret_answer = answer;
	return err;
}
