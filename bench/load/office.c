/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: office --script FILE --ca FILE --port N [--clients N]
 *               [--requests N | --seconds N] [--rate N]
 *
 * The load generator for Microsoft's protocol. Each client connects as Office does: it gets
 * the public key, posts without a token, is challenged, and then posts with its token
 * over and over on the same connection.
 *
 * --script   requests as u16 status that is expected, u8 0 (at the begin of each
 *            connection) or 1 (over and over), u32 length, bytes
 * --rate     so many in a second, each at its time; else each client sends when it has
 *            its answer. Times count from when a request was due
 *
 * Prints one line of NAME=VALUE words; what is sent once is in `began` only.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/bytes.h"
#include "load.h"

#define STEPS_MAX 4096
#define SCRIPT_MAX_BYTES (16u << 20)
#define LATENCY_CAP 4000000
#define PAUSE_S 0.02
#define GRACE_S 30

struct step {
	struct maker maker; /* the request is all of its body */
	unsigned status;
};

struct worker {
	struct client client;
	struct load *load;
	unsigned once;           /* steps of the begin that are done */
	unsigned next;           /* of the others */
	const struct step *step; /* under way, or NULL */
	bool counted;
};

struct load {
	struct options options;
	const char *script;
	double rate;
	SSL_CTX *tls;
	int epoll;
	struct step step[STEPS_MAX];
	unsigned steps, once; /* the first of them are for the begin */
	struct worker *worker;
	unsigned sent, open, began;
	double begin, end, first_due; /* at a rate: when all clients have begun */
	unsigned ok, refused, lost;
	double *latency;
};

static const struct request nothing = { .head_len = 0 };

void
fail(const char *what)
{
	(void)fprintf(stderr, "office: %s\n", what);
	exit(1);
}

/* ---- the script ---- */

static void
read_script(struct load *load)
{
	uint8_t *bytes = malloc(SCRIPT_MAX_BYTES);
	FILE *file = fopen(load->script, "rb");
	struct dk_reader_buf rd;
	size_t len = file && bytes ? fread(bytes, 1, SCRIPT_MAX_BYTES, file) : 0;

	if (!file || len == 0 || len == SCRIPT_MAX_BYTES)
		fail("the script cannot be read");
	(void)fclose(file);
	dk_rd_init(&rd, bytes, len);
	while (dk_rd_left(&rd) > 0 && !rd.failed && load->steps < STEPS_MAX) {
		struct step *s = &load->step[load->steps++];
		unsigned over;

		s->status = dk_rd_u16(&rd);
		over = dk_rd_u8(&rd);
		s->maker.options = &load->options;
		s->maker.body_len = dk_rd_u32(&rd);
		s->maker.body = (uint8_t *)(uintptr_t)dk_rd_bytes(&rd, s->maker.body_len);
		if (over == 0 && load->once++ != load->steps - 1)
			fail("what is sent once comes first");
	}
	if (rd.failed || dk_rd_left(&rd) > 0 || load->once == load->steps)
		fail("that is no script");
}

/* ---- one client ---- */

static double
due(const struct load *load, unsigned number)
{
	return load->first_due + number / load->rate;
}

static bool
more_to_do(const struct load *load)
{
	return load->options.requests > 0 ? load->sent < load->options.requests : now() < load->end;
}

static bool
is_due(const struct load *load)
{
	return load->rate <= 0 || (load->first_due > 0 && due(load, load->sent) <= now());
}

/* False: there is nothing to send now. */
static bool
next_step(struct load *load, struct worker *w)
{
	unsigned over = load->steps - load->once;

	w->counted = w->once == load->once;
	if (w->counted && (!more_to_do(load) || !is_due(load)))
		return false;
	w->step = w->counted ? &load->step[load->once + w->next++ % over] : &load->step[w->once];
	w->client.request = &nothing;
	w->client.sent = 0;
	w->client.in_len = 0;
	w->client.began = now();
	if (w->counted && load->rate > 0)
		w->client.began = due(load, load->sent);
	load->sent += w->counted;
	return true;
}

static void
watch(struct load *load, struct worker *w, int op)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = w };

	if (w->client.phase == PHASE_CONNECTING || w->client.request)
		e.events |= client_wants_write(&w->client) ? EPOLLOUT : 0;
	(void)epoll_ctl(load->epoll, op, w->client.fd, &e);
}

static void
begin(struct load *load, struct worker *w)
{
	w->once = 0;
	w->step = NULL;
	w->client.request = NULL;
	if (client_connect(&w->client, &load->options, load->tls)) {
		load->open++;
		w->client.sent = 0;
		watch(load, w, EPOLL_CTL_ADD);
		return;
	}
	client_close(&w->client);
	w->client.again = now() + PAUSE_S;
}

static void
end(struct load *load, struct worker *w, bool lost)
{
	load->lost += lost && w->step;
	load->open -= w->client.phase != PHASE_CLOSED;
	client_close(&w->client);
	w->client.again = now() + PAUSE_S;
	w->step = NULL;
}

