/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: load --url URL --device FILE --body FILE --ca FILE [--port N]
 *             [--clients N] [--requests N | --seconds N] [--answers FILE]
 *        load --raw FILE --port N [--clients N] [--requests N | --seconds N]
 *
 * --body     a body of POST /v1/release; its ephemeral key is made anew each time
 * --requests sign this many beforehand, and send each once
 * --seconds  sign on the spot, connect anew after a loss, until the time is over
 * --port     connect there, and not where the URL says: a node of a cluster
 * --answers  a line "INDEX REQUEST-DIGEST" for each answer that releases
 * --raw      send this HTTP request, in clear
 *
 * Prints one line of NAME=VALUE words.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/text.h"
#include "load.h"

#define PAUSE_S 0.02
#define GRACE_S 30

struct load {
	struct options options;
	struct maker maker;
	SSL_CTX *tls;
	int epoll;
	struct client *clients;
	struct request *requests;
	unsigned next, open;
	double end;
	FILE *answers;
	struct totals totals;
};

static bool
more_to_do(const struct load *load)
{
	return load->options.requests > 0 ? load->next < load->options.requests : now() < load->end;
}

static void
next_request(struct load *load, struct client *c)
{
	c->request = NULL;
	if (!more_to_do(load))
		return;
	if (load->options.requests > 0) {
		c->request = &load->requests[load->next++];
	} else {
		maker_make(&load->maker, &c->own);
		c->request = &c->own;
	}
	c->sent = 0;
	c->in_len = 0;
	c->began = now();
}

static void
watch(struct load *load, struct client *c, int op)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

	if (client_wants_write(c))
		e.events |= EPOLLOUT;
	(void)epoll_ctl(load->epoll, op, c->fd, &e);
}

static void
begin(struct load *load, struct client *c)
{
	if (client_connect(c, &load->options, load->tls)) {
		load->open++;
		c->sent = 0;
		watch(load, c, EPOLL_CTL_ADD);
		return;
	}
	client_close(c);
	c->again = now() + PAUSE_S;
}

static void
lose(struct load *load, struct client *c)
{
	if (c->request && (c->phase == PHASE_READING || c->phase == PHASE_SENDING))
		load->totals.lost++;
	if (c->phase != PHASE_CLOSED)
		load->open--;
	client_close(c);
	c->again = now() + PAUSE_S;
	c->request = NULL;
}

static void
note(struct load *load, struct client *c)
{
	struct totals *t = &load->totals;
	uint64_t index = 0;
	char hex[65];

	if (!client_released(c, &load->maker, &index)) {
		t->refused++;
		return;
	}
	if (t->ok < t->latency_cap)
		t->latency[t->ok] = now() - c->began;
	t->ok++;
	if (load->answers && !load->options.raw) {
		dk_hex(c->request->digest, 32, hex);
		(void)fprintf(load->answers, "%llu %s\n", (unsigned long long)index, hex);
	}
}

static void
on_event(struct load *load, struct client *c)
{
	for (;;) {
		if (c->phase != PHASE_CONNECTING && !c->request)
			next_request(load, c);
		if (c->phase == PHASE_SENDING && !c->request) {
			lose(load, c);
			return;
		}
		if (!client_go(c, &load->maker)) {
			lose(load, c);
			return;
		}
		if (c->phase == PHASE_SENDING && !c->request)
			continue; /* just connected */
		if (c->phase != PHASE_DONE)
			break;
		note(load, c);
		c->request = NULL;
		c->phase = PHASE_SENDING;
		/* A server that ends the connection after an error is not lost. */
		if (memcmp(c->in, "HTTP/1.1 200", 12) != 0) {
			lose(load, c);
			return;
		}
	}
	watch(load, c, EPOLL_CTL_MOD);
}

static void
run(struct load *load)
{
	struct epoll_event events[64];
	double stop = load->end > 0 ? load->end + GRACE_S : now() + 3600;

	for (unsigned i = 0; i < load->options.clients; i++)
		begin(load, &load->clients[i]);
	while (now() < stop && (load->open > 0 || more_to_do(load))) {
		int n = epoll_wait(load->epoll, events, 64, 20);

		for (int i = 0; i < n; i++)
			on_event(load, events[i].data.ptr);
		for (unsigned i = 0; i < load->options.clients; i++)
			if (load->clients[i].phase == PHASE_CLOSED && more_to_do(load) &&
			    now() >= load->clients[i].again)
				begin(load, &load->clients[i]);
	}
}

