/* SPDX-License-Identifier: Apache-2.0 */
#include "provider/net.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "provider/turn.h"
#include "provider/wiping.h"

#define CONNECT_MS 5000L
#define ONE_REQUEST_MS 10000L
#define METADATA_MS 1000L
#define BACKOFF_FIRST_MS 100u
#define BACKOFF_LAST_MS 5000u

/* One attempt: what came, and what it was. */
struct attempt {
	char *body;
	size_t len, room;
	size_t max;
	bool may_cut;
	CURL *curl;
	bool was_cut, too_large;
	long retry_after_s;
	long time_ms; /* for all of it */
	struct net_answer answer;
};

void
net_why(struct net_answer *answer, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(answer->why, sizeof(answer->why), format, args);
	va_end(args);
}

/* ---- one attempt ---- */

/* Room for len more bytes and a zero. */
static bool
grow(struct attempt *attempt, size_t len)
{
	size_t room = attempt->len + len + 1;
	char *grown;

	if (room <= attempt->room)
		return true;
	if (room < 2 * attempt->room)
		room = 2 * attempt->room;
	grown = provider_realloc(attempt->body, room);
	if (!grown)
		return false;
	attempt->body = grown;
	attempt->room = room;
	return true;
}

/* What is wanted of an answer that is longer, if that may be. */
static bool
cut(struct attempt *attempt, size_t *len)
{
	long status = 0;

	(void)curl_easy_getinfo(attempt->curl, CURLINFO_RESPONSE_CODE, &status);
	attempt->was_cut = attempt->may_cut && status == 200;
	attempt->too_large = !attempt->was_cut;
	*len = attempt->max - attempt->len;
	return attempt->was_cut;
}

static size_t
on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct attempt *attempt = ctx;
	size_t len = size * n, taken = len;

	if (len > attempt->max - attempt->len && !cut(attempt, &taken))
		return 0;
	if (!grow(attempt, taken))
		return 0;
	memcpy(attempt->body + attempt->len, data, taken);
	attempt->len += taken;
	return taken;
}

/* The value behind "name:", as far as it is printable and fits. */
static bool
header_value(const char *data, size_t len, const char *name, char *ret, size_t cap)
{
	size_t at = strlen(name), n = 0;

	if (len <= at || strncasecmp(data, name, at) != 0 || data[at] != ':')
		return false;
	for (at++; at < len && data[at] == ' '; at++)
		continue;
	for (; at < len && data[at] >= ' ' && data[at] < 0x7f && n + 1 < cap; at++)
		ret[n++] = data[at];
	while (n > 0 && ret[n - 1] == ' ')
		n--;
	ret[n] = '\0';
	return true;
}

static size_t
on_header(char *data, size_t size, size_t n, void *ctx)
{
	static const char *const ids[] = { "x-amzn-requestid", "x-ms-request-id",
		"x-goog-request-id", "x-vault-request-id", "x-amz-request-id", "x-request-id" };
	struct attempt *attempt = ctx;
	size_t len = size * n;
	char seconds[8];

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		(void)header_value(data, len, ids[i], attempt->answer.request_id,
		    sizeof(attempt->answer.request_id));
	(void)header_value(data, len, "etag", attempt->answer.etag, sizeof(attempt->answer.etag));
	(void)header_value(
	    data, len, "content-range", attempt->answer.range, sizeof(attempt->answer.range));
	(void)header_value(data, len, "x-amz-bucket-region", attempt->answer.region,
	    sizeof(attempt->answer.region));
	if (header_value(data, len, "retry-after", seconds, sizeof(seconds)))
		attempt->retry_after_s = strtol(seconds, NULL, 10);
	return len;
}

/* "http://127.0.0.1" or "http://[::1]", with or without a port, and nothing else. */
static bool
is_loopback(const char *url)
{
	static const char v4[] = "http://127.0.0.1", v6[] = "http://[::1]";
	const char *rest = NULL;

	if (strncmp(url, v4, sizeof(v4) - 1) == 0)
		rest = url + sizeof(v4) - 1;
	else if (strncmp(url, v6, sizeof(v6) - 1) == 0)
		rest = url + sizeof(v6) - 1;
	if (rest && *rest == ':')
		rest += 1 + strspn(rest + 1, "0123456789");
	return rest && (*rest == '/' || *rest == '\0');
}

static bool
set_body(CURL *curl, const struct net_request *request)
{
	return !request->body ||
	    (curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len) ==
		    CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body) == CURLE_OK);
}

/* NULL if it is not set, or empty. */
static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

