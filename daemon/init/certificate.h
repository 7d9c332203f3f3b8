/* SPDX-License-Identifier: Apache-2.0 */
/* The service's own CA and its TLS certificate. */
#ifndef DK_INIT_CERTIFICATE_H
#define DK_INIT_CERTIFICATE_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

struct certificates {
	EVP_PKEY *ca_key;
	X509 *ca;
	EVP_PKEY *key;
	X509 *leaf;
};

bool certificates_make(struct certificates *c, const char *host_port);
/* tls/chain.pem, tls/server.key, tls/ca.key in the working directory. */
bool certificates_write(const struct certificates *c, uint8_t ret_fingerprint[32]);
void certificates_clear(struct certificates *c);

#endif
