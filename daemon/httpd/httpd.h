/* SPDX-License-Identifier: Apache-2.0 */
/*
 * httpd: TLS, HTTP and their limits. It translates between HTTP and messages
 * and knows nothing worth stealing but the TLS key.
 */
#ifndef DK_HTTPD_H
#define DK_HTTPD_H

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <openssl/ssl.h>
#include <sys/queue.h>

#include "ipc/child.h"
#include "ipc/payload.h"
#include "native/code.h"
#include "native/release.h"
#include "native/request.h"
#include "native/standing.h"

#define HTTPD_FD_AUTHD 4
#define HTTPD_FD_KEYD 5
#define HTTPD_FD_LOGD 6
#define HTTPD_FD_LISTEN 7
#define HTTPD_FD_CHAIN 8
#define HTTPD_FD_KEY 9
#define HTTPD_FD_CLIENT_CA 10
#define HTTPD_FD_METRICS 11 /* listening socket, or /dev/null */
#define HTTPD_FD_DKE 12 /* likewise, of the Microsoft DKE front end; the next four are its own */
#define HTTPD_FD_DKE_CHAIN 13
#define HTTPD_FD_DKE_KEY 14
#define HTTPD_FD_DKE_CLIENT_CA 15
#define HTTPD_FD_DKE_CONF 16
#define HTTPD_CONNECTIONS_MAX 2000
#define HTTPD_QUIET_S 60                      /* without a request under way */
#define HTTPD_REQUESTS_MAX_BYTES (128u << 20) /* coming, and waiting for an answer */
#define HTTPD_WAITING_MAX 1024
#define HTTPD_HEADERS_MAX_BYTES 16384
#define HTTPD_IDLE_S 60
#define HTTPD_ANSWER_S 30
#define HTTPD_ASKED_AGAIN_MAX 2
#define HTTPD_CA_MAX_BYTES 8192
#define HTTPD_TYPE_JSON "application/json; charset=utf-8"

struct httpd;
struct dke;

/* A request that waits for another process. */
struct waiting {
	struct httpd *httpd;
	struct waiting *next;
	uint64_t id;
	uint64_t deadline;
	struct evhttp_request *request; /* NULL: the client has gone */
	enum ipc_process answers;       /* who may */
	const char *content_type;
	bool dke;          /* of the Microsoft DKE front end */
	bool page;         /* of its pages */
	uint64_t begun_us; /* 0: no release */
	unsigned again;    /* how often it was asked again */
};

struct httpd {
	struct ipc_child child;
	struct event_base *base;
	struct evhttp *http;
	SSL_CTX *tls;
	struct ipc_channel *authd;
	struct ipc_channel *keyd;
	struct ipc_channel *logd;
	struct event *event[IPC_CHANNELS_MAX];
	struct event *write_event[IPC_CHANNELS_MAX];
	struct event *flush;
	TAILQ_HEAD(, connection) quiet; /* connection.c */
	unsigned connections, connections_max;
	size_t coming_bytes, waiting_bytes; /* of requests, not yet whole and not yet answered */
	struct event *shed;
	struct waiting *waiting;
	unsigned waiting_count, waiting_max;
	uint64_t next_id;
	uint8_t ca[HTTPD_CA_MAX_BYTES];
	size_t ca_len;
	uint64_t expiry; /* of the TLS certificate, seconds since 1970 */
	struct dke *dke; /* NULL: there is no such front end */
};

/* tls.c: what new connections get, from the open files; ends the process if that is nothing. */
void httpd_tls_start(struct httpd *httpd);
/* The same from a message; connections that are there keep what they have. */
bool httpd_on_tls(struct httpd *httpd, const struct ipc_message *message);
/* certificate.c: CAs of clients, one at least. */
bool httpd_client_ca(SSL_CTX *tls, BIO *file);
/* The certificate of the connection, or NULL, and the CA certificate that it chains to (NULL:
 * it does not hold). Borrowed. */
X509 *httpd_peer_certificate(struct evhttp_request *request, const X509 **ret_ca);
/* The claim about the certificate of the connection; length 0: it has none. */
size_t httpd_certificate_claim(
    struct evhttp_request *request, uint8_t ret_claim[IPC_CLAIM_CERTIFICATE_MAX_BYTES]);
/*
 * claim.c: the same of a certificate and the CA certificate that it chains to (NULL: it
 * does not hold). Returns the length.
 */
size_t httpd_claim_write(
    X509 *cert, const X509 *ca, uint8_t ret_claim[IPC_CLAIM_CERTIFICATE_MAX_BYTES]);

struct bufferevent *httpd_bufferevent(struct event_base *base, void *ctx);
struct bufferevent *httpd_dke_bufferevent(struct event_base *base, void *ctx);

/* main.c: what all listeners of clients have alike. */
struct evhttp *httpd_http_new(struct httpd *httpd,
    struct bufferevent *(*bufferevent)(struct event_base *, void *),
    void (*on_request)(struct evhttp_request *, void *));

/* strict.c: framing that this service does not accept, section 1 of the spec. */
bool httpd_strict(struct evhttp_request *request);
/* The one header with this name, or NULL if there is none or more than one. */
const char *httpd_header(struct evhttp_request *request, const char *name);
/* How many there are; ret_value is that of the last one. */
unsigned httpd_header_count(
    struct evhttp_request *request, const char *name, const char **ret_value);

/* headers.c: signature and what else a request for release shows. Count and claims, as they
 * stand in RELEASE; both may be filled in part if the code is another one than 0. */
struct httpd_claims {
	size_t len;
	uint8_t bytes[1 + IPC_CLAIMS * IPC_CLAIM_HEAD_BYTES + IPC_CLAIM_CERTIFICATE_MAX_BYTES +
	    IPC_CLAIM_TOKEN_MAX_BYTES + IPC_CLAIM_TOKEN_DIGEST_BYTES +
	    IPC_CLAIM_APPROVALS_MAX_BYTES];
};
/* The signature alone. */
unsigned httpd_signature_headers(struct evhttp_request *request, const uint8_t *body, size_t len,
    struct dk_request_signature *sig);
unsigned httpd_release_headers(struct evhttp_request *request, const uint8_t *body, size_t len,
    struct dk_request_signature *sig, struct httpd_claims *claims);

/* native.c: the routes. */
void httpd_peer_address(struct evhttp_request *request, uint8_t ret[16]);
void httpd_on_request(struct evhttp_request *request, void *ctx);

/* reply.c */
/* Head and body together; body may be empty. */
void httpd_send(struct evhttp_request *request, unsigned status, struct evbuffer *body);
void httpd_reply(struct evhttp_request *request, unsigned code, const char *content_type,
    const uint8_t *body, size_t len);
/* Ask another process; takes the request over. */
void httpd_ask(struct httpd *httpd, struct evhttp_request *request, struct ipc_channel *channel,
    unsigned type, const struct dk_part *parts, size_t n, const char *content_type);
/* native.c: a release, by a request as it came; also once more. */
void httpd_ask_release(struct httpd *httpd, struct evhttp_request *request);
bool httpd_on_answer(struct httpd *httpd, enum ipc_process from, const struct ipc_message *message);
void httpd_expire(struct httpd *httpd);

/* After a send: it goes out when the round is over, the rest when the socket takes it. */
void httpd_flush_soon(struct httpd *httpd);

#endif
