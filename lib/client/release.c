/* SPDX-License-Identifier: Apache-2.0 */
/* One release, spec/key-service.md section 6: ask, check everything (release_check.c), use. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/call.h"
#include "crypto/base64.h"

void
client_call_clear(struct client_call *call)
{
	dk_pkey_free(call->ephemeral);
	free(call->body);
	free(call->answer.body);
	free(call->objects);
	dk_token_text_clear(&call->token);
}

/* ---- asking ---- */

static const struct dk_set *
set_of(const struct dk_unwrap *u)
{
	return &u->header->set[u->side - 1];
}

static dk_err
write_body(struct client_call *call)
{
	size_t cap = DK_RELEASE_HEAD_BYTES, point_len;
	const uint8_t *point;
	struct dk_writer_buf wr;

	for (size_t i = 0; i < call->n; i++)
		cap += 6 + call->requests[i].header->core_len + set_of(&call->requests[i])->len;
	if (cap > DK_RELEASE_BODY_MAX_BYTES)
		return DK_ERR_SERVICE_TOO_LARGE;
	call->body = malloc(cap);
	if (!call->body)
		return DK_ERR_NOMEM;
	point = dk_pkey_recipient(call->ephemeral, &point_len);
	dk_wr_init(&wr, call->body, cap);
	dk_wr_bytes(&wr, "DKR1", 4);
	dk_wr_u16(&wr, DK_KEY_P256);
	dk_wr_bytes(&wr, point, point_len);
	dk_wr_u16(&wr, (uint16_t)call->n);
	for (size_t i = 0; i < call->n; i++) {
		const struct dk_unwrap *u = &call->requests[i];

		dk_wr_u16(&wr, (uint16_t)u->header->core_len);
		dk_wr_u32(&wr, set_of(u)->len);
		dk_wr_bytes(&wr, u->block, u->header->core_len);
		dk_wr_bytes(&wr, u->block + set_of(u)->offset, set_of(u)->len);
	}
	call->body_len = wr.len;
	return wr.failed ? DK_ERR_ARGUMENT : DK_OK;
}

static const char *
path_of(const struct client_call *call)
{
	return call->path ? call->path : DK_RELEASE_PATH;
}

/* What is signed, and its digest. */
static dk_err
signature_base(struct client_call *call, char base[DK_SIGNATURE_BASE_MAX_BYTES], size_t *ret_len)
{
	const struct dk_part body = { call->body, call->body_len };
	dk_err err;

	err = dk_sha256(&body, 1, call->body_hash);
	if (err == DK_OK)
		err = dk_signature_base(&call->sig, call->profile->service.base_url, path_of(call),
		    call->body_hash, base, ret_len);
	if (err == DK_OK)
		err = dk_request_digest(base, *ret_len, call->digest);
	return err;
}

dk_err
client_call_sign(struct client_call *call)
{
	char base[DK_SIGNATURE_BASE_MAX_BYTES];
	size_t len;
	dk_err err;

	/* No token outlives the wait for approvals. */
	err = call->unattended ? DK_OK : dk_profile_token(call->profile, &call->token);
	if (err != DK_OK)
		return err;
	if (call->token.len > 0) {
		const struct dk_part token = { call->token.text, call->token.len };

		call->sig.has_token = true;
		err = dk_sha256(&token, 1, call->sig.token_digest);
		if (err != DK_OK)
			return err;
	}
	call->sig.created = (uint64_t)time(NULL);
	memcpy(call->sig.key_id, dk_pkey_id(call->profile->device), 32);
	err = dk_random(call->sig.nonce, sizeof(call->sig.nonce));
	if (err == DK_OK)
		err = signature_base(call, base, &len);
	if (err != DK_OK)
		return err;
	const struct dk_part part = { base, len };
	return dk_ecdsa_sign(call->profile->device, &part, 1, call->sig.signature);
}

dk_err
client_call_make(struct client_call *call)
{
	dk_err err = dk_pkey_generate(DK_KEY_P256, 0, &call->ephemeral);

	if (err == DK_OK)
		err = write_body(call);
	return err == DK_OK ? client_call_sign(call) : err;
}

dk_err
client_call_restore(struct client_call *call)
{
	char base[DK_SIGNATURE_BASE_MAX_BYTES];
	size_t len;

	return signature_base(call, base, &len);
}

struct headers {
	char digest[96];
	char input[DK_SIGNATURE_INPUT_MAX_BYTES + 32];
	char signature[160];
	char approvals[64 + DK_BASE64_CHARS(DK_APPROVALS_MAX_BYTES)];
	char token_digest[96];
	char token[32 + DK_TOKEN_MAX_BYTES];
};