static void
note(struct load *load, struct worker *w)
{
	const char *status = (const char *)w->client.in + strlen("HTTP/1.1 ");
	const bool right = strtoul(status, NULL, 10) == w->step->status;

	if (!right) {
		load->refused++;
	} else if (w->counted) {
		if (load->ok < LATENCY_CAP)
			load->latency[load->ok] = now() - w->client.began;
		load->ok++;
	}
	if (!w->counted && ++w->once == load->once && ++load->began == load->options.clients)
		load->first_due = now();
	w->step = NULL;
	w->client.request = NULL;
	w->client.phase = PHASE_SENDING;
}

static void
go(struct load *load, struct worker *w)
{
	for (;;) {
		struct client *c = &w->client;

		if (c->phase == PHASE_SENDING && !w->step && !next_step(load, w)) {
			if (!more_to_do(load))
				end(load, w, false);
			else
				watch(load, w, EPOLL_CTL_MOD);
			return;
		}
		if (!client_go(c, w->step ? &w->step->maker : NULL)) {
			end(load, w, true);
			return;
		}
		if (c->phase == PHASE_DONE)
			note(load, w);
		else if (c->phase != PHASE_SENDING || w->step)
			break;
	}
	watch(load, w, EPOLL_CTL_MOD);
}

/* ---- all of them ---- */

static void
wake_idle(struct load *load)
{
	for (unsigned i = 0; i < load->options.clients; i++) {
		struct worker *w = &load->worker[i];

		if (w->client.phase == PHASE_CLOSED && more_to_do(load) && now() >= w->client.again)
			begin(load, w);
		else if (w->client.phase == PHASE_SENDING && !w->step &&
		    (is_due(load) || !more_to_do(load)))
			go(load, w);
	}
}

static void
run(struct load *load)
{
	struct epoll_event events[64];
	double stop = load->end > 0 ? load->end + GRACE_S : now() + 3600;

	while (now() < stop && (load->open > 0 || more_to_do(load))) {
		int n;

		wake_idle(load);
		n = epoll_wait(load->epoll, events, 64, load->rate > 0 ? 1 : 20);
		for (int i = 0; i < n; i++)
			go(load, events[i].data.ptr);
	}
}

static void
print(struct load *load, double wall, double cpu)
{
	unsigned n = load->ok < LATENCY_CAP ? load->ok : LATENCY_CAP;

	printf("ok=%u refused=%u lost=%u began=%u seconds=%.6f cpu=%.6f", load->ok, load->refused,
	    load->lost, load->began, wall, cpu);
	times_print(load->latency, n);
}

static void
set_up(struct load *load)
{
	const struct options *o = &load->options;

	read_script(load);
	load->worker = calloc(o->clients, sizeof(*load->worker));
	load->latency = calloc(LATENCY_CAP, sizeof(double));
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!load->worker || !load->latency || load->epoll < 0)
		fail("no memory");
	for (unsigned i = 0; i < o->clients; i++) {
		load->worker[i].client.fd = -1;
		load->worker[i].next = i;
		load->worker[i].client.in = malloc(LOAD_ANSWER_MAX_BYTES);
		if (!load->worker[i].client.in)
			fail("no memory");
	}
	load->tls = SSL_CTX_new(TLS_client_method());
	if (!load->tls || SSL_CTX_load_verify_locations(load->tls, o->ca, NULL) != 1)
		fail("the CA cannot be read");
	SSL_CTX_set_verify(load->tls, SSL_VERIFY_PEER, NULL);
	(void)SSL_CTX_set_mode(
	    load->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

static void
options_read(int argc, char **argv, struct load *load)
{
	static const struct option longs[] = { { "script", 1, NULL, 'f' }, { "ca", 1, NULL, 'a' },
		{ "port", 1, NULL, 'p' }, { "clients", 1, NULL, 'c' }, { "requests", 1, NULL, 'n' },
		{ "seconds", 1, NULL, 's' }, { "rate", 1, NULL, 'r' }, { NULL, 0, NULL, 0 } };
	struct options *o = &load->options;
	int c;

	*o = (struct options){ .clients = 1 };
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		unsigned number = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0;

		if (c == 'f')
			load->script = optarg;
		else if (c == 'a')
			o->ca = optarg;
		else if (c == 'p')
			o->port = (uint16_t)number;
		else if (c == 'c')
			o->clients = number;
		else if (c == 'n')
			o->requests = number;
		else if (c == 's')
			o->seconds = number;
		else if (c == 'r')
			load->rate = strtod(optarg, NULL);
		else
			exit(2);
	}
	if (!load->script || !o->ca || o->port == 0 || o->clients == 0 ||
	    (o->requests == 0) == (o->seconds == 0))
		fail("script, ca, port, and either requests or seconds are needed");
}

int
main(int argc, char **argv)
{
	static struct load load;
	double cpu;

	/* A server that is gone is a request lost, and not the end. */
	(void)signal(SIGPIPE, SIG_IGN);
	options_read(argc, argv, &load);
	set_up(&load);
	cpu = cpu_seconds();
	load.begin = now();
	if (load.options.seconds > 0)
		load.end = load.begin + load.options.seconds;
	run(&load);
	print(&load, now() - load.begin, cpu_seconds() - cpu);
	return 0;
}
