/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the Microsoft DKE front end, in the order of spec/profiles/ms-dke.md section 3.2:
 * what comes first decides alone. */
#include <openssl/x509.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "httpd/connection.h"
#include "httpd/dke.h"
#include "httpd/dke_text.h"

#define HEAD_BYTES                                                                                 \
	(16 + 1 + 3 * IPC_CLAIM_HEAD_BYTES + IPC_CLAIM_CERTIFICATE_MAX_BYTES +                     \
	    IPC_DKE_TOKEN_MAX_BYTES + IPC_DKE_FRONT_MAX_BYTES + 2 * (1 + IPC_DKE_NAME_MAX_BYTES) + \
	    1 + 2)

/* Who speaks for the client of this connection, if it is a front. */
struct front {
	bool there;
	bool holds; /* its certificate does */
	struct dke_front said;
	uint8_t digest[32];
};

static bool
is_front(
    const struct dke *dke, struct evhttp_request *request, uint8_t ret_digest[32], bool *ret_holds)
{
	const X509 *ca = NULL;
	X509 *cert = dke->conf.front_count > 0 ? httpd_peer_certificate(request, &ca) : NULL;
	unsigned len = 0;

	/* Whether it holds is authd's to judge, and to record. */
	if (!cert || X509_digest(cert, EVP_sha256(), ret_digest, &len) != 1)
		return false;
	*ret_holds = ca != NULL;
	for (unsigned i = 0; i < dke->conf.front_count; i++)
		if (memcmp(dke->conf.front[i], ret_digest, 32) == 0)
			return true;
	return false;
}

/* False: what only a front may say, or what each must. */
static bool
take_front(const struct dke *dke, struct evhttp_request *request, struct front *ret)
{
	const char *value = NULL;
	unsigned count = httpd_header_count(request, "Doublekey-Front", &value);

	ret->there = is_front(dke, request, ret->digest, &ret->holds);
	if (!ret->there)
		return count == 0;
	return count == 1 && dke_front_parse(value, &ret->said);
}

static void
get_address(struct evhttp_request *request, const struct front *front, uint8_t ret_address[16])
{
	if (front->there)
		memcpy(ret_address, front->said.address, 16);
	else
		httpd_peer_address(request, ret_address);
}

/* ---- what goes to authd ---- */

static void
put_claim(struct dk_writer_buf *wr, unsigned kind, const void *data, size_t len)
{
	uint8_t head[IPC_CLAIM_HEAD_BYTES];

	ipc_claim_head(kind, len, head);
	dk_wr_bytes(wr, head, sizeof(head));
	dk_wr_bytes(wr, data, len);
}

static void
put_claims(struct dk_writer_buf *wr, struct evhttp_request *request, const struct dk_part *token,
    const struct front *front)
{
	static uint8_t certificate[IPC_CLAIM_CERTIFICATE_MAX_BYTES];
	const size_t len = httpd_certificate_claim(request, certificate);
	uint8_t claim[IPC_DKE_FRONT_MAX_BYTES];
	struct dk_writer_buf f;

	dk_wr_u8(wr, (uint8_t)(1 + (len > 0) + front->there));
	if (len > 0)
		put_claim(wr, IPC_CLAIM_CERTIFICATE, certificate, len);
	put_claim(wr, IPC_CLAIM_TOKEN, token->data, token->len);
	if (!front->there)
		return;
	dk_wr_init(&f, claim, sizeof(claim));
	dk_wr_u8(&f, (uint8_t)front->said.kind);
	dk_wr_bytes(&f, front->digest, sizeof(front->digest));
	dk_wr_bytes(&f, front->said.person, strlen(front->said.person));
	put_claim(wr, IPC_CLAIM_FRONT, claim, f.len);
}

static void
put_text(struct dk_writer_buf *wr, const char *text)
{
	dk_wr_u8(wr, (uint8_t)strlen(text));
	dk_wr_bytes(wr, text, strlen(text));
}

