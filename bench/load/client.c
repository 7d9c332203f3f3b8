/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define RECORD_MAX_BYTES 16384

double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

bool
client_connect(struct client *client, const struct options *options, SSL_CTX *tls)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(options->port) };
	const int on = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	client->phase = PHASE_CONNECTING;
	client->in_len = 0;
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		fail("no socket");
	(void)setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(client->fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS)
		return false;
	if (!tls)
		return true;
	client->ssl = SSL_new(tls);
	if (!client->ssl || SSL_set_fd(client->ssl, client->fd) != 1)
		fail("no memory");
	SSL_set_connect_state(client->ssl);
	return true;
}

void
client_close(struct client *client)
{
	SSL_free(client->ssl);
	client->ssl = NULL;
	if (client->fd >= 0)
		(void)close(client->fd);
	client->fd = -1;
	client->phase = PHASE_CLOSED;
}

/* More than 0: bytes; 0: not now; less: gone. */
static ssize_t
result(struct client *client, int n)
{
	int why;

	if (n > 0)
		return n;
	if (!client->ssl)
		return n < 0 && (errno == EAGAIN || errno == ENOTCONN) ? 0 : -1;
	why = SSL_get_error(client->ssl, n);
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static ssize_t
put(struct client *client, const uint8_t *data, size_t len)
{
	if (client->ssl)
		return result(client, SSL_write(client->ssl, data, (int)len));
	return result(client, (int)send(client->fd, data, len, MSG_NOSIGNAL));
}

static ssize_t
get(struct client *client)
{
	uint8_t *to = client->in + client->in_len;
	size_t room = LOAD_ANSWER_MAX_BYTES - client->in_len;

	if (room == 0)
		return -1;
	if (client->ssl)
		return result(client, SSL_read(client->ssl, to, (int)room));
	return result(client, (int)recv(client->fd, to, room, 0));
}

bool
client_wants_write(const struct client *client)
{
	if (client->phase == PHASE_CONNECTING)
		return !client->ssl || SSL_want_write(client->ssl) || client->sent == 0;
	return client->phase == PHASE_SENDING;
}

/* Where the body begins, and whether all of it is there; 0: not yet. */
static size_t
whole(const struct client *client)
{
	const char *text = (const char *)client->in;
	const char *end = memmem(text, client->in_len, "\r\n\r\n", 4);
	const char *line;

	if (!end)
		return 0;
	for (line = text; line && line < end;) {
		if (strncasecmp(line, "Content-Length:", 15) == 0) {
			size_t at = (size_t)(end - text) + 4;

			return client->in_len >= at + strtoul(line + 15, NULL, 10) ? at : 0;
		}
		line = memmem(line, (size_t)(end - line), "\r\n", 2);
		line = line ? line + 2 : NULL;
	}
	return 0;
}

/* A short request is one TLS record, as libcurl sends it; else head and body are two pieces. */
static ssize_t
put_piece(struct client *client, const struct maker *maker, size_t total)
{
	static uint8_t record[RECORD_MAX_BYTES];
	const struct request *r = client->request;
	const uint8_t *body = maker->body + maker->shared_at;
	size_t sent = client->sent;

	if (sent == 0 && total <= sizeof(record)) {
		memcpy(record, r->head, r->head_len);
		memcpy(record + r->head_len, body, total - r->head_len);
		return put(client, record, total);
	}
	if (sent < r->head_len)
		return put(client, r->head + sent, r->head_len - sent);
	return put(client, body + (sent - r->head_len), total - sent);
}

static bool
send_more(struct client *client, const struct maker *maker)
{
	size_t total = client->request->head_len + maker->body_len - maker->shared_at;

	while (client->sent < total) {
		ssize_t n = put_piece(client, maker, total);

		if (n <= 0)
			return n == 0;
		client->sent += (size_t)n;
	}
	client->phase = PHASE_READING;
	return true;
}

static bool
read_more(struct client *client)
{
	ssize_t n;

	while ((n = get(client)) > 0) {
		client->in_len += (size_t)n;
		if (whole(client)) {
			client->phase = PHASE_DONE;
			return true;
		}
	}
	return n == 0;
}

static bool
handshake(struct client *client)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0)
		return false;
	if (client->ssl) {
		int n = SSL_do_handshake(client->ssl);

		client->sent = 1; /* the socket is connected; it waits for the server now */
		if (n != 1)
			return result(client, n) == 0;
	}
	client->phase = PHASE_SENDING;
	client->sent = 0;
	client->began = now();
	return true;
}

bool
client_go(struct client *client, const struct maker *maker)
{
	if (client->phase == PHASE_CONNECTING && !handshake(client))
		return false;
	if (client->phase == PHASE_SENDING && client->request && !send_more(client, maker))
		return false;
	return client->phase != PHASE_READING || read_more(client);
}

bool
client_released(const struct client *client, const struct maker *maker, uint64_t *ret_index)
{
	const uint8_t *body = client->in + whole(client);
	size_t len = client->in_len - whole(client);
	struct dk_reader_buf rd;

	if (memcmp(client->in, "HTTP/1.1 200", 12) != 0)
		return false;
	if (maker->options->raw)
		return true;
	dk_rd_init(&rd, body, len);
	if (dk_rd_u32(&rd) != 0x444b5232) /* "DKR2" */
		return false;
	*ret_index = dk_rd_u64(&rd);
	(void)dk_rd_bytes(&rd, DK_P256_POINT_BYTES);
	if (dk_rd_u16(&rd) != maker->objects)
		return false;
	for (unsigned i = 0; i < maker->objects; i++) {
		if (dk_rd_u16(&rd) != 0)
			return false;
		(void)dk_rd_bytes(&rd, DK_SEALED_SHARE_BYTES);
	}
	return !rd.failed;
}
