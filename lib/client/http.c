/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "native/code.h"

#define CONNECT_S 10L
#define TOTAL_S 60L

static size_t
on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct dk_http_answer *answer = ctx;
	size_t len = size * n;
	uint8_t *grown;

	if (len > DK_HTTP_ANSWER_MAX_BYTES - answer->len)
		return 0;
	grown = realloc(answer->body, answer->len + len + 1);
	if (!grown)
		return 0;
	memcpy(grown + answer->len, data, len);
	answer->body = grown;
	answer->len += len;
	return len;
}

static size_t
on_header(char *data, size_t size, size_t n, void *ctx)
{
	static const char name[] = "doublekey-error: ";
	struct dk_http_answer *answer = ctx;
	size_t len = size * n, name_len = strlen(name), value;

	if (len > name_len && strncasecmp(data, name, name_len) == 0) {
		value = len - name_len;
		while (value > 0 &&
		    (data[name_len + value - 1] == '\n' || data[name_len + value - 1] == '\r'))
			value--;
		if (value < sizeof(answer->error)) {
			memcpy(answer->error, data + name_len, value);
			answer->error[value] = '\0';
		}
	}
	return len;
}

/* The pinned CA and no other: not those of the system either. */
static bool
set_ca(CURL *curl, const uint8_t *ca_pem, size_t len)
{
	struct curl_blob blob = {
		.data = (void *)(uintptr_t)ca_pem, .len = len, .flags = CURL_BLOB_COPY
	};

	return curl_easy_setopt(curl, CURLOPT_CAINFO, NULL) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK;
}

/* Services of ours have TLS 1.3; a log that somebody else serves need not. */
bool
dk_http_set_up(
    void *curl, const char *url, const uint8_t *ca_pem, size_t ca_pem_len, long connect_s)
{
	long version = ca_pem ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2;

	return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_SSLVERSION, version) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, connect_s ? connect_s : CONNECT_S) ==
	    CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_TIMEOUT, TOTAL_S) == CURLE_OK &&
	    (!ca_pem || set_ca(curl, ca_pem, ca_pem_len));
}

/* Only for what is compared with a fingerprint. */
static bool
no_ca(CURL *curl)
{
	return curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK;
}

/* Nobody is asked for the passphrase of a key: this may be a service. */
static bool
set_client(CURL *curl, const char *file)
{
	return !file ||
	    (curl_easy_setopt(curl, CURLOPT_SSLCERT, file) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_SSLKEY, file) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_KEYPASSWD, "") == CURLE_OK);
}

static bool
set_up(CURL *curl, const struct dk_http_request *request, struct curl_slist *headers,
    struct dk_http_answer *answer)
{
	return dk_http_set_up(
		   curl, request->url, request->ca_pem, request->ca_pem_len, request->connect_s) &&
	    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer) == CURLE_OK &&
	    (request->ca_pem || no_ca(curl)) && set_client(curl, request->client_pem) &&
	    (!request->body ||
		(curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
		     (curl_off_t)request->body_len) == CURLE_OK &&
		    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body) == CURLE_OK));
}

/* Of the last one that could not be reached, by its name, since others may fail as well. */
static pthread_mutex_t why_lock = PTHREAD_MUTEX_INITIALIZER;
static char why[DK_CLIENT_WHY_BYTES];

static const char *
why_of(CURLcode ret)
{
	switch (ret) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return "the name cannot be resolved";
	case CURLE_COULDNT_CONNECT:
		return "nobody takes connections there";
	case CURLE_OPERATION_TIMEDOUT:
		return "no answer came in time";
	case CURLE_SSL_CONNECT_ERROR:
		return "TLS 1.3 fails there";
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return "the connection was ended";
	default:
		return curl_easy_strerror(ret);
	}
}

static void
keep_why(const char *url, CURLcode ret)
{
	const char *host = url + strlen("https://");

	(void)pthread_mutex_lock(&why_lock);
	(void)snprintf(why, sizeof(why), "%.*s: %s", (int)strcspn(host, "/"), host, why_of(ret));
	(void)pthread_mutex_unlock(&why_lock);
}

void
client_why(char ret_text[DK_CLIENT_WHY_BYTES])
{
	(void)pthread_mutex_lock(&why_lock);
	memcpy(ret_text, why, sizeof(why));
	(void)pthread_mutex_unlock(&why_lock);
}

static dk_err
judge(CURL *curl, CURLcode ret, struct dk_http_answer *answer)
{
	unsigned code;

	if (ret == CURLE_PEER_FAILED_VERIFICATION || ret == CURLE_SSL_CACERT_BADFILE)
		return DK_ERR_SERVICE_TLS;
	if (ret == CURLE_SSL_CERTPROBLEM)
		return DK_ERR_SERVICE_PROFILE;
	if (ret == CURLE_WRITE_ERROR)
		return DK_ERR_SERVICE_REPLY;
	if (ret != CURLE_OK ||
	    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status) != CURLE_OK)
		return DK_ERR_SERVICE_UNREACHABLE;
	if (answer->status == 200)
		return DK_OK;
	/* Some ends at the service's HTTP library, which knows no names. */
	if (answer->error[0] == '\0' && answer->status == 413)
		return DK_ERR_SERVICE_TOO_LARGE;
	if (answer->error[0] == '\0' && (answer->status / 100 == 4 || answer->status == 501))
		return DK_ERR_SERVICE_HTTP;
	code = dk_code_from_name(answer->error);
	return code == DK_CODE_OK ? DK_ERR_SERVICE_REPLY : dk_code_err(code);
}

dk_err
dk_http(const struct dk_http_request *request, struct dk_http_answer *ret)
{
	/* No "Expect: 100-continue": it would cost a round trip. */
	struct curl_slist *headers = curl_slist_append(NULL, "Expect:"), *more;
	struct dk_http_answer answer = { .body = NULL };
	CURL *curl = curl_easy_init();
	dk_err err = DK_ERR_NOMEM;
	CURLcode done;

	for (unsigned i = 0; headers && request->header[i]; i++) {
		more = curl_slist_append(headers, request->header[i]);
		if (!more)
			break;
		headers = more;
	}
	if (curl && headers && set_up(curl, request, headers, &answer)) {
		done = curl_easy_perform(curl);
		err = judge(curl, done, &answer);
		if (err == DK_ERR_SERVICE_UNREACHABLE)
			keep_why(request->url, done);
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	if (err == DK_OK)
		*ret = answer;
	else
		free(answer.body);
	return err;
}
