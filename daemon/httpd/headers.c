/* SPDX-License-Identifier: Apache-2.0 */
/* What the headers of a request for release say, spec/key-service.md sections 3 and 6.1. */
#include <string.h>

#include "crypto/base64.h"
#include "httpd/httpd.h"

/* "NAME:BASE64:" with at most cap bytes in it. */
static bool
byte_sequence(const char *value, const char *name, uint8_t *out, size_t cap, size_t *ret_len)
{
	size_t name_len = strlen(name), value_len;

	if (!value || strncmp(value, name, name_len) != 0 || value[name_len] != ':')
		return false;
	value += name_len + 1;
	value_len = strlen(value);
	if (value_len == 0 || value[value_len - 1] != ':')
		return false;
	return dk_base64_decode(value, value_len - 1, out, cap, ret_len) == DK_OK;
}

static bool
exact_sequence(const char *value, const char *name, uint8_t *out, size_t len)
{
	size_t got;

	return byte_sequence(value, name, out, len, &got) && got == len;
}

unsigned
httpd_signature_headers(struct evhttp_request *request, const uint8_t *body, size_t len,
    struct dk_request_signature *sig)
{
	const char *input = httpd_header(request, "Signature-Input");
	const struct dk_part part = { body, len };
	uint8_t stated[32], hash[32];

	if (!input || !dk_signature_input_parse(input, sig) ||
	    !exact_sequence(
		httpd_header(request, "Signature"), "dk=", sig->signature, sizeof(sig->signature)))
		return DK_CODE_SIGNATURE_INPUT;
	if (!exact_sequence(httpd_header(request, "Content-Digest"), "sha-256=", stated, 32))
		return DK_CODE_CONTENT_DIGEST;
	/* keyd computes it anew; here it only gives the better error. */
	if (dk_sha256(&part, 1, hash) != DK_OK)
		return DK_CODE_INTERNAL;
	return memcmp(hash, stated, 32) == 0 ? DK_CODE_OK : DK_CODE_CONTENT_DIGEST;
}

/* The len bytes behind the room for the head of the next one. */
static void
add_claim(struct httpd_claims *claims, unsigned kind, size_t len)
{
	if (len == 0)
		return;
	ipc_claim_head(kind, len, claims->bytes + claims->len);
	claims->len += IPC_CLAIM_HEAD_BYTES + len;
	claims->bytes[0]++;
}

/* Token and digest; both or neither, as the signature says. */
static unsigned
put_token(struct evhttp_request *request, const struct dk_request_signature *sig,
    struct httpd_claims *claims)
{
	static const char bearer[] = "Bearer ";
	const char *value = httpd_header(request, "Authorization");
	const char *digest = httpd_header(request, "Doublekey-Token-Digest");
	uint8_t *room = claims->bytes + claims->len + IPC_CLAIM_HEAD_BYTES;
	size_t len;

	if (!value && !digest && !sig->has_token)
		return DK_CODE_OK;
	if (!value || !sig->has_token || strncmp(value, bearer, strlen(bearer)) != 0)
		return DK_CODE_SIGNATURE_INPUT;
	value += strlen(bearer);
	len = strlen(value);
	if (len == 0 || len > IPC_CLAIM_TOKEN_MAX_BYTES)
		return DK_CODE_TOKEN;
	memcpy(room, value, len);
	add_claim(claims, IPC_CLAIM_TOKEN, len);
	room = claims->bytes + claims->len + IPC_CLAIM_HEAD_BYTES;
	if (!exact_sequence(digest, "sha-256=", room, IPC_CLAIM_TOKEN_DIGEST_BYTES))
		return DK_CODE_SIGNATURE_INPUT;
	add_claim(claims, IPC_CLAIM_TOKEN_DIGEST, IPC_CLAIM_TOKEN_DIGEST_BYTES);
	return DK_CODE_OK;
}

static unsigned
put_claims(struct evhttp_request *request, const struct dk_request_signature *sig,
    struct httpd_claims *claims)
{
	const char *approvals = httpd_header(request, "Doublekey-Approvals");
	unsigned code;
	uint8_t *room;
	size_t len;

	claims->bytes[0] = 0;
	claims->len = 1;
	room = claims->bytes + claims->len + IPC_CLAIM_HEAD_BYTES;
	add_claim(claims, IPC_CLAIM_CERTIFICATE, httpd_certificate_claim(request, room));
	code = put_token(request, sig, claims);
	if (code != DK_CODE_OK || !approvals)
		return code;
	room = claims->bytes + claims->len + IPC_CLAIM_HEAD_BYTES;
	if (!byte_sequence(approvals, "", room, IPC_CLAIM_APPROVALS_MAX_BYTES, &len) || len == 0)
		return DK_CODE_APPROVAL;
	add_claim(claims, IPC_CLAIM_APPROVALS, len);
	return DK_CODE_OK;
}

unsigned
httpd_release_headers(struct evhttp_request *request, const uint8_t *body, size_t len,
    struct dk_request_signature *sig, struct httpd_claims *claims)
{
	unsigned code = httpd_signature_headers(request, body, len, sig);

	return code == DK_CODE_OK ? put_claims(request, sig, claims) : code;
}
