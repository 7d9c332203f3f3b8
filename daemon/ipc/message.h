/* SPDX-License-Identifier: Apache-2.0 */
/* The message table of spec/ipc.md sections 1 and 3, and nothing else. */
#ifndef DK_IPC_MESSAGE_H
#define DK_IPC_MESSAGE_H

#include <stdint.h>

enum ipc_process {
	IPC_PARENT = 1,
	IPC_HTTPD = 2,
	IPC_AUTHD = 3,
	IPC_KEYD = 4,
	IPC_LOGD = 5,
	IPC_TOKEND = 6,
	IPC_FETCHD = 7,
	IPC_PROCESSES = 8,
};

enum ipc_type {
	IPC_READY = 0x0001,
	IPC_GO = 0x0002,
	IPC_STOP = 0x0003,
	IPC_VIOLATION = 0x0004,
	IPC_PIN_REFUSED = 0x0005,
	IPC_ADMIN = 0x0010,
	IPC_ADMIN_DONE = 0x0011,
	IPC_RECORDS = 0x0012,
	IPC_RECORDS_DONE = 0x0013,
	IPC_POLICY_TEXT = 0x0014,
	IPC_POLICY_DONE = 0x0015,
	IPC_TLS = 0x0016,
	IPC_TLS_DONE = 0x0017,
	IPC_FETCH = 0x0018,
	IPC_FETCHED = 0x0019,
	IPC_KEY_SET = 0x001a,
	IPC_KEY_SET_DONE = 0x001b,
	IPC_FETCH_STATE = 0x001c,
	IPC_POLICY_ELSEWHERE = 0x001f,
	IPC_POST = 0x001d,
	IPC_WITNESS_ANSWER = 0x001e,
	IPC_METADATA = 0x0020,
	IPC_METADATA_DONE = 0x0021,
	IPC_KEYS_KNOWN = 0x0022,
	IPC_KEY_ACCEPT = 0x0023,
	IPC_KEY_ACCEPTED = 0x0024,
	IPC_DIRECTORY = 0x0025,
	IPC_RELEASE = 0x0101,
	IPC_ENROL = 0x0102,
	IPC_KEY = 0x0103,
	IPC_DKE_DECRYPT = 0x0104,
	IPC_PAGE = 0x0105,
	IPC_PRESENCE = 0x0106,
	IPC_APPROVE = 0x0107,
	IPC_RELEASE_JUDGED = 0x0201,
	IPC_ENROL_PASSED = 0x0202,
	IPC_KEY_PASSED = 0x0203,
	IPC_POLICY = 0x0204,
	IPC_KEY_SET_NEW = 0x0205,
	IPC_AUDITORS = 0x0206,
	IPC_KEY_ACCEPT_NEW = 0x0207,
	IPC_DKE_JUDGED = 0x0208,
	IPC_PAGE_PASSED = 0x0209,
	IPC_PRESENCE_PASSED = 0x020a,
	IPC_APPROVE_PASSED = 0x020b,
	IPC_DEVICE = 0x0210,
	IPC_SERVICE_KEY = 0x0211,
	IPC_POLICY_LOGGED = 0x0212,
	IPC_GATE = 0x0213,
	IPC_AUTHENTICATOR = 0x0214,
	IPC_APPROVED = 0x0217,
	IPC_RESULT = 0x0301,
	IPC_DKE_KEYS = 0x0302,
	IPC_APPEND = 0x0401,
	IPC_APPENDED = 0x0402,
	IPC_ANCHOR = 0x0403,
	IPC_ANCHORED = 0x0404,
	IPC_WITNESS_ASK = 0x0410,
	IPC_WITNESS_STATE = 0x0411,
	IPC_ERASE = 0x0405,
	IPC_ERASED = 0x0406,
	IPC_STATE_TAKE = 0x0407,
	IPC_STATE_TAKEN = 0x0408,
	IPC_STATE_PUT = 0x0409,
	IPC_STATE_PUT_DONE = 0x040a,
	IPC_STATE_NEW = 0x040b,
	IPC_ENTRIES = 0x040c,
	IPC_ENTRIES_DONE = 0x040d,
	IPC_TOKEN_MAKE = 0x0601,
	IPC_TOKEN_USE = 0x0602,
	IPC_TOKEN_DESTROY = 0x0603,
	IPC_TOKEN_DONE = 0x0604,
	IPC_READ = 0x0501,
	IPC_DATA = 0x0502,
	IPC_LOG_STATE = 0x0503,
	IPC_WITNESS_GAUGES = 0x0504,
};

