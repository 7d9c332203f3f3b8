/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/message.h"

#include "ipc/approved.h"
#include "ipc/gate.h"

#include <stddef.h>

#define ANY_CHILD 0

struct rule {
	uint16_t type;
	uint8_t from;
	uint8_t to;
	uint32_t longest;
};

/* clang-format off */
static const struct rule rules[] = {
	{ IPC_READY,          ANY_CHILD,  IPC_PARENT, 4 },
	{ IPC_GO,             IPC_PARENT, IPC_HTTPD,  8 },
	{ IPC_STOP,           IPC_PARENT, ANY_CHILD,  0 },
	{ IPC_VIOLATION,      ANY_CHILD,  IPC_PARENT, 3 },
	{ IPC_PIN_REFUSED,    IPC_TOKEND, IPC_PARENT, 0 },
	{ IPC_TOKEN_MAKE,     IPC_KEYD,   IPC_TOKEND, 18 + IPC_TOKEN_URI_MAX_BYTES },
	{ IPC_TOKEN_USE,      IPC_KEYD,   IPC_TOKEND, 18 + 1024 },
	{ IPC_TOKEN_DESTROY,  IPC_KEYD,   IPC_TOKEND, 18 },
	{ IPC_TOKEN_DONE,     IPC_TOKEND, IPC_KEYD,   2 + 1200 },
	{ IPC_ADMIN,          IPC_PARENT, IPC_KEYD,   IPC_ADMIN_MAX_BYTES },
	{ IPC_ADMIN_DONE,     IPC_KEYD,   IPC_PARENT, 1048576 },
	{ IPC_RECORDS,        IPC_PARENT, IPC_LOGD,   12 },
	{ IPC_RECORDS_DONE,   IPC_LOGD,   IPC_PARENT, 4194304 },
	{ IPC_POLICY_TEXT,    IPC_PARENT, IPC_AUTHD,  IPC_POLICY_MAX_BYTES },
	{ IPC_POLICY_DONE,    IPC_AUTHD,  IPC_PARENT, 512 },
	{ IPC_TLS,            IPC_PARENT, IPC_HTTPD,  IPC_TLS_MAX_BYTES },
	{ IPC_TLS_DONE,       IPC_HTTPD,  IPC_PARENT, 18 + 256 },
	{ IPC_FETCH,          IPC_PARENT, IPC_FETCHD, IPC_FETCH_MAX_BYTES },
	{ IPC_FETCHED,        IPC_FETCHD, IPC_PARENT, IPC_FETCHED_MAX_BYTES },
	{ IPC_KEY_SET,        IPC_PARENT, IPC_AUTHD,  IPC_KEY_SET_MAX_BYTES },
	{ IPC_KEY_SET_DONE,   IPC_AUTHD,  IPC_PARENT, 258 },
	{ IPC_FETCH_STATE,    IPC_PARENT, IPC_HTTPD,  2061 },
	{ IPC_POLICY_ELSEWHERE, IPC_LOGD, IPC_PARENT, 32 },
	{ IPC_POST,           IPC_PARENT, IPC_FETCHD, 1048576 },
	{ IPC_WITNESS_ANSWER, IPC_PARENT, IPC_LOGD,   IPC_WITNESS_ANSWER_MAX_BYTES },
	{ IPC_METADATA,       IPC_PARENT, IPC_AUTHD,  65569 },
	{ IPC_METADATA_DONE,  IPC_AUTHD,  IPC_PARENT, 258 },
	{ IPC_KEYS_KNOWN,     IPC_AUTHD,  IPC_PARENT, 10273 },
	{ IPC_KEY_ACCEPT,     IPC_PARENT, IPC_AUTHD,  69 },
	{ IPC_KEY_ACCEPTED,   IPC_AUTHD,  IPC_PARENT, 258 },
	{ IPC_DIRECTORY,      IPC_PARENT, IPC_FETCHD, IPC_FETCH_MAX_BYTES },
	{ IPC_RELEASE,        IPC_HTTPD,  IPC_AUTHD,  4212224 },
	{ IPC_ENROL,          IPC_HTTPD,  IPC_AUTHD,  4112 },
	{ IPC_KEY,            IPC_HTTPD,  IPC_AUTHD,  64 },
	{ IPC_DKE_DECRYPT,    IPC_HTTPD,  IPC_AUTHD,  28672 },
	{ IPC_PAGE,           IPC_HTTPD,  IPC_AUTHD,  16 + DK_PAGE_BODY_MAX_BYTES },
	{ IPC_APPROVE,        IPC_HTTPD,  IPC_AUTHD,  IPC_APPROVE_MAX_BYTES },
	{ IPC_PRESENCE,       IPC_HTTPD,  IPC_AUTHD,  IPC_PRESENCE_MAX_BYTES },
	{ IPC_RELEASE_JUDGED, IPC_AUTHD,  IPC_KEYD,   4199424 },
	{ IPC_ENROL_PASSED,   IPC_AUTHD,  IPC_KEYD,   4112 },
	{ IPC_KEY_PASSED,     IPC_AUTHD,  IPC_KEYD,   64 },
	{ IPC_POLICY,         IPC_AUTHD,  IPC_KEYD,   68 },
	{ IPC_KEY_SET_NEW,    IPC_AUTHD,  IPC_KEYD,   1123 },
	{ IPC_AUDITORS,       IPC_AUTHD,  IPC_KEYD,   32 + IPC_AUDITORS_MAX * 32 },
	{ IPC_KEY_ACCEPT_NEW, IPC_AUTHD,  IPC_KEYD,   69 },
	{ IPC_DKE_JUDGED,     IPC_AUTHD,  IPC_KEYD,   4096 },
	{ IPC_PAGE_PASSED,    IPC_AUTHD,  IPC_KEYD,   2 + 16 + DK_PAGE_BODY_MAX_BYTES },
	{ IPC_APPROVE_PASSED, IPC_AUTHD,  IPC_KEYD,   IPC_APPROVE_PASSED_MAX_BYTES },
	{ IPC_PRESENCE_PASSED, IPC_AUTHD, IPC_KEYD,   IPC_PRESENCE_MAX_BYTES },
	{ IPC_DEVICE,         IPC_KEYD,   IPC_AUTHD,  98 },
	{ IPC_SERVICE_KEY,    IPC_KEYD,   IPC_AUTHD,  97 },
	{ IPC_POLICY_LOGGED,  IPC_KEYD,   IPC_AUTHD,  2 },
	{ IPC_GATE,           IPC_KEYD,   IPC_AUTHD,  IPC_GATE_BYTES },
	{ IPC_AUTHENTICATOR,  IPC_KEYD,   IPC_AUTHD,  IPC_AUTHENTICATOR_MAX_BYTES },
	{ IPC_APPROVED,       IPC_KEYD,   IPC_AUTHD,  IPC_APPROVED_BYTES },
	{ IPC_RESULT,         IPC_KEYD,   IPC_HTTPD,  IPC_RESULT_MAX_BYTES },
	{ IPC_DKE_KEYS,       IPC_KEYD,   IPC_HTTPD,  196608 },
	{ IPC_APPEND,         IPC_KEYD,   IPC_LOGD,   262144 },
	{ IPC_APPENDED,       IPC_LOGD,   IPC_KEYD,   8192 },
	{ IPC_ANCHOR,         IPC_KEYD,   IPC_LOGD,   8 },
	{ IPC_ANCHORED,       IPC_LOGD,   IPC_KEYD,   8192 },
	{ IPC_ERASE,          IPC_KEYD,   IPC_LOGD,   IPC_ERASE_MAX_BYTES },
	{ IPC_ERASED,         IPC_LOGD,   IPC_KEYD,   18 },
	{ IPC_STATE_TAKE,     IPC_KEYD,   IPC_LOGD,   8 },
	{ IPC_STATE_TAKEN,    IPC_LOGD,   IPC_KEYD,   10 + IPC_STATE_MAX_BYTES },
	{ IPC_STATE_PUT,      IPC_KEYD,   IPC_LOGD,   8 + IPC_STATE_MAX_BYTES },
	{ IPC_STATE_PUT_DONE, IPC_LOGD,   IPC_KEYD,   2 },
	{ IPC_STATE_NEW,      IPC_LOGD,   IPC_KEYD,   8 },
	{ IPC_ENTRIES,        IPC_KEYD,   IPC_LOGD,   12 },
	{ IPC_ENTRIES_DONE,   IPC_LOGD,   IPC_KEYD,   4194304 },
	{ IPC_WITNESS_ASK,    IPC_LOGD,   IPC_PARENT, 16385 },
	{ IPC_WITNESS_STATE,  IPC_LOGD,   IPC_PARENT, 2961 },
	{ IPC_WITNESS_GAUGES, IPC_LOGD,   IPC_HTTPD,  2961 },
	{ IPC_READ,           IPC_HTTPD,  IPC_LOGD,   64 },
	{ IPC_DATA,           IPC_LOGD,   IPC_HTTPD,  IPC_DATA_MAX_BYTES },
	{ IPC_LOG_STATE,      IPC_LOGD,   IPC_HTTPD,  17 },
};
/* clang-format on */

static int
matches(unsigned rule, enum ipc_process process)
{
	return rule == ANY_CHILD ? process != IPC_PARENT : rule == process;
}

int64_t
ipc_longest(unsigned type, enum ipc_process from, enum ipc_process to)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].type == type && matches(rules[i].from, from) &&
		    matches(rules[i].to, to))
			return rules[i].longest;
	return -1;
}

const char *
ipc_process_name(enum ipc_process process)
{
	static const char *const names[IPC_PROCESSES] = { "?", "parent", "httpd", "authd", "keyd",
		"logd", "tokend", "fetchd" };

	return process < IPC_PROCESSES ? names[process] : names[0];
}
