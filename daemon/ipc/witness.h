/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is about witnesses of the log, spec/ipc.md sections 3 and 6.1: the policy that
 * logd and keyd are given, and payloads of POST, WITNESS_ASK and WITNESS_STATE.
 * Readers borrow from the payload; false: it has not this layout.
 */
#ifndef DK_IPC_WITNESS_H
#define DK_IPC_WITNESS_H

#include <stdbool.h>

#include "ipc/fetch.h"
#include "log/quorum.h"
#include "log/record.h"
#include "native/enrol.h"

#define IPC_WITNESS_WAIT_MAX_S 25

/* The descriptor: u8 seconds to wait, u8 mode, text of the policy; or nothing. */
struct ipc_witnesses {
	uint8_t wait_s;
	uint8_t mode; /* enum dk_log_mode */
	size_t len;   /* 0: there are none */
	char text[DK_WITNESS_POLICY_MAX_BYTES];
};
#define IPC_WITNESSES_MAX_BYTES (2 + DK_WITNESS_POLICY_MAX_BYTES)
/* Takes all of the descriptor and closes it; ret_quorum is what the text says. */
bool ipc_witnesses_take(int fd, struct ipc_witnesses *ret, struct dk_quorum *ret_quorum);
/* ret has room for IPC_WITNESSES_MAX_BYTES; returns the length. */
size_t ipc_witnesses_write(const struct ipc_witnesses *witnesses, uint8_t *ret);

struct ipc_witness_ask {
	unsigned number;
	struct dk_part body;
};
bool ipc_witness_ask_read(const void *data, size_t len, struct ipc_witness_ask *ret);

struct ipc_witness_state {
	uint64_t size, time; /* of the newest checkpoint that the quorum cosigned; 0: none */
	unsigned count;
	struct ipc_witness_of {
		char name[DK_QUORUM_NAME_MAX_BYTES + 1];
		uint64_t size, time; /* of its last cosignature */
		uint64_t failures;
		uint8_t result; /* of the last answer: at most IPC_FETCH_TRANSFER, or IPC_FETCH_REFUSED */
		uint16_t status;
	} of[DK_QUORUM_WITNESSES_MAX];
};
#define IPC_WITNESS_STATE_MAX_BYTES \
	(17 + DK_QUORUM_WITNESSES_MAX * (1 + DK_QUORUM_NAME_MAX_BYTES + 27))
bool ipc_witness_state_read(const void *data, size_t len, struct ipc_witness_state *ret);
/* ret has room for IPC_WITNESS_STATE_MAX_BYTES; returns the length. */
size_t ipc_witness_state_write(const struct ipc_witness_state *state, uint8_t *ret);

#endif
