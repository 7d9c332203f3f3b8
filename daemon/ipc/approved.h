/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Approvals that stand (spec/profiles/ms-dke.md section 7.3): a part of keyd's state, of which
 * authd has a copy, and the messages about them (spec/ipc.md section 3).
 */
#ifndef DK_IPC_APPROVED_H
#define DK_IPC_APPROVED_H

#include "ipc/payload.h"
#include "native/standing.h"

#define APPROVED_MAX 16384
#define APPROVED_DEVICE_MAX 2048
#define APPROVED_RULES_MAX 1000

struct approved {
	uint8_t name[32];     /* dk_standing_name() */
	uint64_t index;       /* of its record */
	uint8_t device[32];   /* that signed it */
	uint64_t time, until; /* seconds since 1970 */
	uint8_t needed;
	uint8_t person[32]; /* SHA-256 of the person; keyd alone knows it */
};

/* Sorted by name, those of a name by index. */
struct approved_list {
	struct approved *item;
	unsigned count;
};

/* Without memory the process ends. In place of one with the same name and index. */
void approved_put(struct approved_list *list, const struct approved *approved);
/* One that is not there is no error. */
void approved_drop(struct approved_list *list, const uint8_t name[32], uint64_t index);
/* Those of a name, until the next call of another function. */
const struct approved *approved_of(
    const struct approved_list *list, const uint8_t name[32], unsigned *ret_n);
void approved_clear(struct approved_list *list);

/* APPROVED: until 0: it stands no longer. */
#define IPC_APPROVED_BYTES (32 + 8 + 32 + 8 + 8 + 1)
bool ipc_approved_read(const struct ipc_message *message, struct approved *ret);
void ipc_approved_write(const struct approved *approved, uint8_t ret[IPC_APPROVED_BYTES]);

/* APPROVE: a request of spec/key-service.md section 6.2. */
bool ipc_approve_read(const struct ipc_message *message, struct ipc_release *ret);

/* A rule whose approvers have the user of the device. */
struct ipc_approver_rule {
	const char *title; /* title_len bytes, borrowed */
	size_t title_len;
	enum dk_scope scopes;
	unsigned needed;
	uint32_t hours;
};

/* APPROVE_PASSED */
struct ipc_approve_passed {
	unsigned code; /* what authd found */
	unsigned rule_count;
	struct dk_reader_buf rules; /* ipc_approver_rule_next(), so many times */
	struct ipc_release asked;
};
bool ipc_approve_passed_read(const struct ipc_message *message, struct ipc_approve_passed *ret);
/* False: another layout. */
bool ipc_approver_rule_next(struct dk_reader_buf *rules, struct ipc_approver_rule *ret);
void ipc_approver_rule_write(struct dk_writer_buf *wr, const struct ipc_approver_rule *rule);
#define IPC_APPROVER_RULE_MAX_BYTES (1 + DK_STANDING_NAME_MAX_BYTES + 1 + 1 + 4)
#define IPC_APPROVE_MAX_BYTES (IPC_RELEASE_HEAD_BYTES + 1 + DK_STANDING_BODY_MAX_BYTES)
#define IPC_APPROVE_PASSED_MAX_BYTES                                                               \
	(2 + 2 + APPROVED_RULES_MAX * IPC_APPROVER_RULE_MAX_BYTES + IPC_APPROVE_MAX_BYTES)

#endif
