/* SPDX-License-Identifier: Apache-2.0 */
#include <event2/bufferevent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "httpd/connection.h"
#include "httpd/dke.h"
#include "httpd/metrics.h"

/* One TLS record for head and body: see the speed notes in docs/decisions. */
void
httpd_send(struct evhttp_request *request, unsigned status, struct evbuffer *body)
{
	struct bufferevent *bev =
	    evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));

	httpd_request_answered(request);
	evhttp_send_reply(request, (int)status, NULL, body);
	if (bev)
		(void)evbuffer_pullup(bufferevent_get_output(bev), -1);
}

static void
add_header(struct evhttp_request *request, const char *name, const char *value)
{
	(void)evhttp_add_header(evhttp_request_get_output_headers(request), name, value);
}

/* Files of the log do not change, but for the checkpoint (C2SP tlog-tiles); what is missing
 * now can be there later. */
static const char *
cache_control(struct evhttp_request *request, unsigned code)
{
	const char *uri = evhttp_request_get_uri(request);

	if (code != DK_CODE_OK || strncmp(uri, "/log/", 5) != 0)
		return "no-store";
	return strcmp(uri, "/log/checkpoint") == 0 ? "no-cache"
						   : "public, max-age=31536000, immutable";
}

void
httpd_reply(struct evhttp_request *request, unsigned code, const char *content_type,
    const uint8_t *body, size_t len)
{
	struct evbuffer *buf = evbuffer_new();
	char text[64];
	int n;

	metrics_note(request, code, body, len);
	if (!buf) {
		evhttp_send_error(request, 500, NULL);
		return;
	}
	add_header(request, "Cache-Control", cache_control(request, code));
	if (code == DK_CODE_OK) {
		add_header(request, "Content-Type", content_type);
		(void)evbuffer_add(buf, body, len);
	} else {
		add_header(request, "Content-Type", "application/json");
		add_header(request, "Doublekey-Error", dk_code_name(code));
		if (code == DK_CODE_HTTP || code == DK_CODE_TOO_LARGE)
			add_header(request, "Connection", "close");
		n = snprintf(text, sizeof(text), "{\"error\":\"%s\"}", dk_code_name(code));
		if (n > 0 && (size_t)n < sizeof(text))
			(void)evbuffer_add(buf, text, (size_t)n);
	}
	httpd_send(request, dk_code_http(code), buf);
	evbuffer_free(buf);
}

/* ---- requests that wait for another process ---- */

static void
on_client_gone(struct evhttp_connection *connection, void *ctx)
{
	struct httpd *httpd = ctx;

	for (struct waiting *w = httpd->waiting; w; w = w->next)
		if (w->request && evhttp_request_get_connection(w->request) == connection)
			w->request = NULL;
}

static struct waiting *
find(struct httpd *httpd, uint64_t id)
{
	struct waiting *w = httpd->waiting;

	while (w && w->id != id)
		w = w->next;
	return w;
}

static struct waiting *
take(struct httpd *httpd, uint64_t id)
{
	struct waiting **link = &httpd->waiting;
	struct waiting *w;

	while (*link && (*link)->id != id)
		link = &(*link)->next;
	w = *link;
	if (w) {
		*link = w->next;
		httpd->waiting_count--;
	}
	return w;
}

/* evhttp frees a request with its connection, so a close must be noticed. */
static void
finish(struct waiting *w, unsigned code, const uint8_t *body, size_t len)
{
	if (w->begun_us > 0)
		metrics_note_release_time(metrics_clock() - w->begun_us);
	if (w->request && w->page)
		dke_page_answer(w->request, code, body, len);
	else if (w->request && w->dke)
		dke_answer(w->httpd, w->request, METRICS_DKE_DECRYPT, code, body, len);
	else if (w->request)
		httpd_reply(w->request, code, w->content_type, body, len);
	free(w);
}

void
httpd_ask(struct httpd *httpd, struct evhttp_request *request, struct ipc_channel *channel,
    unsigned type, const struct dk_part *parts, size_t n, const char *content_type)
{
	struct waiting *w = httpd->waiting_count < httpd->waiting_max ? malloc(sizeof(*w)) : NULL;
	const bool dke = type == IPC_DKE_DECRYPT;

	if (!w) {
		if (type == IPC_PAGE)
			dke_page_answer(request, DK_CODE_BUSY, NULL, 0);
		else if (dke)
			dke_answer(httpd, request, METRICS_DKE_DECRYPT, DK_CODE_BUSY, NULL, 0);
		else
			httpd_reply(request, DK_CODE_BUSY, NULL, NULL, 0);
		return;
	}
	*w = (struct waiting){ .httpd = httpd,
		.id = ++httpd->next_id,
		.request = request,
		.answers = channel->peer == IPC_AUTHD ? IPC_KEYD : channel->peer,
		.deadline = ipc_now() + HTTPD_ANSWER_S,
		.content_type = content_type,
		.dke = dke,
		.page = type == IPC_PAGE,
		.begun_us = dke || type == IPC_RELEASE ? metrics_clock() : 0 };
	if (!ipc_send(channel, type, w->id, parts, n)) {
		finish(w, DK_CODE_UNAVAILABLE, NULL, 0);
		return;
	}
	evhttp_connection_set_closecb(
	    evhttp_request_get_connection(request), on_client_gone, httpd);
	w->next = httpd->waiting;
	httpd->waiting = w;
	httpd->waiting_count++;
	httpd_flush_soon(httpd);
}

/* What the processes knew changed while it was on its way, and nothing was recorded. The request is
 * still there as it came. */
static bool
ask_again(struct waiting *old)
{
	struct httpd *httpd = old->httpd;
	struct evhttp_request *request = old->request;
	struct waiting *w;

	if (!request || old->begun_us == 0 || old->again >= HTTPD_ASKED_AGAIN_MAX)
		return false;
	if (old->dke)
		dke_ask_again(request, httpd);
	else
		httpd_ask_release(httpd, request);
	w = httpd->waiting;
	if (w && w->request == request) {
		w->deadline = old->deadline;
		w->begun_us = old->begun_us;
		w->again = old->again + 1;
	}
	free(old);
	return true;
}

bool
httpd_on_answer(struct httpd *httpd, enum ipc_process from, const struct ipc_message *message)
{
	struct waiting *w = find(httpd, message->id);
	struct ipc_coded answer;

	if (!(from == IPC_KEYD ? ipc_result_read : ipc_coded_read)(message, &answer) ||
	    (w && w->answers != from) || (w && w->begun_us == 0 && answer.code == IPC_CODE_STALE))
		return false;
	w = take(httpd, message->id);
	if (!w) /* it came after its deadline */
		return true;
	if (answer.code != IPC_CODE_STALE)
		finish(w, answer.code, answer.rest.data, answer.rest.len);
	else if (!ask_again(w))
		finish(w, DK_CODE_BUSY, NULL, 0);
	return true;
}

void
httpd_expire(struct httpd *httpd)
{
	uint64_t now = ipc_now();
	struct waiting *w = httpd->waiting, *next;

	for (; w; w = next) {
		next = w->next;
		if (w->deadline < now)
			finish(take(httpd, w->id), DK_CODE_UNAVAILABLE, NULL, 0);
	}
}
