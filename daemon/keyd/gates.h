/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people confirmed, which sessions they opened, and what waits for them
 * (spec/profiles/ms-dke-pages.md sections 4 and 5). In memory only; main thread only.
 */
#ifndef DK_KEYD_GATES_H
#define DK_KEYD_GATES_H

#include "ipc/dke_conf.h"
#include "ipc/gate.h"
#include "keyd/state.h"

#define WAITING_MAX 16384
#define WAITING_PERSON_MAX 64
#define WAITING_S 600

struct waiting {
	char person[DK_USER_MAX_BYTES + 1];
	char key[DK_LOG_NAME_MAX_BYTES + 1];
	uint8_t document[32];
	uint8_t address[16];
	uint64_t time;
	bool approvals; /* of others; else an act of this person */
};

struct keyd_gates {
	char origin[DK_URL_MAX_BYTES + 1]; /* base URL of the front end; empty: there is none */
	uint32_t session_s;
	char domain[IPC_DKE_DOMAIN_MAX_BYTES + 1]; /* of users whose names have none; or empty */
	bool accepted; /* authenticators count when they were accepted */
	struct gates confirmations;
	struct gates sessions;
	struct waiting *waiting; /* the oldest first */
	unsigned waiting_count;
};
void keyd_gates_clear(struct keyd_gates *gates);

/* A request that was denied since a gate is missing, of a person who has an authenticator; of one
 * person and address WAITING_PERSON_MAX at most, the oldest goes. */
void keyd_gates_wait(struct keyd_gates *gates, const struct waiting *waiting);
/* Those of a person at an address, the oldest first; at most WAITING_PERSON_MAX. */
unsigned keyd_gates_waiting(struct keyd_gates *gates, const char *person, const uint8_t address[16],
    uint64_t now, const struct waiting *ret[WAITING_PERSON_MAX]);

/* One that this device signed, taken out; false: there is none any more. */
bool keyd_gates_revoke(struct keyd_gates *gates, const uint8_t device[32], struct ipc_gate *ret);

/* The confirmation that a request was given, also when it is judged anew. */
struct gate_use {
	bool taken;
	uint8_t name[32];
	uint8_t device[32];
};

/*
 * Whether each factor of type 5 and 6 is a confirmation or a session of this person, document
 * and address which holds now, signed by a device that is not revoked. A confirmation is taken
 * out, and is that of this request from then on.
 */
bool keyd_gates_take(struct keyd_gates *gates, struct state *state,
    const struct dk_log_factor *factor, unsigned n, const char *person, const uint8_t document[32],
    const uint8_t address[16], uint64_t now, struct gate_use *use);

#endif
