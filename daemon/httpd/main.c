/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "httpd/connection.h"
#include "httpd/dke.h"
#include "httpd/metrics.h"
#include "ipc/wiping.h"
#include "sandbox/sandbox.h"

static bool
on_message(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	struct httpd *httpd = ctx;

	if (message->type == IPC_RESULT || message->type == IPC_DATA)
		return httpd_on_answer(httpd, channel->peer, message);
	if (message->type == IPC_LOG_STATE)
		return metrics_on_log_state(message);
	if (message->type == IPC_FETCH_STATE)
		return metrics_on_fetch_state(message);
	if (message->type == IPC_WITNESS_GAUGES)
		return metrics_on_witnesses(message);
	if (message->type == IPC_DKE_KEYS)
		return dke_on_keys(httpd, message);
	if (message->type == IPC_TLS)
		return httpd_on_tls(httpd, message);
	if (message->type == IPC_GO && !metrics_on_go(message))
		return false;
	return ipc_child_parent_message(&httpd->child, channel, message);
}

static void
start_accepting(struct httpd *httpd)
{
	httpd->child.go = false;
	if (evhttp_accept_socket(httpd->http, HTTPD_FD_LISTEN) != 0)
		say_fatal("the listening socket cannot be used");
	dke_http_accept(httpd);
}

static void
on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct httpd *httpd = ctx;

	(void)what;
	for (unsigned i = 0; i < httpd->child.count; i++) {
		struct ipc_channel *c = &httpd->child.channel[i];

		if (c->fd != fd || c->violated)
			continue;
		if (!ipc_receive(c)) {
			if (c->violated)
				ipc_child_violation(&httpd->child, c);
			(void)event_del(httpd->event[i]);
			/* Without the others there is nothing to serve; the parent starts anew. */
			if (!c->violated)
				httpd->child.stopping = true;
		}
		break;
	}
	if (httpd->child.go)
		start_accepting(httpd);
	httpd_flush_soon(httpd);
	if (httpd->child.stopping)
		(void)event_base_loopbreak(httpd->base);
}

static void
on_flush(evutil_socket_t fd, short what, void *ctx)
{
	struct httpd *httpd = ctx;

	(void)fd;
	(void)what;
	ipc_child_flush(&httpd->child);
	for (unsigned i = 0; i < httpd->child.count; i++)
		if (ipc_wants_write(&httpd->child.channel[i]))
			(void)event_add(httpd->write_event[i], NULL);
}

/* Behind all that is active in this round. */
void
httpd_flush_soon(struct httpd *httpd)
{
	event_active(httpd->flush, EV_TIMEOUT, 0);
}

/* A channel is closed by a failed send, too, and then no event comes of it. */
static void
on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct httpd *httpd = ctx;

	(void)fd;
	(void)what;
	httpd_expire(httpd);
	httpd_connections_tick(httpd);
	metrics_few_tick();
	for (unsigned i = 0; i < httpd->child.count; i++)
		if (httpd->child.channel[i].fd < 0)
			(void)event_base_loopbreak(httpd->base);
}

static void
watch_channels(struct httpd *httpd)
{
	static const struct timeval second = { 1, 0 };
	struct event *tick = event_new(httpd->base, -1, EV_PERSIST, on_tick, httpd);

	httpd->flush = event_new(httpd->base, -1, 0, on_flush, httpd);
	if (!httpd->flush || !tick || event_add(tick, &second) != 0)
		say_fatal("no memory");
	for (unsigned i = 0; i < httpd->child.count; i++) {
		int fd = httpd->child.channel[i].fd;

		httpd->event[i] =
		    event_new(httpd->base, fd, EV_READ | EV_PERSIST, on_readable, httpd);
		httpd->write_event[i] = event_new(httpd->base, fd, EV_WRITE, on_flush, httpd);
		if (!httpd->event[i] || !httpd->write_event[i] ||
		    event_add(httpd->event[i], NULL) != 0)
			say_fatal("no memory");
	}
}

/* evhttp turns the events of a connection off and on again several times for each
 * request: the kernel is told what is left of that when the round is over. */
static struct event_base *
new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config && event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0)
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	return base;
}

struct evhttp *
httpd_http_new(struct httpd *httpd, struct bufferevent *(*bufferevent)(struct event_base *, void *),
    void (*on_request)(struct evhttp_request *, void *))
{
	struct evhttp *http = evhttp_new(httpd->base);

	if (!http)
		say_fatal("no memory");
	evhttp_set_bevcb(http, bufferevent, httpd);
	evhttp_set_gencb(http, on_request, httpd);
	evhttp_set_allowed_methods(http,
	    EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
		EVHTTP_REQ_HEAD | EVHTTP_REQ_PATCH | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |
		EVHTTP_REQ_CONNECT);
	evhttp_set_timeout(http, HTTPD_IDLE_S);
	evhttp_set_default_content_type(http, NULL);
	return http;
}

static void
start_http(struct httpd *httpd)
{
	httpd->base = new_base();
	if (!httpd->base)
		say_fatal("no memory");
	httpd->http = httpd_http_new(httpd, httpd_bufferevent, httpd_on_request);
	evhttp_set_max_headers_size(httpd->http, HTTPD_HEADERS_MAX_BYTES);
	evhttp_set_max_body_size(httpd->http, DK_RELEASE_BODY_MAX_BYTES);
	dke_http_start(httpd);
}

/* libevent, the resolver and libcrypto read what they need of the system on
 * first use; a random number is the last thing that a handshake could miss. */
static void
warm_up(void)
{
	uint8_t random[32];
	const time_t now = 0;
	struct tm tm;

	(void)gmtime_r(&now, &tm);
	if (dk_random(random, sizeof(random)) != DK_OK)
		say_fatal("libcrypto does not do what it must");
}

int
main(void)
{
	static struct httpd httpd;

	wiping_crypto();
	event_set_mem_functions(wiping_malloc, wiping_realloc, wiping_free);
	ipc_child_begin(&httpd.child, IPC_HTTPD);
	(void)ipc_child_add(&httpd.child, IPC_FD_PARENT, IPC_PARENT, on_message, &httpd);
	httpd.authd = ipc_child_add(&httpd.child, HTTPD_FD_AUTHD, IPC_AUTHD, on_message, &httpd);
	httpd.keyd = ipc_child_add(&httpd.child, HTTPD_FD_KEYD, IPC_KEYD, on_message, &httpd);
	httpd.logd = ipc_child_add(&httpd.child, HTTPD_FD_LOGD, IPC_LOGD, on_message, &httpd);
	dke_start(&httpd);
	httpd_tls_start(&httpd);
	start_http(&httpd);
	httpd_connections_start(&httpd);
	metrics_start(&httpd);
	watch_channels(&httpd);
	warm_up();
	httpd.child.protections |= sandbox_enter(IPC_HTTPD, NULL);
	ipc_child_ready(&httpd.child);
	ipc_child_gather(&httpd.child);
	(void)event_base_dispatch(httpd.base);
	ipc_child_flush(&httpd.child);
	evhttp_free(httpd.http);
	dke_end(&httpd);
	SSL_CTX_free(httpd.tls);
	event_base_free(httpd.base);
	return 0;
}
