/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of identity providers, spec/policy.md section 6.3. */
#ifndef DK_AUTHD_TOKEN_H
#define DK_AUTHD_TOKEN_H

#include "authd/jwt.h"
#include "authd/keyset.h"
#include "authd/policy.h"
#include "ipc/fetch.h"
#include "log/record.h"

/* The issuers of a policy with their keys. */
struct token_issuers {
	unsigned count;
	struct token_issuer {
		struct policy_issuer info; /* borrowed from the policy */
		struct keyset keys;
		uint8_t digest[32]; /* of the bytes of the set, if there are keys */
		uint64_t fetched_s; /* 0: a file, or no set */
		/* keys of a tenant that stood in a set before or stand in this one,
		 * spec/profiles/ms-dke.md section 5.3 */
		unsigned known_count;
		struct token_known {
			uint8_t thumbprint[32];
			uint64_t until_s; /* 0: it is not in quarantine */
		} known[IPC_KNOWN_KEYS_MAX];
	} item[POLICY_SOURCES_MAX];
};

/* The first condition of section 6.3 that is not so. */
enum token_fault {
	TOKEN_HOLDS,
	TOKEN_FORM,
	TOKEN_HEADER,
	TOKEN_ISSUER,
	TOKEN_KEY_SET,
	TOKEN_KEY,
	TOKEN_SIGNATURE,
	TOKEN_AUDIENCE,
	TOKEN_TIME,
	TOKEN_CLAIM,
};

struct token {
	const char *issuer; /* title; borrowed */
	struct dk_log_token record;
};

/* Whether there is a set, and not too old a one. */
bool token_issuer_has_keys(const struct token_issuer *issuer, uint64_t now);

/* user: of the device that signed the request. */
enum token_fault token_verify(const uint8_t *text, size_t len, const struct token_issuers *issuers,
    const char *user, uint64_t now, struct token *ret_token);
/* Static, never NULL. */
const char *token_fault_name(enum token_fault fault);

#endif
