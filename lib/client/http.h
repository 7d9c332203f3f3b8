/* SPDX-License-Identifier: Apache-2.0 */
/* HTTPS as far as the native protocol needs it, over libcurl. */
#ifndef DK_CLIENT_HTTP_H
#define DK_CLIENT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/client.h"
#include "doublekey/error.h"

#define DK_HTTP_ANSWER_MAX_BYTES 2097152u
#define DK_HTTP_HEADERS_MAX 8

struct dk_http_request {
	const char *url;
	const uint8_t *ca_pem; /* NULL: the certificate is not checked */
	size_t ca_pem_len;
	const char *client_pem; /* file of a client certificate and its key, or NULL */
	const uint8_t *body;    /* NULL: GET */
	size_t body_len;
	long connect_s;                              /* 0: the default */
	const char *header[DK_HTTP_HEADERS_MAX + 1]; /* up to a NULL */
};

struct dk_http_answer {
	uint8_t *body; /* free() */
	size_t len;
	char error[64]; /* of Doublekey-Error, or empty */
	long status;
};

/* A handle with which nobody is asked anything, and the time limits of this client. For an
 * https URL; the server's certificate is that of the CA, or of one of the system for a NULL. */
bool dk_http_set_up(void *curl, const char *url, const uint8_t *ca_pem, size_t ca_pem_len,
    long connect_s);

/* DK_OK if there was an answer of status 200; the code of the service as
 * dk_code_err(); DK_ERR_SERVICE_UNREACHABLE, _TLS, _REPLY. */
DK_MUST_USE dk_err dk_http(const struct dk_http_request *request, struct dk_http_answer *ret);

/* Of struct dk_client_module. */
void client_why(char ret_text[DK_CLIENT_WHY_BYTES]);

#endif