/* These certificates and no others; without any, those of the machine. */
static bool
trust(CURL *curl, CURLoption for_file, CURLoption for_folder, const char *file, const char *folder)
{
	return (!file && !folder) ||
	    (curl_easy_setopt(curl, for_file, file) == CURLE_OK &&
		curl_easy_setopt(curl, for_folder, folder) == CURLE_OK);
}

/* As curl's own command looks for them, for a proxy behind TLS, too. What is configured
 * here is for the system alone. */
static bool
set_ca(CURL *curl, const struct provider_conf *conf)
{
	const char *file = variable("CURL_CA_BUNDLE"), *folder = NULL;

	if (!file) {
		file = variable("SSL_CERT_FILE");
		folder = variable("SSL_CERT_DIR");
	}
	if (!trust(curl, CURLOPT_PROXY_CAINFO, CURLOPT_PROXY_CAPATH, file, folder))
		return false;
	if (conf->ca[0])
		return trust(curl, CURLOPT_CAINFO, CURLOPT_CAPATH, conf->ca, NULL);
	return trust(curl, CURLOPT_CAINFO, CURLOPT_CAPATH, file, folder);
}

static bool
set_signature(CURL *curl, const struct net_request *request)
{
	return !request->sigv4 ||
	    (curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, request->sigv4) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_USERPWD, request->user) == CURLE_OK);
}

/* Plain HTTP never leaves this machine, or the link that its metadata come from. */
static bool
set_transport(CURL *curl, const struct net_request *request, long time_ms)
{
	bool plain = request->metadata || is_loopback(request->url);
	long connect_ms = time_ms < CONNECT_MS ? time_ms : CONNECT_MS;

	return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, plain ? "http,https" : "https") ==
	    CURLE_OK &&
	    (!plain || curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK) &&
	    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, time_ms) == CURLE_OK;
}

static bool
set_up(CURL *curl, const struct provider_conf *conf, const struct net_request *request,
    struct curl_slist *headers, struct attempt *attempt)
{
	return curl_easy_setopt(curl, CURLOPT_URL, request->url) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_WRITEDATA, attempt) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_HEADERDATA, attempt) == CURLE_OK &&
	    set_transport(curl, request, attempt->time_ms) && set_ca(curl, conf) &&
	    set_signature(curl, request) && set_body(curl, request);
}

/* false: no memory. Nothing is there that libcurl would sign and not send. */
static bool
header_list(const struct net_request *request, struct curl_slist **ret)
{
	struct curl_slist *list = NULL, *more;

	for (unsigned i = 0; i < NET_HEADERS_MAX && request->header[i]; i++) {
		more = curl_slist_append(list, request->header[i]);
		if (!more) {
			curl_slist_free_all(list);
			return false;
		}
		list = more;
	}
	*ret = list;
	return true;
}

static dk_err
transport_error(CURLcode code, struct attempt *attempt)
{
	net_why(&attempt->answer, "%s", curl_easy_strerror(code));
	switch (code) {
	case CURLE_OUT_OF_MEMORY:
		return DK_ERR_NOMEM;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return DK_ERR_PROVIDER_TLS;
	case CURLE_WRITE_ERROR:
		net_why(&attempt->answer, "the answer has more than %zu bytes", attempt->max);
		return attempt->too_large ? DK_ERR_PROVIDER_ANSWER : DK_ERR_NOMEM;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
		return DK_ERR_PROVIDER_CONFIGURATION;
	default:
		return DK_ERR_PROVIDER_UNREACHABLE;
	}
}

static bool
is_outage(long status)
{
	return status == 408 || status == 500 || status == 502 || status == 503 || status == 504;
}

/* The body as an object, or as a text without zero bytes. */
static void
take_body(struct attempt *attempt, const struct net_request *request)
{
	struct net_answer *answer = &attempt->answer;

	if (attempt->len == 0)
		return;
	if (request->raw && (request->bytes || !memchr(attempt->body, '\0', attempt->len))) {
		attempt->body[attempt->len] = '\0';
		answer->text = attempt->body;
		answer->text_len = attempt->len;
		attempt->body = NULL;
	}
	if (request->raw)
		return;
	answer->json = json_loadb(attempt->body, attempt->len, JSON_REJECT_DUPLICATES, NULL);
	if (answer->json && !json_is_object(answer->json)) {
		json_decref(answer->json);
		answer->json = NULL;
	}
}

static dk_err
judge_answer(const struct net_request *request, struct attempt *attempt, net_judge judge)
{
	struct net_answer *answer = &attempt->answer;
	dk_err err;

	if (answer->status >= 300 && answer->status < 400 && !request->every) {
		net_why(answer, "it points elsewhere, which is not followed");
		return DK_ERR_PROVIDER_ANSWER;
	}
	take_body(attempt, request);
	if (answer->status == 200 && !request->raw && !answer->json) {
		net_why(answer, "the answer is no JSON object");
		return DK_ERR_PROVIDER_ANSWER;
	}
	err = judge(answer);
	if (answer->status == 429)
		return DK_ERR_PROVIDER_THROTTLED;
	return is_outage(answer->status) ? DK_ERR_PROVIDER_UNREACHABLE : err;
}

