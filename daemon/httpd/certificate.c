/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client certificates, spec/policy.md section 6.1. The handshake goes on
 * whatever the certificate is: the request is then refused with a code and
 * recorded, where an alert would tell nobody.
 */
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "httpd/httpd.h"

#define CHAIN_DEPTH 4
#define CHAIN_MAX_BYTES 32768

/* Of an SSL: not NULL if something was wrong with the chain. */
static int failed_index = -1;

static int
note_failure(int ok, X509_STORE_CTX *ctx)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	static char failed;

	if (!ok && (!ssl || SSL_set_ex_data(ssl, failed_index, &failed) != 1))
		return 0;
	return 1;
}

static bool
use_store(SSL_CTX *tls, X509_STORE *store)
{
	if (failed_index < 0)
		failed_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	if (failed_index < 0)
		return false;
	SSL_CTX_set_cert_store(tls, store);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, note_failure);
	SSL_CTX_set_verify_depth(tls, CHAIN_DEPTH);
	SSL_CTX_set_max_cert_list(tls, CHAIN_MAX_BYTES);
	/* A resumed session would carry the certificate to another connection. */
	return SSL_CTX_set_num_tickets(tls, 0) == 1;
}

bool
httpd_client_ca(SSL_CTX *tls, BIO *file)
{
	X509_STORE *store = X509_STORE_new();
	unsigned count = 0;
	bool ok = store;
	X509 *ca;

	while (ok && (ca = PEM_read_bio_X509(file, NULL, NULL, NULL))) {
		ok = X509_check_ca(ca) > 0 && X509_STORE_add_cert(store, ca) == 1 &&
		    SSL_CTX_add_client_CA(tls, ca) == 1;
		X509_free(ca);
		count++;
	}
	/* Behind the last one nothing begins; anything else is half a certificate. */
	ok = ok && count > 0 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	if (ok) {
		ok = use_store(tls, store);
		store = ok ? NULL : store;
	}
	X509_STORE_free(store);
	return ok;
}

/* The handshake looked at the dates too, but a connection may outlive them. */
static bool
still_valid(STACK_OF(X509) * chain)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		const X509 *cert = sk_X509_value(chain, i);

		if (X509_cmp_current_time(X509_get0_notAfter(cert)) <= 0 ||
		    X509_cmp_current_time(X509_get0_notBefore(cert)) >= 0)
			return false;
	}
	return sk_X509_num(chain) > 0;
}

X509 *
httpd_peer_certificate(struct evhttp_request *request, const X509 **ret_ca)
{
	struct bufferevent *bev =
	    evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));
	SSL *ssl = bev ? bufferevent_openssl_get_ssl(bev) : NULL;
	X509 *cert = ssl ? SSL_get0_peer_certificate(ssl) : NULL;
	STACK_OF(X509) *chain = cert ? SSL_get0_verified_chain(ssl) : NULL;

	*ret_ca = NULL;
	if (cert && !SSL_get_ex_data(ssl, failed_index) &&
	    SSL_get_verify_result(ssl) == X509_V_OK && still_valid(chain))
		*ret_ca = sk_X509_value(chain, sk_X509_num(chain) - 1);
	return cert;
}

size_t
httpd_certificate_claim(
    struct evhttp_request *request, uint8_t ret_claim[IPC_CLAIM_CERTIFICATE_MAX_BYTES])
{
	const X509 *ca;
	X509 *cert = httpd_peer_certificate(request, &ca);

	return cert ? httpd_claim_write(cert, ca, ret_claim) : 0;
}
