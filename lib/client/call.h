/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One POST /v1/release: made, signed, sent, checked. A request that waits for
 * approvals is made and signed in one process and sent by another.
 */
#ifndef DK_CLIENT_CALL_H
#define DK_CLIENT_CALL_H

#include "client/client_impl.h"
#include "client/http.h"
#include "log/receipt.h"
#include "native/approval.h"

struct client_call {
	const struct dk_profile *profile;
	const char *path; /* NULL: DK_RELEASE_PATH */
	struct dk_unwrap *requests;
	size_t n;
	struct dk_pkey *ephemeral;
	uint8_t *body;
	size_t body_len;
	uint8_t body_hash[32];
	struct dk_request_signature sig;
	uint8_t digest[32];
	struct dk_token_text token;
	bool unattended;                      /* no token goes with it */
	const struct dk_approvals *approvals; /* NULL: none; borrowed */
	struct dk_http_answer answer;
	struct dk_log_object *objects;
	const char *checkpoint; /* of the receipt that was checked; in the answer */
	size_t checkpoint_len;
};
void client_call_clear(struct client_call *call);
#define client_auto_call __attribute__((cleanup(client_call_clear))) struct client_call

/* Ephemeral key, body, signature. */
DK_MUST_USE dk_err client_call_make(struct client_call *call);
/* Body and signature are there: what follows from them. */
DK_MUST_USE dk_err client_call_restore(struct client_call *call);
/* With a body of another path: signature, then what the service answers. */
DK_MUST_USE dk_err client_call_sign(struct client_call *call);
DK_MUST_USE dk_err client_call_ask(struct client_call *call);
/* Send, check everything, open the shares; each result in requests[i].err. */
DK_MUST_USE dk_err client_call_send(struct client_call *call);
/* release_check.c: the same with call->answer as it came; it needs room in call->objects.
 * DK_ERR_RECEIPT, DK_ERR_SERVICE_REPLY, DK_ERR_STANZA_AUTH, DK_ERR_SHARE_COMMITMENT: no
 * share is used. */
DK_MUST_USE dk_err client_release_check(struct client_call *call);

#endif