static dk_err
attempt_once(const struct provider_key *key, const struct net_request *request, net_judge judge,
    struct attempt *attempt)
{
	struct curl_slist *headers = NULL;
	bool ok = header_list(request, &headers);
	CURL *curl = turn_begin(key->net);
	dk_err err = DK_ERR_NOMEM;
	CURLcode code;

	if (curl && ok && set_up(curl, &key->conf, request, headers, attempt)) {
		attempt->curl = curl;
		code = curl_easy_perform(curl);
		if (code == CURLE_WRITE_ERROR && attempt->was_cut)
			code = CURLE_OK;
		if (code == CURLE_OK)
			code = curl_easy_getinfo(
			    curl, CURLINFO_RESPONSE_CODE, &attempt->answer.status);
		if (code == CURLE_OK)
			code = curl_easy_getinfo(
			    curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &attempt->answer.length);
		err = code == CURLE_OK ? judge_answer(request, attempt, judge)
				       : transport_error(code, attempt);
	}
	turn_end(key->net, curl);
	curl_slist_free_all(headers);
	provider_free(attempt->body);
	attempt->body = NULL;
	return err;
}

/* ---- with retries ---- */

static uint64_t
pause_us(unsigned attempt, long retry_after_s)
{
	uint64_t top = (uint64_t)BACKOFF_FIRST_MS << (attempt < 6 ? attempt : 6), us;
	uint32_t random = 0;

	if (top > BACKOFF_LAST_MS)
		top = BACKOFF_LAST_MS;
	if (dk_random((uint8_t *)&random, sizeof(random)) != DK_OK)
		random = UINT32_MAX;
	us = top * 1000 * random / UINT32_MAX;
	if (retry_after_s > 0 && retry_after_s <= 3600 && us < (uint64_t)retry_after_s * 1000000)
		us = (uint64_t)retry_after_s * 1000000;
	return us;
}

static bool
may_retry(dk_err err)
{
	return err == DK_ERR_PROVIDER_THROTTLED || err == DK_ERR_PROVIDER_UNREACHABLE;
}

/* Once: what a system that is out says again and again helps nobody. */
static void
tell(const struct provider_key *key, const struct net_answer *answer)
{
	const char *id = answer->request_id;

	if (answer->status == 0)
		provider_note(key, "%s", answer->why);
	else
		provider_note(key, "%s%sstatus %ld%s%s", answer->why, answer->why[0] ? ", " : "",
		    answer->status, id[0] ? ", request " : "", id);
}

/* How long the next attempt may take; 0: there is no time for one. */
static long
time_left_ms(const struct net_request *request, uint64_t end)
{
	uint64_t now = turn_now_us(), left = now < end ? (end - now) / 1000 : 0;
	uint64_t most = request->metadata ? METADATA_MS : ONE_REQUEST_MS;

	return (long)(left < most ? left : most);
}

dk_err
net_call(const struct provider_key *key, const struct net_request *request, net_judge judge,
    struct net_answer *ret)
{
	uint64_t end = turn_now_us() + (uint64_t)key->conf.deadline_s * 1000000, wait;
	bool was_out = turn_is_out(key->net), once = request->metadata || was_out;
	struct attempt attempt;
	dk_err err;

	for (unsigned i = 0;; i++) {
		attempt = (struct attempt){ .time_ms = time_left_ms(request, end),
			.max = request->max > 0 ? request->max : NET_ANSWER_MAX_BYTES,
			.may_cut = request->cut };
		err = attempt_once(key, request, judge, &attempt);
		wait = pause_us(i, attempt.retry_after_s);
		if (!may_retry(err) || once || turn_now_us() + wait + 1000 >= end)
			break;
		net_answer_clear(&attempt.answer);
		turn_sleep_us(wait);
	}
	if (!request->metadata)
		turn_outage(key->net, err == DK_ERR_PROVIDER_UNREACHABLE);
	if (err == DK_OK) {
		*ret = attempt.answer;
		return DK_OK;
	}
	if (!request->metadata && !(was_out && err == DK_ERR_PROVIDER_UNREACHABLE))
		tell(key, &attempt.answer);
	ret->status = attempt.answer.status;
	memcpy(ret->region, attempt.answer.region, sizeof(ret->region));
	net_answer_clear(&attempt.answer);
	return err;
}
