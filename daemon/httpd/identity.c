/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/identity.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <time.h>

#define CHAIN_MAX 8

void
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
	X509 *cert;

	id->leaf = file ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
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
	id->expiry = seconds_of(X509_get0_notAfter(id->leaf));
	if (SSL_CTX_use_certificate(id->tls, id->leaf) != 1 ||
	    SSL_CTX_set1_chain(id->tls, id->chain) != 1)
		return "the TLS certificate cannot be used";
	return NULL;
}

/* Clients of the native protocol pin it. */
static const char *
take_ca(struct identity *id)
{
	uint8_t *p = id->ca;
	X509 *cert;
	int len;

	if (sk_X509_num(id->chain) < 1)
		return "the TLS certificate lacks its CA behind it";
	cert = sk_X509_value(id->chain, sk_X509_num(id->chain) - 1);
	len = i2d_X509(cert, NULL);
	if (len <= 0 || len > HTTPD_CA_MAX_BYTES || i2d_X509(cert, &p) != len)
		return "the CA of the TLS certificate cannot be used";
	id->ca_len = (size_t)len;
	return NULL;
}

static const char *
load_key(struct identity *id, BIO *file)
{
	EVP_PKEY *key = file ? PEM_read_bio_PrivateKey(file, NULL, NULL, NULL) : NULL;
	bool matches;

	if (!key)
		return "the key of the TLS certificate cannot be read";
	matches =
	    X509_check_private_key(id->leaf, key) == 1 && SSL_CTX_use_PrivateKey(id->tls, key) == 1;
	EVP_PKEY_free(key);
	return matches ? NULL : "the key is not that of the TLS certificate";
}

const char *
identity_check_path(const struct identity *id)
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

static const char *
wrong_time(const X509 *cert)
{
	if (X509_cmp_current_time(X509_get0_notAfter(cert)) <= 0)
		return "the TLS certificate has expired";
	if (X509_cmp_current_time(X509_get0_notBefore(cert)) >= 0)
		return "the TLS certificate is not yet valid";
	return NULL;
}

const char *
identity_check_names(const struct identity *id, const char *host, size_t len)
{
	const char *wrong = wrong_time(id->leaf);
	X509 *last = id->leaf;
	char text[IDENTITY_HOST_BYTES];

	if (wrong)
		return wrong;
	if (len >= sizeof(text))
		return "the TLS certificate cannot be checked";
	memcpy(text, host, len);
	text[len] = '\0';
	if (X509_check_host(id->leaf, text, len, 0, NULL) != 1 &&
	    X509_check_ip_asc(id->leaf, text, 0) != 1)
		return "the TLS certificate is not one for the host of dke-base-url";
	for (int i = 0; i < sk_X509_num(id->chain); i++) {
		X509 *issuer = sk_X509_value(id->chain, i);

		if (X509_check_issued(issuer, last) != X509_V_OK)
			return "behind the TLS certificate stands another one than its issuer's";
		last = issuer;
	}
	return NULL;
}

/* Of TLS 1.2 what has forward secrecy and authenticates what it encrypts. */
#define SUITES_12 "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!PSK"

static bool
set_up(SSL_CTX *tls, enum identity_kind kind)
{
	const bool native = kind == IDENTITY_NATIVE;

	if (!tls ||
	    SSL_CTX_set_min_proto_version(tls, native ? TLS1_3_VERSION : TLS1_2_VERSION) != 1)
		return false;
	(void)SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	(void)SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	if (native)
		return true;
	(void)SSL_CTX_set_options(tls, SSL_OP_NO_TICKET);
	return SSL_CTX_set_cipher_list(tls, SUITES_12) == 1 && SSL_CTX_set_num_tickets(tls, 0) == 1;
}

const char *
identity_load(struct identity *id, enum identity_kind kind, BIO *chain, BIO *key, BIO *client_ca)
{
	const char *wrong;

	id->tls = SSL_CTX_new(TLS_server_method());
	if (!set_up(id->tls, kind))
		return "no memory";
	wrong = load_chain(id, chain);
	if (!wrong && kind == IDENTITY_NATIVE)
		wrong = take_ca(id);
	if (!wrong)
		wrong = load_key(id, key);
	if (!wrong && client_ca && !httpd_client_ca(id->tls, client_ca))
		wrong = "client-ca: the CA certificates cannot be used";
	return wrong;
}
