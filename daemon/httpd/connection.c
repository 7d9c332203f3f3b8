/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of clients, and what they may cost: time, number and memory. evhttp
 * has no limit of these but the time between two bytes.
 *
 * A connection is quiet while no request is under way: from its beginning, or the
 * last answer, until the next request is whole. Only quiet ones are closed.
 */
#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "httpd/connection.h"
#include "httpd/metrics.h"

#define FDS_OTHER 64 /* channels, listeners, monitors */
#define GROUPS 1024

struct connection {
	TAILQ_ENTRY(connection) entry; /* while it is quiet; longest first */
	struct httpd *httpd;
	struct bufferevent *bev;
	uint64_t since_us;
	size_t bytes;   /* that came for a request that is not answered */
	uint16_t group; /* of its address; GROUPS: not looked up */
	bool quiet;
	bool counted;
	struct head head;
};

static int connection_index = -1;

static size_t *
sum_of(struct connection *c)
{
	return c->quiet ? &c->httpd->coming_bytes : &c->httpd->waiting_bytes;
}

static void
set_bytes(struct connection *c, size_t bytes)
{
	*sum_of(c) += bytes - c->bytes;
	c->bytes = bytes;
}

static void
set_quiet(struct connection *c, bool quiet)
{
	if (c->quiet == quiet)
		return;
	*sum_of(c) -= c->bytes;
	c->quiet = quiet;
	*sum_of(c) += c->bytes;
	if (quiet)
		TAILQ_INSERT_TAIL(&c->httpd->quiet, c, entry);
	else
		TAILQ_REMOVE(&c->httpd->quiet, c, entry);
}

static void
set_counted(struct connection *c, bool counted)
{
	if (c->counted == counted)
		return;
	c->counted = counted;
	c->httpd->connections += counted ? 1 : -1;
	metrics_set_connections(c->httpd->connections);
}

/* libcrypto calls it where the SSL of a connection is freed. */
static void
on_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
	struct connection *c = ptr;

	(void)parent;
	(void)ad;
	(void)index;
	(void)argl;
	(void)argp;
	if (!c)
		return;
	set_quiet(c, false);
	set_bytes(c, 0);
	set_counted(c, false);
	free(c);
}

/* ---- closing ---- */

/* As if evhttp's own time were over. It is freed later in this round; one that is being
 * freed already has no callback any more. */
static void
drop(struct connection *c)
{
	bufferevent_event_cb on_event = NULL;

	set_quiet(c, false);
	set_bytes(c, 0);
	set_counted(c, false);
	metrics_note_dropped();
	bufferevent_getcb(c->bev, NULL, NULL, &on_event, NULL);
	if (on_event)
		bufferevent_trigger_event(c->bev, BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
}

/* Addresses that one client may have: of IPv6, a network. */
static uint16_t
group_of(struct connection *c)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&ss;
	const struct sockaddr_in *four = (const struct sockaddr_in *)&ss;
	socklen_t len = sizeof(ss);
	const uint8_t *bytes = NULL;
	uint32_t hash = 2166136261u;

	if (getpeername(bufferevent_getfd(c->bev), (struct sockaddr *)&ss, &len) != 0)
		return 0;
	if (ss.ss_family == AF_INET)
		bytes = (const uint8_t *)&four->sin_addr;
	else if (ss.ss_family == AF_INET6)
		bytes = six->sin6_addr.s6_addr + (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr) ? 12 : 0);
	len = ss.ss_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&six->sin6_addr) ? 8 : 4;
	for (socklen_t i = 0; bytes && i < len; i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	return (uint16_t)(hash % GROUPS);
}

/* Of those from where most come, the one that has been quiet longest: who holds many
 * takes from himself. */
static struct connection *
choose(struct httpd *httpd, bool with_bytes)
{
	static uint16_t count[GROUPS];
	struct connection *c, *chosen = NULL;

	memset(count, 0, sizeof(count));
	TAILQ_FOREACH(c, &httpd->quiet, entry)
	{
		if (c->group == GROUPS)
			c->group = group_of(c);
		if (c->bytes > 0 || !with_bytes)
			count[c->group]++;
	}
	TAILQ_FOREACH(c, &httpd->quiet, entry)
	if ((c->bytes > 0 || !with_bytes) && (!chosen || count[c->group] > count[chosen->group]))
		chosen = c;
	return chosen;
}

void
httpd_connections_tick(struct httpd *httpd)
{
	uint64_t now = metrics_clock();
	struct connection *c;

	while ((c = TAILQ_FIRST(&httpd->quiet)) &&
	    c->since_us + HTTPD_QUIET_S * (uint64_t)1000000 < now)
		drop(c);
}

