/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences for the codes that acts of administration end with. */
#include <string.h>

#include "native/code.h"
#include "parent/tell.h"

#define ANY 0 /* no act has this number */

static const struct {
	unsigned op;
	unsigned code;
	const char *text;
} sentences[] = {
	{ IPC_OP_ENROL_CODE, DK_CODE_NAME, "not the name of a user: 1 to 64 of a-z 0-9 . _ @ -" },
	{ ANY, DK_CODE_NAME,
	    "not the name of a key: 1 to 64 of a-z 0-9 . _ -, the first a letter "
	    "or digit" },
	{ IPC_OP_DEVICE_ACCEPT, DK_CODE_EXISTS, "it does not wait; 'device list' shows all" },
	{ IPC_OP_KEY_IMPORT, DK_CODE_EXISTS,
	    "this key, this id or this DKE name is there already; 'key list' shows all" },
	{ ANY, DK_CODE_EXISTS,
	    "there is a key of this name; 'key rotate' makes another version of it" },
	{ IPC_OP_KEY_ROTATE, DK_CODE_UNKNOWN_KEY, "no such key; 'key list' shows all" },
	{ ANY, DK_CODE_UNKNOWN_KEY, "no such key, or version of it; 'key list' shows all" },
	{ ANY, DK_CODE_KEY_DESTROYED, "this version was destroyed" },
	{ ANY, DK_CODE_UNKNOWN_DEVICE, "no such device; 'device list' shows all" },
	{ IPC_OP_KEY_CREATE, DK_CODE_TOO_LARGE, "the service has as many keys as it can have" },
	{ IPC_OP_KEY_ROTATE, DK_CODE_TOO_LARGE, "the key has as many versions as it can have" },
	{ IPC_OP_ENROL_CODE, DK_CODE_TOO_LARGE,
	    "too many codes are open; each ends after 15 minutes" },
	{ IPC_OP_POLICY_RELOAD, DK_CODE_TOO_LARGE, "the policy is too large" },
	{ ANY, DK_CODE_TOO_LARGE, "there is no room for more" },
	{ IPC_OP_KEY_CREATE, DK_CODE_ARGUMENT,
	    "--type is p256, p384, rsa3072 or dke-rsa2048 (dke-rsa3072 and dke-rsa4096 with "
	    "--untested-size), --hsm a URI of the token of doublekeyd.conf; a recovery key needs "
	    "another custodian than the service, and a DKE key has none; --dke-name is 1 to 64 of "
	    "A-Z a-z 0-9 . _ -, the first a letter or digit" },
	{ IPC_OP_KEY_ROTATE, DK_CODE_ARGUMENT,
	    "all versions of a key are for DKE, or none; --type and the others are those of "
	    "'key create'" },
	{ IPC_OP_KEY_IMPORT, DK_CODE_ARGUMENT,
	    "--dke-name and --dke-id are 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or "
	    "digit, "
	    "a key has one DKE name, and --type, if it is given, is that of the key in the file" },
	{ IPC_OP_DEVICE_ACCEPT, DK_CODE_ARGUMENT,
	    "takes the key id that the person was shown, 64 hex digits" },
	{ IPC_OP_DEVICE_REVOKE, DK_CODE_ARGUMENT,
	    "takes a key id, 64 hex digits; 'device list' shows all" },
	{ IPC_OP_UNFREEZE, DK_CODE_ARGUMENT,
	    "--reason takes a text of 1 to 255 bytes without control characters" },
	{ IPC_OP_LOG_ERASE, DK_CODE_ARGUMENT,
	    "not the name of a user, or --before is in the future" },
	{ IPC_OP_POLICY_RELOAD, DK_CODE_ARGUMENT,
	    "policy.conf or a key set of its issuers cannot be read, the text cannot be kept in "
	    "policies/, or a reload is under way" },
	{ IPC_OP_TLS_RELOAD, DK_CODE_ARGUMENT,
	    "tls/chain.pem, tls/server.key, or a file of client-ca, dke-certificate, dke-key or "
	    "dke-client-ca cannot be read" },
	{ ANY, DK_CODE_ARGUMENT, "the service does not take this argument" },
	{ ANY, DK_CODE_AUDITOR,
	    "the policy in force names no such auditor with this key; 'policy reload' puts a "
	    "changed one in force" },
	{ ANY, DK_CODE_HSM, "the HSM is away, or refused it; the service's messages say why" },
	{ ANY, DK_CODE_HSM_PIN, "the HSM refused the PIN, or none was given" },
	{ ANY, DK_CODE_BUSY, "the service is busy; try again" },
	{ ANY, DK_CODE_UNAVAILABLE,
	    "the log cannot record it, or a process of the service is away; nothing was done" },
	{ ANY, DK_CODE_QUORUM,
	    "too few witnesses cosigned the log in time; see 'doublekeyd status'" },
	{ ANY, DK_CODE_FROZEN, "all releases are stopped" },
};

static const char *
sentence(unsigned op, unsigned code)
{
	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++)
		if (sentences[i].code == code && (sentences[i].op == op || sentences[i].op == ANY))
			return sentences[i].text;
	return "the service failed";
}

void
tell_code(enum ipc_admin_op op, const char *name, unsigned code, const char *text, size_t len)
{
	while (len > 0 && text[len - 1] == '\n')
		len--;
	if (len > 0)
		tell(NULL, dk_code_name(code), "%.*s", (int)len, text);
	else
		tell(name && name[0] != '\0' ? name : NULL, dk_code_name(code), "%s",
		    sentence(op, code));
}
