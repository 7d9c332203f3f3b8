/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confirmations and sessions of spec/profiles/ms-dke-pages.md section 5: what keyd keeps and
 * authd has a copy of, and the messages that tell of them (spec/ipc.md section 3).
 */
#ifndef DK_IPC_GATE_H
#define DK_IPC_GATE_H

#include "ipc/channel.h"
#include "native/page.h"
#include "native/request.h"

#define GATES_MAX 16384
#define GATES_DEVICE_MAX 64
#define GATE_CONFIRMATION_S 120

struct gate {
	uint8_t name[32]; /* gate_name() */
	uint8_t address[16];
	uint64_t index;     /* of its record */
	uint64_t until;     /* seconds since 1970 */
	uint8_t device[32]; /* that signed it; keyd alone knows it */
};

/* In the order of their making. */
struct gates {
	struct gate *item;
	unsigned count;
};

/* SHA-256 of document and person: one of a kind has one name. document: zeros for a session.
 * Without memory or libcrypto the process ends. */
void gate_name(const uint8_t document[32], const char *person, uint8_t ret[32]);
/* In place of one of the same name, and of those whose time is over. of_device: of one device at
 * most so many, the oldest goes; 0: any number. False: full. */
bool gates_put(struct gates *gates, const struct gate *gate, unsigned of_device, uint64_t now);
/* One that holds at this address now, or NULL; until the next call of another function. */
const struct gate *gates_find(
    const struct gates *gates, const uint8_t name[32], const uint8_t address[16], uint64_t now);
void gates_drop(struct gates *gates, const uint8_t name[32]);
void gates_clear(struct gates *gates);

/* PAGE_PASSED: PAGE is as ENROL (ipc/payload.h). */
struct ipc_page_passed {
	unsigned code;          /* what authd found */
	const uint8_t *address; /* 16 bytes */
	struct dk_part body;
};
bool ipc_page_passed_read(const struct ipc_message *message, struct ipc_page_passed *ret);

/* PRESENCE, PRESENCE_PASSED */
struct ipc_presence {
	const uint8_t *address; /* 16 bytes */
	struct dk_request_signature sig;
	struct dk_part body;
};
bool ipc_presence_read(const struct ipc_message *message, struct ipc_presence *ret);

/* GATE: until 0: it holds no longer. */
struct ipc_gate {
	bool session; /* else a confirmation */
	struct gate gate;
};
#define IPC_GATE_BYTES (1 + 32 + 16 + 8 + 8)
bool ipc_gate_read(const struct ipc_message *message, struct ipc_gate *ret);
void ipc_gate_write(const struct ipc_gate *gate, uint8_t ret[IPC_GATE_BYTES]);

/* AUTHENTICATOR: of a device that was told by DEVICE before. */
struct ipc_authenticator {
	const uint8_t *device; /* 32 bytes */
	const uint8_t *spki;   /* DK_P256_SPKI_BYTES */
	struct dk_part credential;
};
#define IPC_AUTHENTICATOR_MAX_BYTES (32 + DK_P256_SPKI_BYTES + DK_CREDENTIAL_ID_MAX_BYTES)
bool ipc_authenticator_read(const struct ipc_message *message, struct ipc_authenticator *ret);

#endif
