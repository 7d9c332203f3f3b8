/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to systems that hold keys: HTTPS with JSON, retried where that helps.
 * From several threads at once.
 *
 * Spec: spec/provider-keys.md section 4
 */
#ifndef DK_PROVIDER_NET_H
#define DK_PROVIDER_NET_H

#include <jansson.h>

#include "provider/provider.h"

#define NET_ANSWER_MAX_BYTES 262144
#define NET_URL_MAX_BYTES 2048
#define NET_ETAG_MAX_BYTES 128
#define NET_HEADERS_MAX 8

struct net_request {
	const char *url;
	const char *method;              /* "GET", "POST", ... */
	const char *header[NET_HEADERS_MAX]; /* "Name: value"; ends with NULL */
	const char *body;                /* NULL: none */
	size_t body_len;
	const char *sigv4;               /* "aws:amz:REGION:SERVICE", or NULL */
	const char *user;                /* "KEY:SECRET" for sigv4, or NULL */
	bool raw;      /* the answer is no JSON: take its text */
	bool bytes;    /* with raw: zero bytes are taken, too */
	size_t max;    /* of the answer; 0: NET_ANSWER_MAX_BYTES */
	bool cut;      /* of an answer 200 that is longer, max bytes are taken */
	bool every;    /* judge gets answers that point elsewhere, too */
	bool metadata; /* of this machine: plain HTTP to a link-local address, once, at once */
};

struct net_answer {
	long status;
	char request_id[128]; /* what the system calls this request, or empty */
	json_t *json;         /* an object, or NULL where the body is none */
	char *text;           /* of a raw request; NULL: empty */
	size_t text_len;
	char etag[NET_ETAG_MAX_BYTES + 1]; /* empty: none, or a longer one */
	int64_t length;       /* Content-Length; -1: none */
	char range[64];       /* Content-Range */
	char region[32];      /* x-amz-bucket-region */
	char why[384];        /* net_why() */
};

/* What the system says besides its status, in words that can be shown. */
void net_why(struct net_answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The system's own word for an answer: DK_OK takes it, DK_ERR_PROVIDER_THROTTLED has it
 * retried, anything else ends the request. */
typedef dk_err (*net_judge)(struct net_answer *answer);

/*
 * One request with its retries. Failures are told with provider_note().
 *
 * Out:     ret   net_answer_clear(); only on DK_OK, but its status and region always
 * Errors:  DK_ERR_PROVIDER_UNREACHABLE, _THROTTLED, _TLS, _ANSWER (too large, a redirect,
 *          a success that is no JSON object), what judge says, DK_ERR_NOMEM
 */
DK_MUST_USE dk_err net_call(const struct provider_key *key, const struct net_request *request,
    net_judge judge, struct net_answer *ret);
/* Wipes: answers hold shares of their side. */
void net_answer_clear(struct net_answer *answer);
#define auto_net_answer __attribute__((cleanup(net_answer_clear))) struct net_answer

/* A text member of an object of the answer, or NULL. Borrowed. */
const char *net_text(const json_t *object, const char *name);

/* A JSON text with wiping; free it with net_json_free(). NULL: no memory. */
char *net_json(json_t *value, size_t *ret_len);
void net_json_free(char *text);

/* Base64 of a member. DK_ERR_PROVIDER_ANSWER: none, or more than cap bytes. */
DK_MUST_USE dk_err net_bytes(
    const json_t *object, const char *name, uint8_t *ret, size_t cap, size_t *ret_len);
/* The same into a secret of exactly len bytes. */
DK_MUST_USE dk_err net_secret(const json_t *object, const char *name, uint8_t *ret, size_t len);
/* A member with the base64 of data, which is wiped where it passed. DK_ERR_NOMEM, also
 * for no object. */
DK_MUST_USE dk_err net_set_bytes(
    json_t *object, const char *name, const uint8_t *data, size_t len);

#endif
