/* SPDX-License-Identifier: Apache-2.0 */
/* Codes of the key service, spec/key-service.md section 8. */
#ifndef DK_NATIVE_CODE_H
#define DK_NATIVE_CODE_H

#include <stdbool.h>

#include "doublekey/error.h"

enum dk_code {
	DK_CODE_OK = 0,
	DK_CODE_HTTP = 1,
	DK_CODE_NOT_FOUND = 2,
	DK_CODE_METHOD = 3,
	DK_CODE_TOO_LARGE = 4,
	DK_CODE_MALFORMED_REQUEST = 5,
	DK_CODE_SIGNATURE_INPUT = 6,
	DK_CODE_CONTENT_DIGEST = 7,
	DK_CODE_UNKNOWN_DEVICE = 8,
	DK_CODE_SIGNATURE = 9,
	DK_CODE_DEVICE_REVOKED = 10,
	DK_CODE_CLOCK = 11,
	DK_CODE_REPLAY = 12,
	DK_CODE_RECIPIENT = 13,
	DK_CODE_FROZEN = 14,
	DK_CODE_OBJECT_MALFORMED = 15,
	DK_CODE_UNKNOWN_KEY = 16,
	DK_CODE_KEY_DESTROYED = 17,
	DK_CODE_KEY_DISABLED = 18,
	DK_CODE_KEY_FROZEN = 19,
	DK_CODE_POLICY = 20,
	DK_CODE_BUDGET = 21,
	DK_CODE_STANZA_AUTH = 22,
	DK_CODE_SHARE_COMMITMENT = 23,
	DK_CODE_SET_MAC = 24,
	DK_CODE_ENROL_CODE = 25,
	DK_CODE_DEVICE_EXISTS = 26,
	DK_CODE_BUSY = 27,
	DK_CODE_UNAVAILABLE = 28,
	DK_CODE_INTERNAL = 29,
	DK_CODE_NAME = 30,
	DK_CODE_EXISTS = 31,
	DK_CODE_ARGUMENT = 32,
	DK_CODE_HSM = 33,
	DK_CODE_HSM_PIN = 34,
	DK_CODE_CERTIFICATE_REQUIRED = 35,
	DK_CODE_CERTIFICATE = 36,
	DK_CODE_APPROVAL_REQUIRED = 37,
	DK_CODE_APPROVAL = 38,
	DK_CODE_TOKEN_REQUIRED = 39,
	DK_CODE_TOKEN = 40,
	DK_CODE_TOKEN_KEYS = 41,
	DK_CODE_AUDITOR = 42,
	DK_CODE_QUORUM = 43,
	/* spec/profiles/ms-dke.md section 10; no native request gets one of these */
	DK_CODE_GATE = 44,
	DK_CODE_TOKEN_QUARANTINE = 45,
	DK_CODE_TOKEN_CLIENT = 46,
	DK_CODE_FRONT_PERSON = 47,
	DK_CODE_CANARY = 48,
	DK_CODE_VALUE = 49,
	DK_CODE_CONTENT_TYPE = 50,
	DK_CODE_DIRECTORY = 51,
	DK_CODE_COUNT = 52,
};

/* Whether another process may answer with it. */
static inline bool
dk_code_known(unsigned code)
{
	return code < DK_CODE_COUNT;
}
/* Static, never NULL; "internal" for a number that is not in the table. */
const char *dk_code_name(unsigned code);
unsigned dk_code_http(unsigned code);
/* The code with this name, or DK_CODE_COUNT. */
unsigned dk_code_from_name(const char *name);
/* The library's error that stands for a code that a service answered. */
dk_err dk_code_err(unsigned code);

#endif
