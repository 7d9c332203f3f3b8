/* SPDX-License-Identifier: Apache-2.0 */
#include <event2/bufferevent_ssl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "httpd/metrics.h"

static void
note_expiry(const X509 *leaf)
{
	struct tm tm;
	time_t t;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &tm) != 1)
		return;
	t = timegm(&tm);
	metrics_set_expiry(t > 0 ? (uint64_t)t : 0);
}

/* Leaf first, then the CA, which clients ask for at /v1/ca. */
static bool
load_chain(struct httpd *httpd)
{
	FILE *file = fdopen(HTTPD_FD_CHAIN, "r");
	X509 *leaf, *ca;
	uint8_t *p = httpd->ca;
	bool ok;
	int len;

	if (!file)
		return false;
	leaf = PEM_read_X509(file, NULL, NULL, NULL);
	ca = leaf ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
	(void)fclose(file);
	len = ca ? i2d_X509(ca, NULL) : 0;
	ok = len > 0 && len <= HTTPD_CA_MAX_BYTES && i2d_X509(ca, &p) == len &&
	    SSL_CTX_use_certificate(httpd->tls, leaf) == 1 &&
	    SSL_CTX_add1_chain_cert(httpd->tls, ca) == 1;
	httpd->ca_len = ok ? (size_t)len : 0;
	if (ok)
		note_expiry(leaf);
	X509_free(leaf);
	X509_free(ca);
	return ok;
}

static bool
load_key(struct httpd *httpd)
{
	FILE *file = fdopen(HTTPD_FD_KEY, "r");
	EVP_PKEY *key;
	bool ok;

	if (!file)
		return false;
	key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	(void)fclose(file);
	ok = key && SSL_CTX_use_PrivateKey(httpd->tls, key) == 1 &&
	    SSL_CTX_check_private_key(httpd->tls) == 1;
	EVP_PKEY_free(key);
	return ok;
}

bool
httpd_tls(struct httpd *httpd)
{
	httpd->tls = SSL_CTX_new(TLS_server_method());
	if (!httpd->tls || SSL_CTX_set_min_proto_version(httpd->tls, TLS1_3_VERSION) != 1)
		return false;
	(void)SSL_CTX_set_mode(httpd->tls, SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_options(httpd->tls, SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_set_session_cache_mode(httpd->tls, SSL_SESS_CACHE_OFF);
	return load_chain(httpd) && load_key(httpd) && httpd_client_ca(httpd);
}

struct bufferevent *
httpd_bufferevent(struct event_base *base, void *ctx)
{
	struct httpd *httpd = ctx;
	SSL *ssl = SSL_new(httpd->tls);
	struct bufferevent *bev;

	if (!ssl)
		return NULL;
	bev = bufferevent_openssl_socket_new(
	    base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (bev)
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}