/* Not where bytes come in: that is inside of what would be freed. */
static void
on_shed(evutil_socket_t fd, short what, void *ctx)
{
	struct httpd *httpd = ctx;
	struct connection *c;

	(void)fd;
	(void)what;
	while (httpd->coming_bytes > HTTPD_REQUESTS_MAX_BYTES && (c = choose(httpd, true)))
		drop(c);
}

/* ---- what comes in ---- */

static void
take_from(struct connection *c, struct evbuffer *in, size_t at)
{
	struct evbuffer_iovec piece;
	struct evbuffer_ptr ptr;

	while (!c->head.over && at < evbuffer_get_length(in) &&
	    evbuffer_ptr_set(in, &ptr, at, EVBUFFER_PTR_SET) == 0 &&
	    evbuffer_peek(in, -1, &ptr, &piece, 1) > 0) {
		head_take(&c->head, piece.iov_base, piece.iov_len);
		at += piece.iov_len;
	}
}

static void
on_bytes(struct evbuffer *in, const struct evbuffer_cb_info *info, void *ctx)
{
	struct connection *c = ctx;

	if (info->n_added == 0)
		return;
	set_bytes(c, c->bytes + info->n_added);
	take_from(c, in, evbuffer_get_length(in) - info->n_added);
	if (c->httpd->coming_bytes > HTTPD_REQUESTS_MAX_BYTES)
		event_active(c->httpd->shed, 0, 0);
}

/* ---- the life of one ---- */

void
httpd_connections_start(struct httpd *httpd)
{
	struct rlimit limit;

	connection_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_free);
	TAILQ_INIT(&httpd->quiet);
	httpd->shed = event_new(httpd->base, -1, 0, on_shed, httpd);
	if (connection_index < 0 || !httpd->shed || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		say_fatal("no memory");
	if (limit.rlim_max > HTTPD_CONNECTIONS_MAX + FDS_OTHER)
		limit.rlim_max = HTTPD_CONNECTIONS_MAX + FDS_OTHER;
	limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_max <= FDS_OTHER || setrlimit(RLIMIT_NOFILE, &limit) != 0)
		say_fatal("too few files may be open");
	httpd->connections_max = (unsigned)limit.rlim_max - FDS_OTHER;
	/* There is always one that may be closed for a new one. */
	httpd->waiting_max = httpd->connections_max - httpd->connections_max / 8 - 1;
	if (httpd->waiting_max > HTTPD_WAITING_MAX)
		httpd->waiting_max = HTTPD_WAITING_MAX;
}

void
httpd_connection_new(struct httpd *httpd, struct bufferevent *bev)
{
	struct connection *c, *old;

	while (httpd->connections >= httpd->connections_max && (old = choose(httpd, false)))
		drop(old);
	c = calloc(1, sizeof(*c));
	if (!c || SSL_set_ex_data(bufferevent_openssl_get_ssl(bev), connection_index, c) != 1)
		say_fatal("no memory");
	c->httpd = httpd;
	c->bev = bev;
	c->since_us = metrics_clock();
	c->group = GROUPS;
	set_quiet(c, true);
	set_counted(c, true);
	if (!evbuffer_add_cb(bufferevent_get_input(bev), on_bytes, c))
		say_fatal("no memory");
}

static struct connection *
connection_of(struct evhttp_request *request)
{
	struct bufferevent *bev =
	    evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));
	SSL *ssl = bev ? bufferevent_openssl_get_ssl(bev) : NULL;

	return ssl ? SSL_get_ex_data(ssl, connection_index) : NULL;
}

unsigned
httpd_request_begins(struct evhttp_request *request)
{
	struct connection *c = connection_of(request);

	if (!c)
		return DK_CODE_INTERNAL;
	set_quiet(c, false);
	if (c->head.bad)
		return DK_CODE_HTTP;
	return c->httpd->waiting_bytes > HTTPD_REQUESTS_MAX_BYTES ? DK_CODE_BUSY : DK_CODE_OK;
}

size_t
httpd_head_length(struct evhttp_request *request)
{
	const struct connection *c = connection_of(request);

	return c ? c->head.len : 0;
}

/* What has come already belongs to the next request. */
void
httpd_request_answered(struct evhttp_request *request)
{
	struct connection *c = connection_of(request);
	struct evbuffer *in;

	if (!c)
		return;
	in = bufferevent_get_input(c->bev);
	c->since_us = metrics_clock();
	c->head = (struct head){ .bad = false };
	set_bytes(c, evbuffer_get_length(in));
	take_from(c, in, 0);
	set_quiet(c, true);
}
