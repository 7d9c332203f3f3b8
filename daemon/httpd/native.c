/* SPDX-License-Identifier: Apache-2.0 */
/* The native protocol's paths, spec/key-service.md section 1. */
#include <arpa/inet.h>
#include <string.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "httpd/connection.h"
#include "native/presence.h"

#define TYPE_NATIVE "application/doublekey"
#define ENROL_MAX_BYTES 4096
#define SIGNED_HEAD_BYTES (16 + 8 + 16 + 32 + 64)
#define LOG_PATH_MAX_BYTES 64

void
httpd_peer_address(struct evhttp_request *request, uint8_t ret[16])
{
	char *text = NULL;
	ev_uint16_t port;

	memset(ret, 0, 16);
	evhttp_connection_get_peer(evhttp_request_get_connection(request), &text, &port);
	if (!text)
		return;
	if (inet_pton(AF_INET, text, ret + 12) == 1) {
		ret[10] = ret[11] = 0xff;
		return;
	}
	if (inet_pton(AF_INET6, text, ret) != 1)
		memset(ret, 0, 16);
}

static bool
body_of(struct evhttp_request *request, size_t max, const uint8_t **ret_body, size_t *ret_len,
    unsigned *ret_code)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(request);
	const char *type = httpd_header(request, "Content-Type");

	*ret_len = evbuffer_get_length(in);
	if (!type || strcmp(type, TYPE_NATIVE) != 0)
		*ret_code = DK_CODE_MALFORMED_REQUEST;
	else if (*ret_len > max)
		*ret_code = DK_CODE_TOO_LARGE;
	else if (*ret_len == 0)
		*ret_code = DK_CODE_MALFORMED_REQUEST;
	else {
		*ret_body = evbuffer_pullup(in, -1);
		*ret_code = *ret_body ? DK_CODE_OK : DK_CODE_BUSY;
	}
	return *ret_code == DK_CODE_OK;
}

/* Address, and what was signed: the head of RELEASE. */
static void
write_signed(struct evhttp_request *request, const struct dk_request_signature *sig,
    uint8_t ret[SIGNED_HEAD_BYTES])
{
	struct dk_writer_buf wr;

	httpd_peer_address(request, ret);
	dk_wr_init(&wr, ret + 16, SIGNED_HEAD_BYTES - 16);
	dk_wr_u64(&wr, sig->created);
	dk_wr_bytes(&wr, sig->nonce, sizeof(sig->nonce));
	dk_wr_bytes(&wr, sig->key_id, sizeof(sig->key_id));
	dk_wr_bytes(&wr, sig->signature, sizeof(sig->signature));
}

/* What a device signed, without token and approvals; claims: the message has room for some. */
static void
post_signed(
    struct httpd *httpd, struct evhttp_request *request, unsigned type, size_t max, bool claims)
{
	static const uint8_t no_claims;
	struct dk_request_signature sig = { .created = 0 };
	uint8_t head[SIGNED_HEAD_BYTES];
	const uint8_t *body = NULL;
	unsigned code;
	size_t len;

	if (body_of(request, max, &body, &len, &code))
		code = httpd_signature_headers(request, body, len, &sig);
	if (code == DK_CODE_OK && sig.has_token)
		code = DK_CODE_SIGNATURE_INPUT;
	if (code != DK_CODE_OK) {
		httpd_reply(request, code, NULL, NULL, 0);
		return;
	}
	write_signed(request, &sig, head);
	const struct dk_part parts[] = { { head, sizeof(head) }, { &no_claims, claims },
		{ body, len } };
	httpd_ask(httpd, request, httpd->authd, type, parts, 3, TYPE_NATIVE);
}

void
httpd_ask_release(struct httpd *httpd, struct evhttp_request *request)
{
	struct dk_request_signature sig = { .created = 0 };
	uint8_t head[SIGNED_HEAD_BYTES];
	static struct httpd_claims claims;
	const uint8_t *body = NULL;
	unsigned code;
	size_t len;

	if (body_of(request, DK_RELEASE_BODY_MAX_BYTES, &body, &len, &code))
		code = httpd_release_headers(request, body, len, &sig, &claims);
	if (code != DK_CODE_OK) {
		dk_wipe(&claims, sizeof(claims));
		httpd_reply(request, code, NULL, NULL, 0);
		return;
	}
	write_signed(request, &sig, head);
	const struct dk_part parts[] = { { head, sizeof(head) }, { claims.bytes, claims.len },
		{ body, len } };
	httpd_ask(httpd, request, httpd->authd, IPC_RELEASE, parts, 3, TYPE_NATIVE);
	/* What stood behind them in a request that was refused was wiped with it. */
	dk_wipe(claims.bytes, claims.len);
}

