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
};

bool certificates_make(struct certificates *c, const char *host_port);
/* tls/chain.pem and tls/server.key in the working directory. */
bool certificates_write(const struct certificates *c, uint8_t ret_fingerprint[32]);
/* The CA's key pair, for the sealed store: it lies in no file of its own. */
bool certificates_ca_key(const struct certificates *c, struct dk_pkey **ret);
void certificates_clear(struct certificates *c);

#endif
