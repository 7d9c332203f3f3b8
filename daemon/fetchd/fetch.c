/* SPDX-License-Identifier: Apache-2.0 */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fetchd/fetchd.h"

#define CONNECT_S 10L
#define TOTAL_S 30L
/* A release may wait for a witness. */
#define POST_CONNECT_S 2L
#define POST_TOTAL_S 5L

struct transfer {
	struct transfer *next;
	uint64_t id;
	CURL *curl;
	bool post;
	size_t header_len;
	bool too_large;
	size_t len;
	uint8_t body[IPC_FETCH_BODY_MAX_BYTES];
};

static CURLM *multi;
static struct curl_slist *headers, *post_headers;
static struct transfer *transfers;
static unsigned transfer_count;
static fetch_done_fn tell;
static void *tell_ctx;

bool
fetch_start(fetch_done_fn done, void *ctx)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return false;
	multi = curl_multi_init();
	headers = curl_slist_append(NULL, "Accept: application/jwk-set+json, application/json");
	post_headers = curl_slist_append(NULL, "Content-Type: text/plain");
	if (post_headers) /* libcurl would wait for a permission to send */
		post_headers = curl_slist_append(post_headers, "Expect:");
	tell = done;
	tell_ctx = ctx;
	return multi && headers && post_headers;
}

static size_t
on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = size * n;

	if (len > sizeof(t->body) - t->len) {
		t->too_large = true;
		return 0;
	}
	memcpy(t->body + t->len, data, len);
	t->len += len;
	return len;
}

static size_t
on_header(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = size * n;

	(void)data;
	t->header_len += len;
	if (t->header_len <= IPC_FETCH_BODY_MAX_BYTES)
		return len;
	t->too_large = true;
	return 0;
}

bool
fetch_secure(CURL *c, const char *url, const struct dk_part *ca_pem)
{
	struct curl_blob ca = { .len = ca_pem->len, .flags = CURL_BLOB_COPY };

	ca.data = (void *)(uintptr_t)ca_pem->data;
	return curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_CAINFO, NULL) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_CAPATH, NULL) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &ca) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_S) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_TIMEOUT, TOTAL_S) == CURLE_OK;
}

static bool
set_up(struct transfer *t, const struct ipc_fetch *what)
{
	CURL *c = t->curl;

	return fetch_secure(c, what->url, &what->ca_pem) &&
	    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	    (!what->post ||
		(curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https,http") == CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, POST_CONNECT_S) == CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_TIMEOUT, POST_TOTAL_S) == CURLE_OK)) &&
	    curl_easy_setopt(c, CURLOPT_FORBID_REUSE, what->post ? 0L : 1L) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_HTTPHEADER, what->post ? post_headers : headers) ==
	    CURLE_OK &&
	    (!what->post ||
		(curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)what->body.len) == CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, what->body.data) == CURLE_OK)) &&
	    curl_easy_setopt(c, CURLOPT_USERAGENT, "doublekeyd/" DK_VERSION) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_WRITEDATA, t) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_HEADERDATA, t) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_PRIVATE, t) == CURLE_OK;
}

static void
release(struct transfer *t)
{
	struct transfer **link = &transfers;

	while (*link && *link != t)
		link = &(*link)->next;
	if (*link) {
		*link = t->next;
		transfer_count--;
	}
	if (t->curl) {
		(void)curl_multi_remove_handle(multi, t->curl);
		curl_easy_cleanup(t->curl);
	}
	free(t);
}

bool
fetch_begin(uint64_t id, const struct ipc_fetch *what)
{
	const struct fetch_done failed = { .id = id, .result = IPC_FETCH_TRANSFER };
	struct transfer *t;

	if (transfer_count == IPC_FETCH_UNDER_WAY_MAX)
		return false;
	t = calloc(1, sizeof(*t));
	if (t) {
		t->id = id;
		t->post = what->post;
		t->curl = curl_easy_init();
	}
	if (!t || !t->curl || !set_up(t, what) ||
	    curl_multi_add_handle(multi, t->curl) != CURLM_OK) {
		if (t)
			release(t);
		tell(tell_ctx, &failed);
		return true;
	}
	t->next = transfers;
	transfers = t;
	transfer_count++;
	return true;
}

enum ipc_fetch_result
fetch_result_of(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return IPC_FETCH_OK;
	case CURLE_COULDNT_RESOLVE_HOST:
		return IPC_FETCH_RESOLVE;
	case CURLE_COULDNT_CONNECT:
		return IPC_FETCH_CONNECT;
	case CURLE_OPERATION_TIMEDOUT:
		return IPC_FETCH_TIME_OUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
		return IPC_FETCH_TLS;
	default:
		return IPC_FETCH_TRANSFER;
	}
}

/* With parameters behind it or without. */
static bool
type_is(const char *type, const char *wanted)
{
	size_t len = strlen(wanted);

	if (!type || strncasecmp(type, wanted, len) != 0)
		return false;
	type += len;
	type += strspn(type, " \t");
	return *type == '\0' || *type == ';';
}

static void
finish(CURL *curl, CURLcode code)
{
	struct fetch_done done = { .result = IPC_FETCH_TRANSFER };
	struct transfer *t = NULL;
	const char *type = NULL;
	long status = 0;

	if (curl_easy_getinfo(curl, CURLINFO_PRIVATE, (char **)&t) != CURLE_OK || !t)
		return;
	done.id = t->id;
	done.result = t->too_large ? IPC_FETCH_TOO_LARGE : fetch_result_of(code);
	if (curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK)
		done.status = status > 0 && status < 1000 ? (unsigned)status : 0;
	if (done.result == IPC_FETCH_OK && !t->post && done.status != 200)
		done.result = IPC_FETCH_STATUS;
	if (done.result == IPC_FETCH_OK && !t->post &&
	    (curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK ||
		(!type_is(type, "application/json") && !type_is(type, "application/jwk-set+json"))))
		done.result = IPC_FETCH_CONTENT_TYPE;
	if (done.result == IPC_FETCH_OK) {
		done.body = t->body;
		done.len = t->len;
	}
	tell(tell_ctx, &done);
	release(t);
}

void
fetch_wait(int fd, bool wants_write, int other_fd)
{
	struct curl_waitfd extra[] = { { .fd = fd }, { other_fd, CURL_WAIT_POLLIN, 0 } };
	const struct CURLMsg *message;
	int running, left;

	extra[0].events = (short)(CURL_WAIT_POLLIN | (wants_write ? CURL_WAIT_POLLOUT : 0));
	(void)curl_multi_poll(multi, extra, 2, 1000, NULL);
	(void)curl_multi_perform(multi, &running);
	while ((message = curl_multi_info_read(multi, &left)))
		if (message->msg == CURLMSG_DONE)
			finish(message->easy_handle, message->data.result);
}

unsigned
fetch_under_way(void)
{
	return transfer_count;
}

void
fetch_stop(void)
{
	while (transfers)
		release(transfers);
	(void)curl_multi_cleanup(multi);
	curl_slist_free_all(headers);
	curl_slist_free_all(post_headers);
	curl_global_cleanup();
}
