/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS certificate. Whatever comes is made into a context of its own, which
 * takes the place of the present one only when all of it is right. A connection
 * holds the context that it began with.
 */
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "httpd/connection.h"
#include "httpd/metrics.h"

#define CHAIN_MAX 8

/* A certificate with its key, and what clients are told with it. */
struct identity {
	SSL_CTX *tls;
	X509 *leaf;
	STACK_OF(X509) * chain; /* behind the leaf; the last one is the CA that clients pin */
	uint8_t ca[HTTPD_CA_MAX_BYTES];
	size_t ca_len;
	uint64_t expiry;
};

static void
identity_clear(struct identity *id)
{
	SSL_CTX_free(id->tls);
	X509_free(id->leaf);
	sk_X509_pop_free(id->chain, X509_free);
}

static uint64_t
seconds_of(const ASN1_TIME *time)
{
	struct tm tm;
	time_t t;

	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return 0;
	t = timegm(&tm);
	return t > 0 ? (uint64_t)t : 0;
}

/* Each of these returns NULL, or what is wrong. */

static const char *
load_chain(struct identity *id, BIO *file)
{
	uint8_t *p = id->ca;
	X509 *cert;
	int len;

	id->leaf = PEM_read_bio_X509(file, NULL, NULL, NULL);
	id->chain = sk_X509_new_null();
	while (id->leaf && id->chain && (cert = PEM_read_bio_X509(file, NULL, NULL, NULL)))
		if (sk_X509_num(id->chain) == CHAIN_MAX || !sk_X509_push(id->chain, cert)) {
			X509_free(cert);
			return "the TLS certificate has too long a chain";
		}
	/* Behind the last one nothing begins; anything else is half a certificate. */
	if (!id->leaf || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return "the TLS certificate cannot be read";
	ERR_clear_error();
	if (sk_X509_num(id->chain) < 1)
		return "the TLS certificate lacks its CA behind it";
	cert = sk_X509_value(id->chain, sk_X509_num(id->chain) - 1);
	len = i2d_X509(cert, NULL);
	if (len <= 0 || len > HTTPD_CA_MAX_BYTES || i2d_X509(cert, &p) != len)
		return "the CA of the TLS certificate cannot be used";
	id->ca_len = (size_t)len;
	id->expiry = seconds_of(X509_get0_notAfter(id->leaf));
	if (SSL_CTX_use_certificate(id->tls, id->leaf) != 1 ||
	    SSL_CTX_set1_chain(id->tls, id->chain) != 1)
		return "the TLS certificate cannot be used";
	return NULL;
}

static const char *
load_key(struct identity *id, BIO *file)
{
	EVP_PKEY *key = PEM_read_bio_PrivateKey(file, NULL, NULL, NULL);
	bool matches;

	if (!key)
		return "the key of the TLS certificate cannot be read";
	matches =
	    X509_check_private_key(id->leaf, key) == 1 && SSL_CTX_use_PrivateKey(id->tls, key) == 1;
	EVP_PKEY_free(key);
	return matches ? NULL : "the key is not that of the TLS certificate";
}

/* As a client sees it who has pinned the CA. */
static const char *
check_path(const struct identity *id)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	const char *wrong = "the TLS certificate cannot be checked";
	int last = sk_X509_num(id->chain) - 1;

	if (store && ctx && X509_STORE_add_cert(store, sk_X509_value(id->chain, last)) == 1 &&
	    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
	    X509_STORE_CTX_init(ctx, store, id->leaf, id->chain) == 1 &&
	    X509_STORE_CTX_set_default(ctx, "ssl_server") == 1) {
		wrong = NULL;
		if (X509_verify_cert(ctx) != 1)
			switch (X509_STORE_CTX_get_error(ctx)) {
			case X509_V_ERR_CERT_HAS_EXPIRED:
				wrong = "the TLS certificate has expired";
				break;
			case X509_V_ERR_CERT_NOT_YET_VALID:
				wrong = "the TLS certificate is not yet valid";
				break;
			default:
				wrong = "the TLS certificate does not hold under its CA";
			}
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	ERR_clear_error();
	return wrong;
}

static bool
set_up(SSL_CTX *tls)
{
	if (!tls || SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1)
		return false;
	(void)SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	return true;
}

static const char *
load(struct identity *id, BIO *chain, BIO *key, BIO *client_ca)
{
	const char *wrong;

	id->tls = SSL_CTX_new(TLS_server_method());
	if (!chain || !key || !client_ca || !set_up(id->tls))
		return "no memory";
	wrong = load_chain(id, chain);
	if (!wrong)
		wrong = load_key(id, key);
	if (!wrong && !httpd_client_ca(id->tls, client_ca))
		wrong = "client-ca: the CA certificates cannot be used";
	return wrong;
}

static void
use(struct httpd *httpd, struct identity *id)
{
	SSL_CTX_free(httpd->tls);
	httpd->tls = id->tls;
	id->tls = NULL;
	memcpy(httpd->ca, id->ca, id->ca_len);
	httpd->ca_len = id->ca_len;
	httpd->expiry = id->expiry;
	metrics_set_expiry(id->expiry);
}

static void
tell(struct httpd *httpd, uint64_t id, const char *wrong)
{
	const char *text = wrong ? wrong : "the TLS certificate is in use";
	uint8_t head[10];
	const struct dk_part parts[] = { { head, sizeof(head) }, { text, strlen(text) } };
	struct dk_writer_buf wr;

	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u16(&wr, wrong ? DK_CODE_ARGUMENT : DK_CODE_OK);
	dk_wr_u64(&wr, httpd->expiry);
	(void)ipc_send(&httpd->child.channel[0], IPC_TLS_DONE, id, parts, 2);
}

/* One that has expired is used all the same: only a service that runs can be
 * asked what is wrong with it, and clients see for themselves. */
void
httpd_tls_start(struct httpd *httpd)
{
	BIO *chain = BIO_new_fd(HTTPD_FD_CHAIN, BIO_CLOSE);
	BIO *key = BIO_new_fd(HTTPD_FD_KEY, BIO_CLOSE);
	BIO *client_ca = BIO_new_fd(HTTPD_FD_CLIENT_CA, BIO_CLOSE);
	struct identity id = { 0 };
	const char *wrong = load(&id, chain, key, client_ca);

	if (wrong)
		say_fatal("%s", wrong);
	wrong = check_path(&id);
	if (wrong)
		say(SAY_WARNING, "%s", wrong);
	use(httpd, &id);
	identity_clear(&id);
	BIO_free(chain);
	BIO_free(key);
	BIO_free(client_ca);
	tell(httpd, 0, NULL);
}

/* Three files, each with its length in front. */
bool
httpd_on_tls(struct httpd *httpd, const struct ipc_message *message)
{
	struct identity id = { 0 };
	struct dk_part part[IPC_TLS_FILES];
	BIO *file[IPC_TLS_FILES];
	const char *wrong = NULL;

	if (!ipc_tls_read(message, part))
		return false;
	/* An empty buffer of its own says that there is nothing: NULL would not do. */
	for (unsigned i = 0; i < IPC_TLS_FILES; i++)
		file[i] = BIO_new_mem_buf(part[i].len > 0 ? part[i].data : "", (int)part[i].len);
	wrong = load(&id, file[0], file[1], file[2]);
	if (!wrong)
		wrong = check_path(&id);
	if (!wrong && (id.ca_len != httpd->ca_len || memcmp(id.ca, httpd->ca, id.ca_len) != 0))
		wrong = "the CA behind the TLS certificate is not the one that clients have pinned";
	ERR_clear_error();
	if (!wrong)
		use(httpd, &id);
	tell(httpd, message->id, wrong);
	identity_clear(&id);
	for (unsigned i = 0; i < IPC_TLS_FILES; i++)
		BIO_free(file[i]);
	return true;
}

struct bufferevent *
httpd_bufferevent(struct event_base *base, void *ctx)
{
	struct httpd *httpd = ctx;
	SSL *ssl = SSL_new(httpd->tls);
	struct bufferevent *bev;

	/* Without one evhttp would go on without TLS. */
	if (!ssl)
		say_fatal("no memory");
	bev = bufferevent_openssl_socket_new(
	    base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (!bev)
		say_fatal("no memory");
	bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	httpd_connection_new(httpd, bev);
	return bev;
}