static void
post_device(struct httpd *httpd, struct evhttp_request *request)
{
	const uint8_t *body = NULL;
	uint8_t address[16];
	unsigned code;
	size_t len;

	if (!body_of(request, ENROL_MAX_BYTES, &body, &len, &code)) {
		httpd_reply(request, code, NULL, NULL, 0);
		return;
	}
	httpd_peer_address(request, address);
	const struct dk_part parts[] = { { address, sizeof(address) }, { body, len } };
	httpd_ask(httpd, request, httpd->authd, IPC_ENROL, parts, 2, TYPE_NATIVE);
}

static void
get_key(struct httpd *httpd, struct evhttp_request *request, const char *name)
{
	const struct dk_part part = { name, strlen(name) };

	if (!dk_service_key_name_valid(name, part.len)) {
		httpd_reply(request, DK_CODE_UNKNOWN_KEY, NULL, NULL, 0);
		return;
	}
	httpd_ask(httpd, request, httpd->authd, IPC_KEY, &part, 1, TYPE_NATIVE);
}

static void
get_log(struct httpd *httpd, struct evhttp_request *request, const char *path)
{
	const struct dk_part part = { path, strlen(path) };
	bool text = strcmp(path, "checkpoint") == 0;

	if (part.len > LOG_PATH_MAX_BYTES) {
		httpd_reply(request, DK_CODE_NOT_FOUND, NULL, NULL, 0);
		return;
	}
	httpd_ask(httpd, request, httpd->logd, IPC_READ, &part, 1,
	    text ? "text/plain; charset=utf-8" : "application/octet-stream");
}

static bool
route_get(struct httpd *httpd, struct evhttp_request *request, const char *path)
{
	static const char status[] = "{\"status\":\"ok\"}";

	if (strcmp(path, "/v1/status") == 0)
		httpd_reply(request, DK_CODE_OK, "application/json", (const uint8_t *)status,
		    strlen(status));
	else if (strcmp(path, "/v1/ca") == 0)
		httpd_reply(request, DK_CODE_OK, "application/pkix-cert", httpd->ca, httpd->ca_len);
	else if (strncmp(path, "/v1/keys/", 9) == 0)
		get_key(httpd, request, path + 9);
	else if (strncmp(path, "/log/", 5) == 0)
		get_log(httpd, request, path + 5);
	else
		return false;
	return true;
}

/* The one method of a path; NULL: there is no such path. */
static const char *
method_of(const char *path)
{
	if (strcmp(path, DK_RELEASE_PATH) == 0 || strcmp(path, "/v1/devices") == 0 ||
	    strcmp(path, DK_STANDING_PATH) == 0 || strcmp(path, DK_PRESENCE_PATH) == 0)
		return "POST";
	if (strcmp(path, "/v1/status") == 0 || strcmp(path, "/v1/ca") == 0 ||
	    strncmp(path, "/v1/keys/", 9) == 0 || strncmp(path, "/log/", 5) == 0)
		return "GET";
	return NULL;
}

static void
no_route(struct evhttp_request *request, const char *path)
{
	const char *allowed = method_of(path);

	if (allowed)
		(void)evhttp_add_header(
		    evhttp_request_get_output_headers(request), "Allow", allowed);
	httpd_reply(request, allowed ? DK_CODE_METHOD : DK_CODE_NOT_FOUND, NULL, NULL, 0);
}

/* The target is taken as it stands: no decoding, no query, no normalisation. */
void
httpd_on_request(struct evhttp_request *request, void *ctx)
{
	struct httpd *httpd = ctx;
	const char *path = evhttp_request_get_uri(request);
	enum evhttp_cmd_type method = evhttp_request_get_command(request);
	unsigned code = httpd_request_begins(request);

	if (code == DK_CODE_OK && !httpd_strict(request))
		code = DK_CODE_HTTP;
	if (code != DK_CODE_OK)
		httpd_reply(request, code, NULL, NULL, 0);
	else if (method == EVHTTP_REQ_POST && strcmp(path, DK_RELEASE_PATH) == 0)
		httpd_ask_release(httpd, request);
	else if (method == EVHTTP_REQ_POST && strcmp(path, "/v1/devices") == 0)
		post_device(httpd, request);
	else if (method == EVHTTP_REQ_POST && strcmp(path, DK_STANDING_PATH) == 0)
		post_signed(httpd, request, IPC_APPROVE, DK_STANDING_BODY_MAX_BYTES, true);
	else if (method == EVHTTP_REQ_POST && strcmp(path, DK_PRESENCE_PATH) == 0)
		post_signed(httpd, request, IPC_PRESENCE, IPC_PRESENCE_BODY_MAX_BYTES, false);
	else if (method == EVHTTP_REQ_GET && route_get(httpd, request, path))
		return;
	else
		no_route(request, path);
}