enum ipc_admin_op {
	IPC_OP_STATUS = 1,
	IPC_OP_KEY_CREATE = 2,
	IPC_OP_KEY_LIST = 3,
	IPC_OP_KEY_DISABLE = 4,
	IPC_OP_KEY_ENABLE = 5,
	IPC_OP_KEY_ROTATE = 6,
	IPC_OP_KEY_DESTROY = 7,
	IPC_OP_ENROL_CODE = 8,
	IPC_OP_DEVICE_LIST = 9,
	IPC_OP_DEVICE_REVOKE = 10,
	IPC_OP_FREEZE = 11,
	IPC_OP_UNFREEZE = 12,
	IPC_OP_LOG = 13,
	IPC_OP_POLICY_RELOAD = 14,
	IPC_OP_TLS_RELOAD = 15,
	IPC_OP_LOG_ERASE = 16,
	IPC_OP_LOG_EXPORT = 17,
	IPC_OP_TENANT_ACCEPT = 18,
	IPC_OP_KEY_IMPORT = 19,
	IPC_OP_EVIDENCE_SIGN = 24,
	IPC_OP_DEVICE_ACCEPT = 25,
};

/* Protections in force, payload of READY. */
enum ipc_protection {
	IPC_NO_NEW_PRIVS = 1,
	IPC_SECCOMP = 2,
	IPC_LANDLOCK = 4,
	IPC_NOT_DUMPABLE = 8,
	IPC_NO_CORE = 16,
	IPC_LOCKED = 32,
};

/* Codes of APPENDED and STATE_PUT_DONE, the first of RESULT too, that no client sees
 * (spec/ipc.md section 4). */
#define IPC_CODE_STALE 0xff01u
#define IPC_CODE_POLICY_DIFFERS 0xff02u

/* Which policy must be in force for an entry. */
enum ipc_policy_rule {
	IPC_POLICY_ANY = 0,
	IPC_POLICY_SAME = 1,   /* this one, or none yet */
	IPC_POLICY_CHANGE = 2, /* this one from now on */
};

/* In place of the user who asked for another policy: the other nodes have it. */
#define IPC_UID_CLUSTER UINT32_MAX

#define IPC_STATE_MAX_BYTES ((64u << 20) + 4096)

/* What a request takes from a budget: id[32], u32 objects, u32 limits of minute and day. */
#define IPC_CHARGE_BYTES 44
#define IPC_CHARGES_MAX 16
#define IPC_PRESENCE_BODY_MAX_BYTES 64
#define IPC_PRESENCE_MAX_BYTES (16 + 8 + 16 + 32 + 64 + IPC_PRESENCE_BODY_MAX_BYTES)
/* Auditors of a policy, each by the id of its key. */
#define IPC_AUDITORS_MAX 16
/* Enrolments in ERASE: u64 index, u8 whether the device is active. */
#define IPC_ENROLMENT_BYTES 9
#define IPC_ENROLMENTS_MAX 20000
#define IPC_ERASE_MAX_BYTES (8 + 1 + 254 + 8 + 4 + IPC_ENROLMENTS_MAX * IPC_ENROLMENT_BYTES)
#define IPC_ADMIN_MAX_BYTES 8192
#define IPC_ADMIN_ARGS_MAX 16
#define IPC_TOKEN_URI_MAX_BYTES 1024
#define IPC_POLICY_MAX_BYTES 2700000
#define IPC_TLS_FILE_MAX_BYTES 65536
#define IPC_TLS_MAX_BYTES (6 * (4 + IPC_TLS_FILE_MAX_BYTES))
#define IPC_FETCH_MAX_BYTES 1048576
/* A key set, or members of the groups of a directory, which are more. */
#define IPC_FETCHED_MAX_BYTES (3 + 524481)
#define IPC_KEY_SET_MAX_BYTES (1 + 32 + 8 + 32 + 524481)
#define IPC_WITNESS_ANSWER_MAX_BYTES (3 + 65536)
#define IPC_RESULT_MAX_BYTES 1048576
#define IPC_DATA_MAX_BYTES 65536

/* Longest message of this type from one process to the other, or -1. */
int64_t ipc_longest(unsigned type, enum ipc_process from, enum ipc_process to);
/* Static, never NULL. */
const char *ipc_process_name(enum ipc_process process);

#endif
