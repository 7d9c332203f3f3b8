/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads of spec/ipc.md section 3, as their receivers read them: layout alone, no
 * state, so that a fuzzer drives every receiver's parser. All slices are borrowed from
 * the message. Each function returns false if the payload has not the layout of its
 * type, which is a violation; what it fills is undefined then.
 */
#ifndef DK_IPC_PAYLOAD_H
#define DK_IPC_PAYLOAD_H

#include "ipc/channel.h"
#include "ipc/claim.h"
#include "log/record.h"

/* The fixed part of RELEASE: address, created, nonce, key id, signature. */
#define IPC_RELEASE_HEAD_BYTES (16 + 8 + 16 + 32 + 64)
#define IPC_LEAF_BYTES 48
#define IPC_NAME_MAX_BYTES 64
#define IPC_TOKEN_ID_BYTES 16

/* A number of 1 to 8 bytes and nothing else: READY, ANCHOR, POLICY_LOGGED. */
bool ipc_number_read(const struct ipc_message *message, size_t bytes, uint64_t *ret);

/* A code and what is behind it: DATA, TOKEN_DONE, ADMIN_DONE, RECORDS_DONE,
 * POLICY_DONE. */
struct ipc_coded {
	unsigned code;
	struct dk_part rest;
};
bool ipc_coded_read(const struct ipc_message *message, struct ipc_coded *ret);
/* RESULT: the same, or IPC_CODE_STALE alone. */
bool ipc_result_read(const struct ipc_message *message, struct ipc_coded *ret);

struct ipc_go {
	uint32_t restarts;
	uint32_t violations;
};
bool ipc_go_read(const struct ipc_message *message, struct ipc_go *ret);

struct ipc_violation {
	unsigned process;
	unsigned type;
};
bool ipc_violation_read(const struct ipc_message *message, struct ipc_violation *ret);

/* RELEASE */
struct ipc_release {
	const uint8_t *head; /* IPC_RELEASE_HEAD_BYTES: all of the five below */
	const uint8_t *address;
	uint64_t created;
	const uint8_t *nonce;
	const uint8_t *key_id;
	const uint8_t *signature;
	struct ipc_claims claims;
	struct dk_part body;
};
bool ipc_release_read(const struct ipc_message *message, struct ipc_release *ret);

/* RELEASE_JUDGED */
struct ipc_judged {
	uint64_t told; /* messages of keyd that authd had taken when it judged */
	const uint8_t *policy;
	unsigned verdict_count;
	const uint8_t *verdicts; /* two bytes each */
	unsigned charge_count;   /* at most IPC_CHARGES_MAX */
	const uint8_t *charges;
	struct dk_part token;       /* as in the record; length 0: none */
	struct dk_part certificate; /* likewise */
	struct ipc_release asked;
};
bool ipc_judged_read(const struct ipc_message *message, struct ipc_judged *ret);

/* ENROL, ENROL_PASSED */
struct ipc_enrol {
	const uint8_t *address;
	struct dk_part body;
};
bool ipc_enrol_read(const struct ipc_message *message, struct ipc_enrol *ret);

/* KEY_PASSED, READ: a name. False: with a zero byte, so it names nothing; no violation. */
bool ipc_text_read(const struct ipc_message *message, char ret[IPC_NAME_MAX_BYTES + 1]);

/* DEVICE, SERVICE_KEY */
struct ipc_known {
	const uint8_t *id;
	uint8_t state;
	char name[IPC_NAME_MAX_BYTES + 1];
};
bool ipc_known_read(const struct ipc_message *message, struct ipc_known *ret);

/* POLICY */
struct ipc_policy {
	const uint8_t *digest;
	const uint8_t *keys_digest;
	bool replaces;
	uint32_t uid; /* of who asked, if it replaces another one */
};
bool ipc_policy_read(const struct ipc_message *message, struct ipc_policy *ret);

/* AUDITORS */
struct ipc_auditors {
	const uint8_t *policy;
	unsigned count; /* at most IPC_AUDITORS_MAX */
	const uint8_t *ids;
};
bool ipc_auditors_read(const struct ipc_message *message, struct ipc_auditors *ret);

/* POLICY_TEXT */
struct ipc_policy_text {
	struct dk_part who; /* four bytes */
	struct dk_part text;
	struct dk_part sets;
};
bool ipc_policy_text_read(const struct ipc_message *message, struct ipc_policy_text *ret);

