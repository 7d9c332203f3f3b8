/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load generator of `make bench`: many keep-alive connections, one request
 * at a time on each, all from one thread. What it does itself is little: requests
 * are signed beforehand, and its CPU time is part of what it prints.
 */
#ifndef DK_LOAD_H
#define DK_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <openssl/ssl.h>

#include "native/request.h"
#include "native/release.h"

#define LOAD_HEAD_MAX_BYTES 1024
#define LOAD_ANSWER_MAX_BYTES 1048576

struct options {
	const char *url, *device, *body, *ca, *raw, *answers;
	unsigned clients;
	unsigned requests; /* 0: until the time is over */
	unsigned seconds;
	uint16_t port;
};

/* One request: its own head and first bytes of the body; the rest is shared. */
struct request {
	uint8_t digest[32];
	size_t head_len;
	uint8_t head[LOAD_HEAD_MAX_BYTES];
};

struct maker {
	const struct options *options;
	struct dk_pkey *device;
	uint8_t *body;
	size_t body_len;
	size_t shared_at; /* the rest of the body is the same in all requests */
	unsigned objects;
};

/* request.c: exits with a message if an input file is not what it must be. */
void maker_init(struct maker *maker, const struct options *options);
void maker_make(struct maker *maker, struct request *ret_request);
void fail(const char *what) __attribute__((noreturn));

enum phase { PHASE_CLOSED, PHASE_CONNECTING, PHASE_SENDING, PHASE_READING, PHASE_DONE };

struct client {
	int fd;
	SSL *ssl; /* NULL: plain */
	enum phase phase;
	const struct request *request;
	struct request own; /* made on the spot, without a count of requests */
	size_t sent;
	double began;
	double again; /* when to connect anew */
	uint8_t *in;
	size_t in_len;
};

struct totals {
	unsigned ok;      /* answers that released every object */
	unsigned refused; /* answers that did not */
	unsigned lost;    /* requests without an answer */
	double *latency;
	unsigned latency_cap;
};

/* client.c: go on as far as the socket lets; false if the connection is gone. */
bool client_connect(struct client *client, const struct options *options, SSL_CTX *tls);
bool client_go(struct client *client, const struct maker *maker);
bool client_wants_write(const struct client *client);
void client_close(struct client *client);
/* Of a whole answer: whether every object was released, and its log index. */
bool client_released(const struct client *client, const struct maker *maker, uint64_t *ret_index);
double now(void);

/* times.c: CPU time of this process, and the end of the line that is printed. Sorts. */
double cpu_seconds(void);
void times_print(double *latency, unsigned n);

#endif
