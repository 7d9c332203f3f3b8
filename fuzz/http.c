/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers of a request as httpd takes them: framing, signature, token, approvals.
 * The input is lines "NAME: VALUE" and, behind an empty line, the body. They are put
 * into libevent's own request, which does what its parser would.
 */
#include <event2/event.h>
#include <string.h>

#include "fuzz.h"
#include "httpd/httpd.h"

/* The one part that needs a connection; certificates have harnesses of their own. */
size_t
httpd_certificate_claim(
    struct evhttp_request *request, uint8_t ret_claim[IPC_CLAIM_CERTIFICATE_MAX_BYTES])
{
	(void)request;
	(void)ret_claim;
	return 0;
}

/* Returns where the body begins. */
static char *
add_headers(struct evhttp_request *request, char *text)
{
	char *line, *colon, *end;

	for (line = text; *line && *line != '\n'; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		colon = strchr(line, ':');
		if (!colon || colon == line)
			continue;
		*colon = '\0';
		(void)evhttp_add_header(evhttp_request_get_input_headers(request), line,
		    colon + 1 + strspn(colon + 1, " "));
	}
	return *line ? line + 1 : line;
}

static void
check_claims(const struct httpd_claims *claims, const struct dk_request_signature *sig)
{
	struct ipc_claims read;
	struct dk_reader_buf rd;

	FUZZ_CHECK(claims->len <= sizeof(claims->bytes));
	dk_rd_init(&rd, claims->bytes, claims->len);
	FUZZ_CHECK(ipc_claims_read(&rd, &read) && dk_rd_left(&rd) == 0);
	FUZZ_CHECK((read.of[IPC_CLAIM_TOKEN].len > 0) == sig->has_token);
	FUZZ_CHECK((read.of[IPC_CLAIM_TOKEN_DIGEST].len > 0) == sig->has_token);
}

static void
ask(struct evhttp_request *request, const uint8_t *body, size_t len)
{
	static struct httpd_claims claims;
	struct dk_request_signature sig = { .created = 0 };
	char params[DK_SIGNATURE_INPUT_MAX_BYTES];
	unsigned code;

	if (!httpd_strict(request))
		return;
	code = httpd_release_headers(request, body, len, &sig, &claims);
	FUZZ_CHECK(dk_code_known(code));
	if (code != DK_CODE_OK)
		return;
	/* What goes on is what the one header says, and nothing else. */
	FUZZ_CHECK(dk_signature_params(&sig, params));
	FUZZ_CHECK(strcmp(httpd_header(request, "Signature-Input") + 3, params) == 0);
	check_claims(&claims, &sig);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct evhttp_request *request = evhttp_request_new(NULL, NULL);
	char *text = malloc(len + 1), *body;

	FUZZ_CHECK(request && text);
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	body = add_headers(request, text);
	ask(request, (const uint8_t *)body, len - (size_t)(body - text));
	evhttp_request_free(request);
	free(text);
	return 0;
}
