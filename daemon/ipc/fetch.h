/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads about what is fetched, spec/ipc.md sections 3 and 6: FETCH, FETCHED,
 * KEY_SET, FETCH_STATE, and the form of key sets. Readers borrow from the payload;
 * false: it has not this layout.
 */
#ifndef DK_IPC_FETCH_H
#define DK_IPC_FETCH_H

#include <stdbool.h>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "ipc/directory.h"

#define IPC_FETCH_URL_MAX_BYTES 200
#define IPC_FETCH_BODY_MAX_BYTES 65536
#define IPC_POST_URL_MAX_BYTES 240
#define IPC_POST_BODY_MAX_BYTES 16384
#define IPC_FETCH_UNDER_WAY_MAX (32 + 32) /* issuers and tenants, witnesses */
#define IPC_ISSUER_MAX_BYTES 32
#define IPC_ISSUERS_MAX 36 /* and tenants, and directories */

/* Thumbprint, and until when it is in quarantine. */
#define IPC_KNOWN_KEY_BYTES 40
#define IPC_KNOWN_KEYS_MAX 256
#define IPC_KNOWN_MAX_BYTES (IPC_KNOWN_KEYS_MAX * IPC_KNOWN_KEY_BYTES)

/* Section 6. Those behind IPC_FETCH_TRANSFER are the parent's own. */
enum ipc_fetch_result {
	IPC_FETCH_OK,
	IPC_FETCH_RESOLVE,
	IPC_FETCH_CONNECT,
	IPC_FETCH_TLS,
	IPC_FETCH_TIME_OUT,
	IPC_FETCH_STATUS,
	IPC_FETCH_CONTENT_TYPE,
	IPC_FETCH_TOO_LARGE,
	IPC_FETCH_TRANSFER,
	IPC_FETCH_CA,
	IPC_FETCH_REFUSED,
	IPC_FETCH_PASSWORD_FILE,
	IPC_FETCH_RESULTS,
};
/* Static, never NULL. */
const char *ipc_fetch_result_name(enum ipc_fetch_result result);

struct ipc_fetch {
	char url[UINT8_MAX + 1];
	struct dk_part ca_pem;
	bool post; /* body goes with it, and any status is an answer */
	struct dk_part body;
};
bool ipc_fetch_read(const void *data, size_t len, struct ipc_fetch *ret);
/* POST */
bool ipc_post_read(const void *data, size_t len, struct ipc_fetch *ret);

struct ipc_fetched {
	enum ipc_fetch_result result; /* at most IPC_FETCH_TRANSFER */
	unsigned status;
	struct dk_part bytes;
};
bool ipc_fetched_read(const void *data, size_t len, struct ipc_fetched *ret);

/* Of one issuer. data NULL: none. */
struct ipc_key_set {
	struct dk_part name; /* 1 to IPC_ISSUER_MAX_BYTES */
	uint64_t fetched_s;  /* 0: a file */
	uint8_t root[32];    /* in KEY_SET only */
	struct dk_part bytes;
	struct dk_part known; /* keys of a tenant, IPC_KNOWN_KEY_BYTES each; not in KEY_SET */
};
bool ipc_key_set_read(const void *data, size_t len, struct ipc_key_set *ret);
/* The next one of key sets (section 3). */
bool ipc_key_sets_next(struct dk_reader_buf *rd, struct ipc_key_set *ret);
void ipc_key_sets_add(struct dk_writer_buf *wr, const struct ipc_key_set *set);

/* METADATA and KEYS_KNOWN: a name, and what is behind it. */
struct ipc_named {
	struct dk_part name; /* 1 to IPC_ISSUER_MAX_BYTES */
	struct dk_part bytes;
};
bool ipc_named_read(const void *data, size_t len, struct ipc_named *ret);

/* KEY_ACCEPT, KEY_ACCEPT_NEW */
struct ipc_key_accept {
	uint32_t uid;
	struct dk_part name;
	const uint8_t *thumbprint; /* 32 bytes */
};
bool ipc_key_accept_read(const void *data, size_t len, struct ipc_key_accept *ret);

struct ipc_fetch_state {
	uint32_t restarts, violations;
	unsigned count;
	struct ipc_fetch_issuer {
		char name[IPC_ISSUER_MAX_BYTES + 1];
		uint64_t fetched_s;
		uint64_t failures;
		uint64_t quarantine_s; /* until then a new key is in it; 0: none is */
	} issuer[IPC_ISSUERS_MAX];
};
#define IPC_FETCH_STATE_MAX_BYTES (9 + IPC_ISSUERS_MAX * (1 + IPC_ISSUER_MAX_BYTES + 24))
bool ipc_fetch_state_read(const void *data, size_t len, struct ipc_fetch_state *ret);
/* ret has room for IPC_FETCH_STATE_MAX_BYTES; returns the length. */
size_t ipc_fetch_state_write(const struct ipc_fetch_state *state, uint8_t *ret);

#endif
