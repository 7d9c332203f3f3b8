/* SPDX-License-Identifier: Apache-2.0 */
/* What clients of the Microsoft DKE front end see, spec/profiles/ms-dke.md sections 3.3 and 3.4. */
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/base64.h"
#include "httpd/dke.h"

#define PLAIN_MAX_BYTES 190
#define HEAD_TOO_LARGE 431

struct said {
	unsigned code;
	unsigned status;
	const char *name; /* NULL: the challenge */
};

/* Any other is a refusal, whose reason stands in the record. */
static const struct said table[] = {
	{ DK_CODE_HTTP, 400, "http" },
	{ DK_CODE_MALFORMED_REQUEST, 400, "malformed-request" },
	{ DK_CODE_UNKNOWN_KEY, 400, "unknown-key" },
	{ DK_CODE_VALUE, 400, "value" },
	{ DK_CODE_TOKEN_REQUIRED, 401, NULL },
	{ DK_CODE_TOKEN, 401, NULL },
	{ DK_CODE_TOKEN_QUARANTINE, 401, NULL },
	{ DK_CODE_TOKEN_CLIENT, 401, NULL },
	{ DK_CODE_REPLAY, 401, NULL }, /* the token was used */
	{ DK_CODE_NOT_FOUND, 404, "not-found" },
	{ DK_CODE_METHOD, 405, "method" },
	{ DK_CODE_TOO_LARGE, 413, "too-large" },
	{ DK_CODE_CONTENT_TYPE, 415, "content-type" },
	{ DK_CODE_BUDGET, 429, "budget" },
	{ DK_CODE_INTERNAL, 500, "internal" },
	{ DK_CODE_BUSY, 503, "busy" },
	{ DK_CODE_UNAVAILABLE, 503, "unavailable" },
	{ DK_CODE_TOKEN_KEYS, 503, "unavailable" },
	{ DK_CODE_DIRECTORY, 503, "unavailable" },
	{ DK_CODE_HSM, 503, "unavailable" },
	{ DK_CODE_HSM_PIN, 503, "unavailable" },
	{ DK_CODE_QUORUM, 503, "unavailable" },
};

static struct said
said_for(unsigned code)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].code == code)
			return table[i];
	return (struct said){ code, 403, "refused" };
}

static void
add_header(struct evhttp_request *request, const char *name, const char *value)
{
	(void)evhttp_add_header(evhttp_request_get_output_headers(request), name, value);
}

static void
add_challenge(const struct dke *dke, struct evhttp_request *request, bool bad)
{
	add_header(request, "WWW-Authenticate", bad ? dke->challenge_bad : dke->challenge);
	add_header(request, "resource", dke->conf.audience);
	add_header(request, "authorization", dke->conf.authorization);
}

static void
add_error(struct evbuffer *buf, struct evhttp_request *request, const struct said *said)
{
	add_header(request, "Content-Type", HTTPD_TYPE_JSON);
	if (said->code == DK_CODE_HTTP || said->code == DK_CODE_TOO_LARGE)
		add_header(request, "Connection", "close");
	if (said->status == 503)
		add_header(request, "Retry-After", "1");
	(void)evbuffer_add_printf(buf, "{\"error\":\"%s\"}", said->name);
}

static bool
add_value(struct evbuffer *buf, const uint8_t *bytes, size_t len)
{
	char text[DK_BASE64_CHARS(PLAIN_MAX_BYTES) + 1];
	bool ok = len >= 1 && len <= PLAIN_MAX_BYTES &&
	    dk_base64_encode(bytes, len, text, sizeof(text)) == DK_OK &&
	    evbuffer_add(buf, "{\"value\":\"", 10) == 0 &&
	    evbuffer_add(buf, text, strlen(text)) == 0 && evbuffer_add(buf, "\"}", 2) == 0;

	dk_wipe(text, sizeof(text));
	return ok;
}

static bool
add_body(struct evbuffer *buf, struct evhttp_request *request, enum metrics_path path,
    const uint8_t *bytes, size_t len)
{
	add_header(request, "Content-Type", HTTPD_TYPE_JSON);
	return path == METRICS_DKE_KEY ? evbuffer_add(buf, bytes, len) == 0
				       : add_value(buf, bytes, len);
}

static void
answer(struct httpd *httpd, struct evhttp_request *request, enum metrics_path path,
    struct said said, const uint8_t *bytes, size_t len)
{
	struct evbuffer *buf = evbuffer_new();

	metrics_note_dke(path, said.code);
	if (!buf) {
		evhttp_send_error(request, 500, NULL);
		return;
	}
	add_header(request, "Cache-Control", "no-store");
	if (said.code == DK_CODE_OK && !add_body(buf, request, path, bytes, len)) {
		(void)evbuffer_drain(buf, evbuffer_get_length(buf));
		(void)evhttp_remove_header(
		    evhttp_request_get_output_headers(request), "Content-Type");
		said = said_for(DK_CODE_INTERNAL);
	}
	if (said.status == 401)
		add_challenge(httpd->dke, request, said.code != DK_CODE_TOKEN_REQUIRED);
	else if (said.code != DK_CODE_OK)
		add_error(buf, request, &said);
	httpd_send(request, said.status, buf);
	evbuffer_free(buf);
}

void
dke_answer(struct httpd *httpd, struct evhttp_request *request, enum metrics_path path,
    unsigned code, const uint8_t *bytes, size_t len)
{
	answer(httpd, request, path,
	    code == DK_CODE_OK ? (struct said){ code, 200, NULL } : said_for(code), bytes, len);
}

void
dke_answer_head_too_large(struct evhttp_request *request)
{
	struct said said = said_for(DK_CODE_TOO_LARGE);

	said.status = HEAD_TOO_LARGE;
	answer(NULL, request, METRICS_DKE_OTHER, said, NULL, 0);
}