/* "NAME:BASE64:" */
static bool
put_sequence(char *out, size_t cap, const char *name, const uint8_t *bytes, size_t len)
{
	size_t at = strlen(name), chars;

	if (at + DK_BASE64_CHARS(len) + 3 > cap)
		return false;
	memcpy(out, name, at);
	out[at++] = ':';
	if (dk_base64_encode(bytes, len, out + at, cap - at) != DK_OK)
		return false;
	chars = strlen(out);
	memcpy(out + chars, ":", 2);
	return true;
}

static bool
put_approvals(const struct client_call *call, struct headers *h)
{
	uint8_t bytes[DK_APPROVALS_MAX_BYTES];
	struct dk_writer_buf wr;

	h->approvals[0] = '\0';
	if (!call->approvals)
		return true;
	dk_wr_init(&wr, bytes, sizeof(bytes));
	dk_approvals_write(&wr, call->approvals);
	return !wr.failed &&
	    put_sequence(
		h->approvals, sizeof(h->approvals), "Doublekey-Approvals: ", bytes, wr.len);
}

static bool
put_token(const struct client_call *call, struct headers *h)
{
	int n;

	if (call->token.len == 0)
		return true;
	n = snprintf(h->token, sizeof(h->token), "Authorization: Bearer %s", call->token.text);
	return n > 0 && (size_t)n < sizeof(h->token) &&
	    put_sequence(h->token_digest, sizeof(h->token_digest),
		"Doublekey-Token-Digest: sha-256=", call->sig.token_digest,
		sizeof(call->sig.token_digest));
}

static bool
put_headers(const struct client_call *call, struct headers *h)
{
	char params[DK_SIGNATURE_INPUT_MAX_BYTES];
	int n;

	if (!dk_signature_params(&call->sig, params))
		return false;
	n = snprintf(h->input, sizeof(h->input), "Signature-Input: dk=%s", params);
	return n > 0 && (size_t)n < sizeof(h->input) && put_approvals(call, h) &&
	    put_token(call, h) &&
	    put_sequence(h->signature, sizeof(h->signature), "Signature: dk=", call->sig.signature,
		sizeof(call->sig.signature)) &&
	    put_sequence(h->digest, sizeof(h->digest), "Content-Digest: sha-256=", call->body_hash,
		sizeof(call->body_hash));
}

dk_err
client_call_ask(struct client_call *call)
{
	struct dk_http_request request = { .ca_pem = call->profile->ca_pem,
		.ca_pem_len = call->profile->ca_pem_len,
		.body = call->body,
		.body_len = call->body_len };
	char url[DK_URL_MAX_BYTES + 64], client[DK_PROFILE_PATH_BYTES];
	struct headers h;
	dk_err err;
	int n = snprintf(url, sizeof(url), "%s%s", call->profile->service.base_url, path_of(call));

	if (n < 0 || (size_t)n >= sizeof(url) || !put_headers(call, &h))
		return DK_ERR_ARGUMENT;
	request.url = url;
	if (dk_profile_client_pem(call->profile, client))
		request.client_pem = client;
	request.header[0] = "Content-Type: application/doublekey";
	request.header[1] = h.digest;
	request.header[2] = h.input;
	request.header[3] = h.signature;
	n = 4;
	if (call->approvals)
		request.header[n++] = h.approvals;
	if (call->token.len > 0) {
		request.header[n++] = h.token_digest;
		request.header[n++] = h.token;
	}
	err = dk_http(&request, &call->answer);
	dk_wipe(&h, sizeof(h));
	return err;
}

dk_err
client_call_send(struct client_call *call)
{
	dk_err err;

	call->objects = malloc(DK_LOG_OBJECTS_MAX * sizeof(*call->objects));
	if (!call->objects)
		return DK_ERR_NOMEM;
	err = client_call_ask(call);
	if (err == DK_OK)
		err = client_release_check(call);
	if (err != DK_OK)
		return err;
	/* A share of a service that hides what it released is not used. */
	err = client_log_check(call->profile, call->checkpoint, call->checkpoint_len);
	for (size_t i = 0; i < call->n && err != DK_OK; i++)
		dk_wipe(call->requests[i].share, sizeof(*call->requests[i].share));
	return err;
}

dk_err
client_release(const struct dk_profile *profile, struct dk_unwrap *requests, size_t n)
{
	client_auto_call call = { .profile = profile, .requests = requests, .n = n };
	dk_err err = client_call_make(&call);

	return err == DK_OK ? client_call_send(&call) : err;
}
