/* SPDX-License-Identifier: Apache-2.0 */
/* The customer's pages, spec/profiles/ms-dke-pages.md sections 1 and 6. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "httpd/connection.h"
#include "httpd/dke.h"
#include "native/page.h"

#define ASK "ask"
#define ADDRESS "address"
#define TYPE_NATIVE "application/doublekey"
#define TYPE_TEXT "text/plain; charset=utf-8"

struct page_file {
	const char *name;
	const char *type;
	const uint8_t *bytes;
	size_t len;
};
#include "page_files.h"

static const char *const headers[][2] = {
	{ "Cache-Control", "no-store" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Permissions-Policy",
	    "publickey-credentials-get=(self), publickey-credentials-create=(self)" },
	{ "Content-Security-Policy",
	    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
	    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
};

static void
give(struct evhttp_request *request, unsigned code, const char *type, const void *bytes, size_t len)
{
	struct evkeyvalq *out = evhttp_request_get_output_headers(request);
	struct evbuffer *buf = evbuffer_new();

	metrics_note_dke(METRICS_DKE_OTHER, code);
	if (!buf || evbuffer_add(buf, bytes, len) != 0) {
		if (buf)
			evbuffer_free(buf);
		evhttp_send_error(request, 500, NULL);
		return;
	}
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		(void)evhttp_add_header(out, headers[i][0], headers[i][1]);
	(void)evhttp_add_header(out, "Content-Type", type);
	if (code == DK_CODE_HTTP || code == DK_CODE_TOO_LARGE)
		(void)evhttp_add_header(out, "Connection", "close");
	httpd_send(request, dk_code_http(code), buf);
	evbuffer_free(buf);
}

void
dke_page_answer(struct evhttp_request *request, unsigned code, const uint8_t *bytes, size_t len)
{
	char text[64];
	int n;

	if (code == DK_CODE_OK) {
		give(request, code, TYPE_NATIVE, bytes, len);
		return;
	}
	n = snprintf(text, sizeof(text), "{\"error\":\"%s\"}", dk_code_name(code));
	give(request, code, HTTPD_TYPE_JSON, text,
	    n > 0 && (size_t)n < sizeof(text) ? (size_t)n : 0);
}

/* As authenticators sign it, and as people read it. */
static void
get_address(struct evhttp_request *request, const uint8_t address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char hex[33], text[INET6_ADDRSTRLEN], line[sizeof(hex) + sizeof(text) + 2];
	const bool v4 = memcmp(address, mapped, sizeof(mapped)) == 0;
	int n;

	dk_hex(address, 16, hex);
	if (!inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? address + 12 : address, text, sizeof(text)))
		text[0] = '\0';
	n = snprintf(line, sizeof(line), "%s %s\n", hex, text);
	give(request, DK_CODE_OK, TYPE_TEXT, line, n > 0 ? (size_t)n : 0);
}

static bool
get(struct evhttp_request *request, const char *name, const uint8_t address[16])
{
	if (strcmp(name, ADDRESS) == 0) {
		get_address(request, address);
		return true;
	}
	for (size_t i = 0; i < sizeof(page_files) / sizeof(page_files[0]); i++)
		if (strcmp(name, page_files[i].name) == 0) {
			give(request, DK_CODE_OK, page_files[i].type, page_files[i].bytes,
			    page_files[i].len);
			return true;
		}
	return false;
}

/* The page of another site can have a browser send here, but not without its own name. */
static unsigned
check_ask(const struct dke *dke, struct evhttp_request *request)
{
	size_t len = evbuffer_get_length(evhttp_request_get_input_buffer(request));
	const char *type = httpd_header(request, "Content-Type");
	const char *origin = NULL;

	if (httpd_header_count(request, "Origin", &origin) != 1 ||
	    strcmp(origin, dke->conf.base_url) != 0)
		return DK_CODE_POLICY;
	if (!type || strcmp(type, TYPE_NATIVE) != 0)
		return DK_CODE_CONTENT_TYPE;
	if (len > DK_PAGE_BODY_MAX_BYTES)
		return DK_CODE_TOO_LARGE;
	return len == 0 ? DK_CODE_MALFORMED_REQUEST : DK_CODE_OK;
}

static void
ask(struct httpd *httpd, struct evhttp_request *request, const uint8_t address[16])
{
	struct evbuffer *in = evhttp_request_get_input_buffer(request);
	unsigned code = check_ask(httpd->dke, request);
	const uint8_t *body = code == DK_CODE_OK ? evbuffer_pullup(in, -1) : NULL;

	if (code == DK_CODE_OK && !body)
		code = DK_CODE_BUSY;
	if (code != DK_CODE_OK) {
		dke_page_answer(request, code, NULL, 0);
		return;
	}
	const struct dk_part parts[] = { { address, 16 }, { body, evbuffer_get_length(in) } };
	httpd_ask(httpd, request, httpd->authd, IPC_PAGE, parts, 2, NULL);
}

void
dke_page(struct httpd *httpd, struct evhttp_request *request, const char *name,
    const uint8_t address[16])
{
	const enum evhttp_cmd_type method = evhttp_request_get_command(request);
	const bool asks = strcmp(name, ASK) == 0;

	if (asks && method == EVHTTP_REQ_POST)
		ask(httpd, request, address);
	else if (asks || method != EVHTTP_REQ_GET) {
		(void)evhttp_add_header(
		    evhttp_request_get_output_headers(request), "Allow", asks ? "POST" : "GET");
		dke_page_answer(request, DK_CODE_METHOD, NULL, 0);
	} else if (!get(request, name, address))
		dke_page_answer(request, DK_CODE_NOT_FOUND, NULL, 0);
}
