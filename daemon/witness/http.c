/* SPDX-License-Identifier: Apache-2.0 */
/* What comes over HTTP, and what it may cost. */
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <inttypes.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "ipc/child.h"
#include "witness/connections.h"
#include "witness/witness.h"

#define ORIGIN_SHOWN_BYTES 200

struct server {
	struct witness *witness;
	struct event_base *base;
	struct evhttp *http;
	struct evconnlistener *listener;
	uint64_t told_second;
	unsigned told, untold;
};

static SSL_CTX *tls_ctx;
static struct server server;

/* ---- answers ---- */

static void
reply(
    struct evhttp_request *request, unsigned status, const char *type, const char *body, size_t len)
{
	struct evbuffer *buf = evbuffer_new();

	if (!buf || evbuffer_add(buf, body, len) != 0)
		say_fatal("no memory");
	if (type)
		(void)evhttp_add_header(
		    evhttp_request_get_output_headers(request), "Content-Type", type);
	evhttp_send_reply(request, (int)status, NULL, buf);
	evbuffer_free(buf);
}

static void
reply_words(struct evhttp_request *request, unsigned status, const char *words)
{
	reply(request, status, "text/plain", words, strlen(words));
}

/* ---- what is told ---- */

static bool
may_tell(struct server *s)
{
	uint64_t now = ipc_now();

	if (now != s->told_second) {
		if (s->untold > 0)
			say(SAY_WARNING, "%u more requests were refused", s->untold);
		s->told_second = now;
		s->told = s->untold = 0;
	}
	if (s->told < WITNESS_TOLD_PER_S) {
		s->told++;
		return true;
	}
	s->untold++;
	return false;
}

static void
tell_refusal(struct server *s, const struct witness_request *r, const struct witness_verdict *v)
{
	static const char *const why[] = { "not signed with its key", "another old size",
		"not consistent with what was cosigned", "TWO TREES of one size" };
	unsigned which = v->status == 403 ? 0 : v->status == 409 ? 1 : v->two_trees ? 3 : 2;

	if (may_tell(s))
		say(v->status == 422 ? SAY_ERROR : SAY_WARNING,
		    "%u %.*s: %s: asked from %" PRIu64 " to %" PRIu64 ", newest here %" PRIu64,
		    v->status, ORIGIN_SHOWN_BYTES, v->log->origin, why[which], r->old,
		    r->checkpoint.size, v->log->newest.size);
}

/* ---- add-checkpoint ---- */

static void
answer(struct evhttp_request *request, const struct witness_verdict *v)
{
	char size[32];
	int n;

	switch (v->status) {
	case 200:
		reply(request, 200, "text/plain; charset=utf-8", v->line, v->line_len);
		return;
	case 409:
		n = snprintf(size, sizeof(size), "%" PRIu64 "\n", v->log->newest.size);
		reply(request, 409, "text/x.tlog.size", size, n > 0 ? (size_t)n : 0);
		return;
	case 403:
		reply_words(request, 403, "not signed with a key of this log\n");
		return;
	case 404:
		reply_words(request, 404, "not a log of this witness\n");
		return;
	case 422:
		reply_words(request, 422, "not consistent\n");
		return;
	case 400:
		reply_words(request, 400, "the old size is above that of the checkpoint\n");
		return;
	default:
		reply_words(request, 500, "the witness cannot sign now\n");
	}
}

static void
add_checkpoint(struct server *s, struct evhttp_request *request)
{
	static struct witness_verdict v;
	struct evbuffer *in = evhttp_request_get_input_buffer(request);
	size_t len = evbuffer_get_length(in);
	const char *body = len > 0 ? (const char *)evbuffer_pullup(in, -1) : "";
	struct witness_request r;

	if (len > WITNESS_BODY_MAX_BYTES) {
		reply_words(request, 413, "too large\n");
		return;
	}
	if (!body || !witness_request_parse(body, len, &r)) {
		reply_words(request, 400, "not the form of add-checkpoint\n");
		return;
	}
	witness_judge(s->witness, &r, ipc_now(), &v);
	if (v.status == 200 && !v.same && !witness_state_write(&v))
		v.status = 500;
	if (v.status == 403 || v.status == 409 || v.status == 422)
		tell_refusal(s, &r, &v);
	if (v.two_trees && v.status == 422)
		witness_refused_keep(v.log, body, len);
	answer(request, &v);
}

/* ---- what it cosigned ---- */

