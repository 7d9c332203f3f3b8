/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection to a directory: libcurl connects, and verifies as it does for key sets; libldap
 * speaks over that. So there is one TLS, one list of CA certificates, and one end of all waiting.
 */
#ifndef DK_FETCHD_LDAP_WIRE_H
#define DK_FETCHD_LDAP_WIRE_H

#include <curl/curl.h>
#include <ldap.h>

#include "fetchd/fetchd.h"

struct ldap_wire {
	CURL *curl;
	LDAP *ld;
	curl_socket_t fd;
	uint64_t end_ms;
	size_t received;
	enum ipc_fetch_result result; /* why reading or writing failed */
};

/* Blocks. Other than IPC_FETCH_OK: there is no connection, but ldap_wire_close() all the same. */
enum ipc_fetch_result ldap_wire_open(
    struct ldap_wire *wire, const char *url, const struct dk_part *ca_pem);
void ldap_wire_close(struct ldap_wire *wire);

#endif
