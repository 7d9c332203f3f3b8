/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TLS certificate with its key, made into a context of its own: of the native listener
 * (spec/key-service.md section 1) or of the Microsoft DKE front end (spec/profiles/ms-dke.md
 * section 2). What goes wrong is told in words for the operator.
 */
#ifndef DK_HTTPD_IDENTITY_H
#define DK_HTTPD_IDENTITY_H

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "httpd/httpd.h"

#define IDENTITY_HOST_BYTES 256

enum identity_kind { IDENTITY_NATIVE, IDENTITY_DKE };

/* All zeros before. identity_clear() frees what is in it, whatever came of it. */
struct identity {
	SSL_CTX *tls;
	X509 *leaf;
	STACK_OF(X509) * chain; /* behind the leaf; of the native one the last is the CA */
	uint8_t ca[HTTPD_CA_MAX_BYTES]; /* that clients pin; native only */
	size_t ca_len;
	uint64_t expiry; /* seconds since 1970 */
};

/* Each of these returns NULL, or what is wrong. client_ca: NULL if there are none. */
const char *identity_load(
    struct identity *id, enum identity_kind kind, BIO *chain, BIO *key, BIO *client_ca);
/* As a client sees it who has pinned the CA. */
const char *identity_check_path(const struct identity *id);
/* As far as it can be seen where the clients' roots are not known: valid now, for this
 * host, and issuers in order. */
const char *identity_check_names(const struct identity *id, const char *host, size_t len);

void identity_clear(struct identity *id);

#endif