static const struct witness_log *
log_of_path(const struct witness *w, const char *path)
{
	for (unsigned i = 0; i < w->log_count; i++) {
		const struct witness_log *log = &w->log[i];
		size_t len = strlen(log->hex);

		if (path[0] == '/' && strncmp(path + 1, log->hex, len) == 0 &&
		    strcmp(path + 1 + len, "/checkpoint") == 0 && log->seen)
			return log;
	}
	return NULL;
}

static void
on_request(struct evhttp_request *request, void *ctx)
{
	struct server *s = ctx;
	const char *path = evhttp_request_get_uri(request);
	enum evhttp_cmd_type method = evhttp_request_get_command(request);
	const struct witness_log *log = log_of_path(s->witness, path);
	const bool add = strcmp(path, "/add-checkpoint") == 0;

	connections_asked(bufferevent_getfd(
	    evhttp_connection_get_bufferevent(evhttp_request_get_connection(request))));
	if (add && method == EVHTTP_REQ_POST)
		add_checkpoint(s, request);
	else if (log && method == EVHTTP_REQ_GET)
		reply(request, 200, "text/plain; charset=utf-8", log->note, log->note_len);
	else if (add || log)
		reply_words(request, 405, "another method\n");
	else
		reply_words(request, 404, "nothing is here\n");
}

/* ---- connections ---- */

static void
on_tick(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	connections_tick();
}

static struct bufferevent *
on_connection(struct event_base *base, void *ctx)
{
	SSL *ssl = tls_ctx ? SSL_new(tls_ctx) : NULL;
	struct bufferevent *bev;

	(void)ctx;
	connections_make_room();
	if (!tls_ctx)
		return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	/* Without one evhttp would go on without TLS. */
	bev = ssl ? bufferevent_openssl_socket_new(
			base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE)
		  : NULL;
	if (!bev)
		say_fatal("no memory");
	bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}

static void
on_signal(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)event_base_loopexit(ctx, NULL);
}

bool
witness_tls_read(const struct witness_tls *tls)
{
	tls_ctx = SSL_CTX_new(TLS_server_method());
	if (tls_ctx && SSL_CTX_set_min_proto_version(tls_ctx, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_use_certificate_chain_file(tls_ctx, tls->certificate) == 1 &&
	    SSL_CTX_use_PrivateKey_file(tls_ctx, tls->key, SSL_FILETYPE_PEM) == 1 &&
	    SSL_CTX_check_private_key(tls_ctx) == 1)
		return true;
	say(SAY_ERROR, "the TLS certificate and its key cannot be used");
	return false;
}

static void
set_up(struct server *s, int listener)
{
	static const struct timeval second = { 1, 0 };
	struct event *tick, *stop[2];

	connections_start();
	s->base = event_base_new();
	s->http = s->base ? evhttp_new(s->base) : NULL;
	s->listener = s->http ? evconnlistener_new(s->base, NULL, NULL,
				    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, listener)
			      : NULL;
	if (!s->listener || !evhttp_bind_listener(s->http, s->listener))
		say_fatal("no memory");
	evhttp_set_bevcb(s->http, on_connection, s);
	evhttp_set_gencb(s->http, on_request, s);
	evhttp_set_allowed_methods(s->http,
	    EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
		EVHTTP_REQ_DELETE);
	evhttp_set_max_headers_size(s->http, WITNESS_HEAD_MAX_BYTES);
	evhttp_set_max_body_size(s->http, WITNESS_BODY_MAX_BYTES);
	evhttp_set_timeout(s->http, WITNESS_IDLE_S);
	evhttp_set_default_content_type(s->http, NULL);
	tick = event_new(s->base, -1, EV_PERSIST, on_tick, s);
	stop[0] = evsignal_new(s->base, SIGTERM, on_signal, s->base);
	stop[1] = evsignal_new(s->base, SIGINT, on_signal, s->base);
	if (!tick || !stop[0] || !stop[1] || event_add(tick, &second) != 0 ||
	    event_add(stop[0], NULL) != 0 || event_add(stop[1], NULL) != 0)
		say_fatal("no memory");
}

void
witness_listen(struct witness *witness, int listener)
{
	server.witness = witness;
	set_up(&server, listener);
}

int
witness_serve(void)
{
	(void)event_base_dispatch(server.base);
	evhttp_free(server.http);
	SSL_CTX_free(tls_ctx);
	return 0;
}
