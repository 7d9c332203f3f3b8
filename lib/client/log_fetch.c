/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a log by HTTPS, several at once over connections that are kept. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client_impl.h"
#include "client/http.h"

#define PARALLEL 8
#define URL_BYTES 2048
#define WAIT_MS 1000
#define TRIES 3

struct transfer {
	CURL *easy;
	struct dk_log_file *file;
	unsigned tries;
};

struct fetch {
	CURLM *multi;
	char url[URL_BYTES];
	uint8_t *ca_pem; /* NULL: CAs of the system */
	size_t ca_pem_len;
	struct transfer transfer[PARALLEL];
};

static size_t
on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct dk_log_file *file = ctx;
	size_t len = size * n;

	if (len > file->cap - file->len)
		return 0;
	memcpy(file->data + file->len, data, len);
	file->len += len;
	return len;
}

/* The handle keeps its settings from file to file. */
static bool
begin(struct fetch *f, struct transfer *t)
{
	char url[URL_BYTES + DK_TILE_PATH_BYTES];
	int n = snprintf(url, sizeof(url), "%s/%s", f->url, t->file->path);

	t->file->len = 0;
	if (!t->easy) {
		t->easy = curl_easy_init();
		/* As C2SP tlog-tiles asks; what came is still limited by on_body(). */
		if (!t->easy ||
		    curl_easy_setopt(t->easy, CURLOPT_ACCEPT_ENCODING, "gzip, identity") !=
			CURLE_OK)
			return false;
	}
	return n > 0 && (size_t)n < sizeof(url) &&
	    dk_http_set_up(t->easy, url, f->ca_pem, f->ca_pem_len, 0) &&
	    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t->file) == CURLE_OK &&
	    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t) == CURLE_OK &&
	    curl_multi_add_handle(f->multi, t->easy) == CURLM_OK;
}

static dk_err
judge(CURL *easy, CURLcode result)
{
	long status = 0;

	if (result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE)
		return DK_ERR_SERVICE_TLS;
	if (result == CURLE_WRITE_ERROR || result == CURLE_BAD_CONTENT_ENCODING)
		return DK_ERR_LOG_FILE;
	if (result != CURLE_OK ||
	    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK)
		return DK_ERR_SERVICE_UNREACHABLE;
	switch (status) {
	case 200:
		return DK_OK;
	case 404:
	case 410:
		return DK_ERR_LOG_MISSING;
	case 429:
	case 503:
		return DK_ERR_SERVICE_BUSY;
	default:
		return DK_ERR_SERVICE_REPLY;
	}
}

struct work {
	struct dk_log_file *files;
	size_t n, next;
	unsigned running;
};

/* The next file for a transfer that has nothing to do. */
static void
give(struct fetch *f, struct work *w, struct transfer *t)
{
	for (t->file = NULL; w->next < w->n && !t->file; w->next++) {
		t->file = &w->files[w->next];
		t->tries = 1;
		if (begin(f, t)) {
			w->running++;
			continue;
		}
		t->file->err = DK_ERR_NOMEM;
		t->file = NULL;
	}
}

/* Connections that were kept may have been closed by the other side. */
static bool
again(struct fetch *f, struct transfer *t, dk_err err)
{
	if (t->tries == TRIES || (err != DK_ERR_SERVICE_UNREACHABLE && err != DK_ERR_SERVICE_BUSY))
		return false;
	t->tries++;
	return begin(f, t);
}

static void
finish(struct fetch *f, struct work *w)
{
	struct transfer *t;
	CURLMsg *msg;
	dk_err err;
	int left;

	while ((msg = curl_multi_info_read(f->multi, &left))) {
		if (msg->msg != CURLMSG_DONE ||
		    curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&t) != CURLE_OK)
			continue;
		err = judge(t->easy, msg->data.result);
		(void)curl_multi_remove_handle(f->multi, t->easy);
		if (again(f, t, err))
			continue;
		t->file->err = err;
		w->running--;
		give(f, w, t);
	}
}

static dk_err
fetch_read(void *ctx, struct dk_log_file *files, size_t n)
{
	struct work w = { .files = files, .n = n };
	struct fetch *f = ctx;
	bool ok = true;
	int running;

	for (size_t i = 0; i < n; i++)
		files[i].err = DK_ERR_SERVICE_UNREACHABLE;
	for (unsigned i = 0; i < PARALLEL; i++)
		give(f, &w, &f->transfer[i]);
	while (w.running > 0 && ok) {
		ok = curl_multi_perform(f->multi, &running) == CURLM_OK;
		finish(f, &w);
		if (ok && w.running > 0)
			ok = curl_multi_poll(f->multi, NULL, 0, WAIT_MS, NULL) == CURLM_OK;
	}
	for (unsigned i = 0; i < PARALLEL && !ok; i++)
		if (f->transfer[i].easy)
			(void)curl_multi_remove_handle(f->multi, f->transfer[i].easy);
	if (!ok)
		return DK_ERR_SERVICE_UNREACHABLE;
	for (size_t i = 0; i < n; i++)
		if (files[i].err != DK_OK)
			return files[i].err;
	return DK_OK;
}

static void
fetch_close(void *ctx)
{
	struct fetch *f = ctx;

	for (unsigned i = 0; i < PARALLEL; i++)
		curl_easy_cleanup(f->transfer[i].easy);
	(void)curl_multi_cleanup(f->multi);
	free(f->ca_pem);
	free(f);
}

/* Of a service where this machine is enrolled, its own CA. */
static dk_err
pinned_ca(struct fetch *f)
{
	dk_auto_profile profile = { .device = NULL };
	char base_url[DK_URL_MAX_BYTES + 1];
	dk_err err;

	if (!client_log_base(f->url, base_url))
		return DK_OK;
	err = dk_profile_load(base_url, &profile);
	if (err != DK_OK)
		return err == DK_ERR_SERVICE_NOT_ENROLLED ? DK_OK : err;
	f->ca_pem = malloc(profile.ca_pem_len);
	if (!f->ca_pem)
		return DK_ERR_NOMEM;
	memcpy(f->ca_pem, profile.ca_pem, profile.ca_pem_len);
	f->ca_pem_len = profile.ca_pem_len;
	return DK_OK;
}

static dk_err
given_ca(struct fetch *f, const uint8_t *ca_pem, size_t len)
{
	f->ca_pem = malloc(len);
	if (!f->ca_pem)
		return DK_ERR_NOMEM;
	memcpy(f->ca_pem, ca_pem, len);
	f->ca_pem_len = len;
	return DK_OK;
}

dk_err
client_log_open(
    const char *url, const uint8_t *ca_pem, size_t ca_pem_len, struct dk_log_source *ret_source)
{
	size_t len = strlen(url);
	struct fetch *f;
	dk_err err;

	while (len > 0 && url[len - 1] == '/')
		len--;
	if (len >= URL_BYTES || strncmp(url, "https://", 8) != 0 || len == 8 ||
	    strpbrk(url, "?# \t\r\n"))
		return DK_ERR_ARGUMENT;
	f = calloc(1, sizeof(*f));
	if (!f)
		return DK_ERR_NOMEM;
	memcpy(f->url, url, len);
	f->multi = curl_multi_init();
	err = !f->multi ? DK_ERR_NOMEM : ca_pem ? given_ca(f, ca_pem, ca_pem_len) : pinned_ca(f);
	if (err != DK_OK) {
		fetch_close(f);
		return err;
	}
	*ret_source = (struct dk_log_source){ .read = fetch_read, .close = fetch_close, .ctx = f };
	return DK_OK;
}
