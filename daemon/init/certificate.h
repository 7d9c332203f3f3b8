/* SPDX-License-Identifier: Apache-2.0 */
/* The service's own CA and its TLS certificate. */
#ifndef DK_INIT_CERTIFICATE_H
#define DK_INIT_CERTIFICATE_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "crypto/pkey.h"

struct certificates {
	EVP_PKEY *ca_key;
	X509 *ca;
	EVP_PKEY *key;
	X509 *leaf;
	STACK_OF(X509) * between; /* intermediate CAs, or NULL */
};

bool certificates_make(struct certificates *c, const char *host_port);
/* Another leaf and key under the CA that is there. */
bool certificates_renew(struct certificates *c, const char *host_port);
bool certificates_fingerprint(const struct certificates *c, uint8_t ret_fingerprint[32]);

/* certificate_file.c: brought by the operator; NULL, or what is wrong. The last certificate
 * of the file is the CA; a CA key is made all the same, and signs nothing. */
const char *certificates_load(
    struct certificates *c, const char *chain, const char *key, const char *host_port);
/* The CA of tls/chain.pem, which must be the one of this key. */
bool certificates_load_ca(struct certificates *c, const struct dk_pkey *ca_key);
/* tls/chain.pem and tls/server.key in the working directory, in place of what is there. */
bool certificates_write(const struct certificates *c);
/* The CA's key pair, for the sealed store: it lies in no file of its own. */
bool certificates_ca_key(const struct certificates *c, struct dk_pkey **ret);
void certificates_clear(struct certificates *c);

#endif