static void
ask(struct httpd *httpd, struct evhttp_request *request, const struct dke_target *target,
    const struct dk_part *token, const struct front *front)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(request);
	const size_t len = evbuffer_get_length(in);
	const bool json = dke_type_is_json(httpd_header(request, "Content-Type"));
	static uint8_t head[HEAD_BYTES];
	struct dk_writer_buf wr;
	uint8_t address[16];

	get_address(request, front, address);
	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_bytes(&wr, address, sizeof(address));
	put_claims(&wr, request, token, front);
	put_text(&wr, target->name);
	put_text(&wr, target->id);
	dk_wr_u8(&wr, json);
	dk_wr_u16(&wr, (uint16_t)len);
	const struct dk_part parts[] = { { head, wr.len },
		{ len > 0 ? evbuffer_pullup(in, -1) : (const uint8_t *)"", len } };
	if (wr.failed || !parts[1].data)
		dke_answer(httpd, request, METRICS_DKE_DECRYPT, DK_CODE_BUSY, NULL, 0);
	else
		httpd_ask(httpd, request, httpd->authd, IPC_DKE_DECRYPT, parts, 2, NULL);
	dk_wipe(head, wr.len);
}

static void
post_decrypt(struct httpd *httpd, struct evhttp_request *request, const struct dke_target *target,
    const struct front *front)
{
	struct dk_part token;
	unsigned code = dke_token_parse(httpd_header(request, "Authorization"), &token);

	if (code == DK_CODE_OK &&
	    evbuffer_get_length(evhttp_request_get_input_buffer(request)) > IPC_DKE_BODY_MAX_BYTES)
		code = DK_CODE_TOO_LARGE;
	if (code != DK_CODE_OK)
		dke_answer(httpd, request, METRICS_DKE_DECRYPT, code, NULL, 0);
	else
		ask(httpd, request, target, &token, front);
}

void
dke_ask_again(struct evhttp_request *request, struct httpd *httpd)
{
	struct dke_target target;
	struct front front;

	if (!take_front(httpd->dke, request, &front) ||
	    dke_target_parse(DKE_POST, evhttp_request_get_uri(request), &target) != DK_CODE_OK)
		dke_answer(httpd, request, METRICS_DKE_DECRYPT, DK_CODE_INTERNAL, NULL, 0);
	else
		post_decrypt(httpd, request, &target, &front);
}

static enum dke_method
method_of(struct evhttp_request *request)
{
	switch (evhttp_request_get_command(request)) {
	case EVHTTP_REQ_GET:
		return DKE_GET;
	case EVHTTP_REQ_POST:
		return DKE_POST;
	default:
		return DKE_OTHER;
	}
}

void
dke_on_request(struct evhttp_request *request, void *ctx)
{
	struct httpd *httpd = ctx;
	const char *uri = evhttp_request_get_uri(request);
	struct dke_target target = { .decrypt = false };
	unsigned code = httpd_request_begins(request);
	enum metrics_path path = METRICS_DKE_OTHER;
	uint8_t address[16];
	struct front front;

	if (code == DK_CODE_OK && httpd_head_length(request) > DKE_HEAD_MAX_BYTES) {
		dke_answer_head_too_large(request);
		return;
	}
	if (code == DK_CODE_OK &&
	    (!httpd_strict(request) || !take_front(httpd->dke, request, &front)))
		code = DK_CODE_HTTP;
	/* Nobody behind here asks whether the word of a front counts. */
	if (code == DK_CODE_OK && strncmp(uri, DKE_PAGES, strlen(DKE_PAGES)) == 0 && front.there &&
	    !front.holds)
		code = DK_CODE_HTTP;
	if (code == DK_CODE_OK && strncmp(uri, DKE_PAGES, strlen(DKE_PAGES)) == 0) {
		get_address(request, &front, address);
		dke_page(httpd, request, uri + strlen(DKE_PAGES), address);
		return;
	}
	if (code == DK_CODE_OK) {
		code = dke_target_parse(method_of(request), uri, &target);
		if (code == DK_CODE_METHOD)
			(void)evhttp_add_header(evhttp_request_get_output_headers(request), "Allow",
			    target.decrypt ? "POST" : "GET");
		else if (code != DK_CODE_NOT_FOUND)
			path = target.decrypt ? METRICS_DKE_DECRYPT : METRICS_DKE_KEY;
	}
	if (code != DK_CODE_OK)
		dke_answer(httpd, request, path, code, NULL, 0);
	else if (target.decrypt)
		post_decrypt(httpd, request, &target, &front);
	else
		dke_get_key(httpd, request, target.name);
}
