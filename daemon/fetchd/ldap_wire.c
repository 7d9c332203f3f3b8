/* SPDX-License-Identifier: Apache-2.0 */
#include "fetchd/ldap_wire.h"

#include <errno.h>
#include <openldap.h>
#include <poll.h>

#include "ipc/child.h"

#define TOTAL_MS 30000
#define RECEIVED_MAX_BYTES (64u << 20)
#define MESSAGE_MAX_BYTES (1u << 20)

static int
fail(struct ldap_wire *wire, enum ipc_fetch_result result, int error)
{
	if (wire->result == IPC_FETCH_OK)
		wire->result = result;
	errno = error;
	return -1;
}

/* False: the time is over. */
static bool
wait_for(const struct ldap_wire *wire, short events)
{
	struct pollfd p = { .fd = wire->fd, .events = events };
	uint64_t now = ipc_clock_ms();

	return now < wire->end_ms && poll(&p, 1, (int)(wire->end_ms - now)) != 0;
}

static ber_slen_t
on_read(Sockbuf_IO_Desc *io, void *data, ber_len_t len)
{
	struct ldap_wire *wire = io->sbiod_pvt;
	CURLcode code;
	size_t n = 0;

	while ((code = curl_easy_recv(wire->curl, data, len, &n)) == CURLE_AGAIN)
		if (!wait_for(wire, POLLIN))
			return fail(wire, IPC_FETCH_TIME_OUT, ETIMEDOUT);
	if (code != CURLE_OK)
		return fail(wire, IPC_FETCH_TRANSFER, EIO);
	wire->received += n;
	if (wire->received > RECEIVED_MAX_BYTES)
		return fail(wire, IPC_FETCH_TOO_LARGE, EMSGSIZE);
	return ipc_clock_ms() < wire->end_ms ? (ber_slen_t)n
					     : fail(wire, IPC_FETCH_TIME_OUT, ETIMEDOUT);
}

static ber_slen_t
on_write(Sockbuf_IO_Desc *io, void *data, ber_len_t len)
{
	struct ldap_wire *wire = io->sbiod_pvt;
	CURLcode code;
	size_t n = 0;

	while ((code = curl_easy_send(wire->curl, data, len, &n)) == CURLE_AGAIN)
		if (!wait_for(wire, POLLOUT))
			return fail(wire, IPC_FETCH_TIME_OUT, ETIMEDOUT);
	return code == CURLE_OK ? (ber_slen_t)n : fail(wire, IPC_FETCH_TRANSFER, EIO);
}

static int
on_setup(Sockbuf_IO_Desc *io, void *wire)
{
	io->sbiod_pvt = wire;
	return 0;
}

static int
on_remove(Sockbuf_IO_Desc *io)
{
	(void)io;
	return 0;
}

/* libcurl may hold bytes that a look at the socket does not show: on_read() does the waiting. */
static int
on_ctrl(Sockbuf_IO_Desc *io, int option, void *arg)
{
	(void)io;
	(void)arg;
	return option == LBER_SB_OPT_DATA_READY;
}

static Sockbuf_IO over_curl = { on_setup, on_remove, on_ctrl, on_read, on_write, on_remove };

static bool
open_ldap(struct ldap_wire *wire)
{
	const int version = LDAP_VERSION3, never = LDAP_DEREF_NEVER;
	ber_len_t longest = MESSAGE_MAX_BYTES;
	Sockbuf *sockbuf = NULL;

	return ldap_init_fd(wire->fd, LDAP_PROTO_EXT, NULL, &wire->ld) == LDAP_SUCCESS &&
	    ldap_get_option(wire->ld, LDAP_OPT_SOCKBUF, &sockbuf) == LDAP_OPT_SUCCESS &&
	    ber_sockbuf_add_io(sockbuf, &over_curl, LBER_SBIOD_LEVEL_PROVIDER, wire) == 0 &&
	    ber_sockbuf_ctrl(sockbuf, LBER_SB_OPT_SET_MAX_INCOMING, &longest) == 1 &&
	    ldap_set_option(wire->ld, LDAP_OPT_PROTOCOL_VERSION, &version) == LDAP_OPT_SUCCESS &&
	    ldap_set_option(wire->ld, LDAP_OPT_DEREF, &never) == LDAP_OPT_SUCCESS &&
	    ldap_set_option(wire->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS;
}

enum ipc_fetch_result
ldap_wire_open(struct ldap_wire *wire, const char *url, const struct dk_part *ca_pem)
{
	CURLcode code;

	*wire = (struct ldap_wire){ .curl = curl_easy_init(),
		.end_ms = ipc_clock_ms() + TOTAL_MS,
		.result = IPC_FETCH_OK };
	if (!wire->curl || !fetch_secure(wire->curl, url, ca_pem) ||
	    curl_easy_setopt(wire->curl, CURLOPT_SSL_ENABLE_ALPN, 0L) != CURLE_OK ||
	    curl_easy_setopt(wire->curl, CURLOPT_CONNECT_ONLY, 1L) != CURLE_OK)
		return IPC_FETCH_TRANSFER;
	code = curl_easy_perform(wire->curl);
	if (code != CURLE_OK)
		return fetch_result_of(code);
	if (curl_easy_getinfo(wire->curl, CURLINFO_ACTIVESOCKET, &wire->fd) != CURLE_OK ||
	    !open_ldap(wire))
		return IPC_FETCH_TRANSFER;
	return IPC_FETCH_OK;
}

void
ldap_wire_close(struct ldap_wire *wire)
{
	if (wire->ld)
		(void)ldap_unbind_ext(wire->ld, NULL, NULL);
	if (wire->curl)
		curl_easy_cleanup(wire->curl);
}
