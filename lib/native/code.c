/* SPDX-License-Identifier: Apache-2.0 */
#include "native/code.h"

#include <string.h>

struct entry {
	const char *name;
	unsigned http;
};

static const struct entry table[DK_CODE_COUNT] = {
	[DK_CODE_OK] = { "ok", 200 },
	[DK_CODE_HTTP] = { "http", 400 },
	[DK_CODE_NOT_FOUND] = { "not-found", 404 },
	[DK_CODE_METHOD] = { "method", 405 },
	[DK_CODE_TOO_LARGE] = { "too-large", 413 },
	[DK_CODE_MALFORMED_REQUEST] = { "malformed-request", 400 },
	[DK_CODE_SIGNATURE_INPUT] = { "signature-input", 400 },
	[DK_CODE_CONTENT_DIGEST] = { "content-digest", 400 },
	[DK_CODE_UNKNOWN_DEVICE] = { "unknown-device", 403 },
	[DK_CODE_SIGNATURE] = { "signature", 403 },
	[DK_CODE_DEVICE_REVOKED] = { "device-revoked", 403 },
	[DK_CODE_CLOCK] = { "clock", 403 },
	[DK_CODE_REPLAY] = { "replay", 403 },
	[DK_CODE_RECIPIENT] = { "recipient", 400 },
	[DK_CODE_FROZEN] = { "frozen", 403 },
	[DK_CODE_OBJECT_MALFORMED] = { "object-malformed", 400 },
	[DK_CODE_UNKNOWN_KEY] = { "unknown-key", 404 },
	[DK_CODE_KEY_DESTROYED] = { "key-destroyed", 403 },
	[DK_CODE_KEY_DISABLED] = { "key-disabled", 403 },
	[DK_CODE_KEY_FROZEN] = { "key-frozen", 403 },
	[DK_CODE_POLICY] = { "policy", 403 },
	[DK_CODE_BUDGET] = { "budget", 429 },
	[DK_CODE_STANZA_AUTH] = { "stanza-auth", 403 },
	[DK_CODE_SHARE_COMMITMENT] = { "share-commitment", 403 },
	[DK_CODE_SET_MAC] = { "set-mac", 403 },
	[DK_CODE_ENROL_CODE] = { "enrol-code", 403 },
	[DK_CODE_DEVICE_EXISTS] = { "device-exists", 409 },
	[DK_CODE_BUSY] = { "busy", 503 },
	[DK_CODE_UNAVAILABLE] = { "unavailable", 503 },
	[DK_CODE_INTERNAL] = { "internal", 500 },
	[DK_CODE_NAME] = { "name", 400 },
	[DK_CODE_EXISTS] = { "exists", 409 },
	[DK_CODE_ARGUMENT] = { "argument", 400 },
	[DK_CODE_HSM] = { "hsm", 503 },
	[DK_CODE_HSM_PIN] = { "hsm-pin", 503 },
	[DK_CODE_CERTIFICATE_REQUIRED] = { "certificate-required", 403 },
	[DK_CODE_CERTIFICATE] = { "certificate", 403 },
	[DK_CODE_APPROVAL_REQUIRED] = { "approval-required", 403 },
	[DK_CODE_APPROVAL] = { "approval", 403 },
	[DK_CODE_TOKEN_REQUIRED] = { "token-required", 403 },
	[DK_CODE_TOKEN] = { "token", 403 },
	[DK_CODE_TOKEN_KEYS] = { "token-keys", 503 },
	[DK_CODE_AUDITOR] = { "auditor", 403 },
	[DK_CODE_QUORUM] = { "quorum", 503 },
	[DK_CODE_GATE] = { "gate", 403 },
	[DK_CODE_TOKEN_QUARANTINE] = { "token-quarantine", 401 },
	[DK_CODE_TOKEN_CLIENT] = { "token-client", 401 },
	[DK_CODE_FRONT_PERSON] = { "front-person", 403 },
	[DK_CODE_CANARY] = { "canary", 403 },
	[DK_CODE_VALUE] = { "value", 400 },
	[DK_CODE_CONTENT_TYPE] = { "content-type", 415 },
	[DK_CODE_DIRECTORY] = { "directory", 503 },
};

const char *
dk_code_name(unsigned code)
{
	return table[code < DK_CODE_COUNT ? code : DK_CODE_INTERNAL].name;
}

unsigned
dk_code_http(unsigned code)
{
	return table[code < DK_CODE_COUNT ? code : DK_CODE_INTERNAL].http;
}

unsigned
dk_code_from_name(const char *name)
{
	for (unsigned i = 0; i < DK_CODE_COUNT; i++)
		if (strcmp(table[i].name, name) == 0)
			return i;
	return DK_CODE_COUNT;
}

dk_err
dk_code_err(unsigned code)
{
	if (code == DK_CODE_OK)
		return DK_OK;
	if (code >= DK_CODE_GATE)
		return DK_ERR_SERVICE_REPLY;
	return (dk_err)(DK_ERR_SERVICE + code);
}