/* APPEND */
struct ipc_append {
	const uint8_t *leaf;
	uint64_t generation;  /* under which it was judged; 0: any */
	unsigned policy_rule; /* enum ipc_policy_rule */
	const uint8_t *policy;
	uint64_t created;
	const uint8_t *device;
	const uint8_t *nonce;
	uint64_t until; /* of a token: remembered until then; 0: a request */
	bool quorum; /* acknowledged when the quorum of witnesses has cosigned it */
	unsigned charge_count; /* at most IPC_CHARGES_MAX */
	const uint8_t *charges;
	struct dk_part record;
};
bool ipc_append_read(const struct ipc_message *message, struct ipc_append *ret);

/* APPENDED; only the code if it is not 0. */
struct ipc_appended {
	unsigned code;
	uint64_t index;
	unsigned hash_count;
	const uint8_t *hashes;
	struct dk_part checkpoint;
};
bool ipc_appended_read(const struct ipc_message *message, struct ipc_appended *ret);

/* STATE_TAKEN: the sealed state, or nothing, and the generation of the one that is kept. */
struct ipc_state_taken {
	unsigned code;
	uint64_t kept; /* 0: none */
	struct dk_part sealed;
};
bool ipc_state_taken_read(const struct ipc_message *message, struct ipc_state_taken *ret);

/* STATE_PUT */
struct ipc_state_put {
	uint64_t generation;
	struct dk_part sealed;
};
bool ipc_state_put_read(const struct ipc_message *message, struct ipc_state_put *ret);

/* STATE_PUT_DONE: a code, or IPC_CODE_STALE. */
bool ipc_state_put_done_read(const struct ipc_message *message, unsigned *ret_code);

/* ANCHORED */
struct ipc_entry {
	uint64_t index;
	const uint8_t *leaf;
	struct dk_part record;
};
struct ipc_anchored {
	unsigned code;
	uint64_t size;
	const uint8_t *leaf;
	unsigned count;
	struct ipc_entry entry[2];
};
bool ipc_anchored_read(const struct ipc_message *message, struct ipc_anchored *ret);

/* ERASE */
struct ipc_erase {
	uint64_t before;
	char user[DK_LOG_PERSON_MAX_BYTES + 1];
	uint64_t size;
	uint32_t count; /* at most IPC_ENROLMENTS_MAX */
	const uint8_t *enrolments;
};
bool ipc_erase_read(const struct ipc_message *message, struct ipc_erase *ret);

/* ERASED */
struct ipc_erased {
	unsigned code;
	uint64_t count;
	uint64_t broken;
};
bool ipc_erased_read(const struct ipc_message *message, struct ipc_erased *ret);

/* RECORDS */
struct ipc_records {
	uint64_t first;
	uint32_t max;
};
bool ipc_records_read(const struct ipc_message *message, struct ipc_records *ret);

/* ADMIN; also what an administrator sends, which has no user id. */
struct ipc_admin {
	unsigned op;
	uint32_t uid;
	unsigned argc; /* at most IPC_ADMIN_ARGS_MAX */
	struct dk_part arg[IPC_ADMIN_ARGS_MAX];
};
bool ipc_admin_read(const struct ipc_message *message, struct ipc_admin *ret);
bool ipc_admin_packet_read(const uint8_t *packet, size_t len, struct ipc_admin *ret);

/* TOKEN_MAKE, TOKEN_USE, TOKEN_DESTROY */
struct ipc_token {
	unsigned type;
	const uint8_t *id;
	struct dk_part rest;
};
bool ipc_token_read(const struct ipc_message *message, struct ipc_token *ret);

/* TLS: certificate chain, key, CA certificates of clients; the same of the Microsoft DKE
 * front end. */
#define IPC_TLS_FILES 6
bool ipc_tls_read(const struct ipc_message *message, struct dk_part ret_file[IPC_TLS_FILES]);

/* TLS_DONE */
struct ipc_tls_done {
	unsigned code;
	uint64_t expiry[IPC_TLS_FILES / 3]; /* 0: there is no such certificate */
	struct dk_part text;
};
bool ipc_tls_done_read(const struct ipc_message *message, struct ipc_tls_done *ret);

/* LOG_STATE */
struct ipc_log_state {
	bool takes_entries;
	uint64_t size;
	uint64_t checkpoint_s;
};
bool ipc_log_state_read(const struct ipc_message *message, struct ipc_log_state *ret);

#endif
