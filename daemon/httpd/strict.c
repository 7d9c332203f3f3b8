/* SPDX-License-Identifier: Apache-2.0 */
/* evhttp keeps repeated headers and is lenient about framing; a key service
 * behind a proxy must see the same request as that proxy. */
#include <event2/http.h> /* before the next one, which needs it */

#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <string.h>
#include <strings.h>

#include "httpd/httpd.h"

unsigned
httpd_header_count(struct evhttp_request *request, const char *name, const char **ret_value)
{
	struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
	struct evkeyval *header;
	unsigned n = 0;

	for (header = headers->tqh_first; header; header = header->next.tqe_next)
		if (strcasecmp(header->key, name) == 0) {
			*ret_value = header->value;
			n++;
		}
	return n;
}

const char *
httpd_header(struct evhttp_request *request, const char *name)
{
	const char *value = NULL;

	return httpd_header_count(request, name, &value) == 1 ? value : NULL;
}

/* A name that is none to evhttp may be one to a proxy, a blank before the colon above all. */
static bool
names_are_tokens(struct evhttp_request *request)
{
	struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
	struct evkeyval *header;

	for (header = headers->tqh_first; header; header = header->next.tqe_next)
		if (header->key[0] == '\0' ||
		    header->key[strspn(header->key,
			"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ")] != '\0')
			return false;
	return true;
}

static bool
digits(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

bool
httpd_strict(struct evhttp_request *request)
{
	static const char *const single[] = { "Content-Type", "Content-Digest", "Signature",
		"Signature-Input", "Authorization", "Doublekey-Token-Digest",
		"Doublekey-Approvals" };
	const char *length = NULL, *any = NULL;
	unsigned lengths = httpd_header_count(request, "Content-Length", &length);

	if (request->major != 1 || request->minor > 1 || !names_are_tokens(request) ||
	    httpd_header_count(request, "Host", &any) != 1 || lengths > 1)
		return false;
	if (lengths == 1 && !digits(length))
		return false;
	/* evhttp takes numbers in chunks that others do not. */
	if (httpd_header_count(request, "Transfer-Encoding", &any) > 0)
		return false;
	for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
		if (httpd_header_count(request, single[i], &any) > 1)
			return false;
	return true;
}