static void
print(struct load *load, double wall, double cpu)
{
	struct totals *t = &load->totals;
	unsigned n = t->ok < t->latency_cap ? t->ok : t->latency_cap;

	printf("ok=%u refused=%u lost=%u seconds=%.6f cpu=%.6f", t->ok, t->refused, t->lost, wall,
	    cpu);
	times_print(t->latency, n);
}

static void
set_up(struct load *load)
{
	const struct options *o = &load->options;

	maker_init(&load->maker, o);
	load->clients = calloc(o->clients, sizeof(*load->clients));
	load->requests = calloc(o->requests + 1, sizeof(*load->requests));
	load->totals.latency_cap = 2000000;
	load->totals.latency = calloc(load->totals.latency_cap, sizeof(double));
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!load->clients || !load->requests || !load->totals.latency || load->epoll < 0)
		fail("no memory");
	for (unsigned i = 0; i < o->clients; i++) {
		load->clients[i].fd = -1;
		load->clients[i].in = malloc(LOAD_ANSWER_MAX_BYTES);
		if (!load->clients[i].in)
			fail("no memory");
	}
	for (unsigned i = 0; i < o->requests; i++)
		maker_make(&load->maker, &load->requests[i]);
	if (o->raw)
		return;
	load->tls = SSL_CTX_new(TLS_client_method());
	if (!load->tls || SSL_CTX_set_min_proto_version(load->tls, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_load_verify_locations(load->tls, o->ca, NULL) != 1)
		fail("the CA cannot be read");
	SSL_CTX_set_verify(load->tls, SSL_VERIFY_PEER, NULL);
	(void)SSL_CTX_set_mode(
	    load->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

static void
options_read(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = { { "url", 1, NULL, 'u' }, { "device", 1, NULL, 'd' },
		{ "body", 1, NULL, 'b' }, { "ca", 1, NULL, 'a' }, { "raw", 1, NULL, 'r' },
		{ "port", 1, NULL, 'p' }, { "clients", 1, NULL, 'c' }, { "requests", 1, NULL, 'n' },
		{ "seconds", 1, NULL, 's' }, { "answers", 1, NULL, 'w' }, { NULL, 0, NULL, 0 } };
	int c;

	*o = (struct options){ .clients = 1 };
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		unsigned number = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0;

		switch (c) {
		case 'u':
			o->url = optarg;
			break;
		case 'd':
			o->device = optarg;
			break;
		case 'b':
			o->body = optarg;
			break;
		case 'a':
			o->ca = optarg;
			break;
		case 'r':
			o->raw = optarg;
			break;
		case 'w':
			o->answers = optarg;
			break;
		case 'p':
			o->port = (uint16_t)number;
			break;
		case 'c':
			o->clients = number;
			break;
		case 'n':
			o->requests = number;
			break;
		case 's':
			o->seconds = number;
			break;
		default:
			exit(2);
		}
	}
	if (o->url && strrchr(o->url, ':') && o->port == 0)
		o->port = (uint16_t)strtoul(strrchr(o->url, ':') + 1, NULL, 10);
	if (!o->raw && !(o->url && o->device && o->body && o->ca))
		fail("url, device, body and ca are needed");
	if (o->clients == 0 || (o->requests == 0) == (o->seconds == 0))
		fail("either requests or seconds");
}

int
main(int argc, char **argv)
{
	static struct load load;
	double began, cpu;

	/* A server that is gone is a request lost, and not the end. */
	(void)signal(SIGPIPE, SIG_IGN);
	options_read(argc, argv, &load.options);
	if (load.options.answers) {
		load.answers = fopen(load.options.answers, "w");
		if (!load.answers)
			fail("the file of answers cannot be written");
	}
	set_up(&load);
	cpu = cpu_seconds();
	began = now();
	if (load.options.seconds > 0)
		load.end = began + load.options.seconds;
	run(&load);
	print(&load, now() - began, cpu_seconds() - cpu);
	return load.answers && fclose(load.answers) != 0;
}
