/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of tenants, spec/profiles/ms-dke.md section 5.2. */
#ifndef DK_AUTHD_DKE_TOKEN_H
#define DK_AUTHD_DKE_TOKEN_H

#include "authd/person.h"
#include "authd/token.h"

#define DKE_TOKEN_TEXTS_MAX 400
#define DKE_CLIENT_CHARS 36

enum dke_token_fault {
	DKE_TOKEN_HOLDS,
	DKE_TOKEN_FALSE,
	DKE_TOKEN_NO_KEYS,     /* the tenant has no key set, or too old a one */
	DKE_TOKEN_QUARANTINED, /* its key is new */
	DKE_TOKEN_CLIENT,      /* an application that may not ask */
};

/* Claims by which a directory may know the person. */
#define DKE_TOKEN_CLAIMS 5

/* A claim that is a list of texts. */
struct dke_texts {
	unsigned count;
	const char *item[DKE_TOKEN_TEXTS_MAX];
};

struct dke_token {
	bool is_signed; /* by a key of the tenant: record is what the log says of it */
	struct dk_log_token record;
	/* the rest only if it holds */
	const char *tenant;                /* title; borrowed from the policy */
	uint64_t until;                    /* its end, if it may unwrap once; else 0 */
	const struct token_issuer *issuer; /* borrowed */
	struct jwt_times times;
	char person[PERSON_MAX_BYTES + 1];
	char client[DKE_CLIENT_CHARS + 1];
	struct dke_texts groups, roles;
	struct dke_texts claims; /* DKE_TOKEN_CLAIMS in lower case; empty: none */
	size_t used; /* of pool, which has the texts of claims, groups and roles in this order */
	char pool[JWT_MAX_BYTES];
};

/* Fills *ret as far as it comes. */
enum dke_token_fault dke_token_verify(const uint8_t *text, size_t len, const struct policy *policy,
    const struct token_issuers *issuers, uint64_t now, struct dke_token *ret);
/* What the time alone can change of one that held. */
bool dke_token_still_holds(const struct dke_token *token, uint64_t now);
/* Of a token that holds: onprem_sid, upn, email, preferred_username or oid in lower case; empty if
 * there is none, or one of another form than persons have. */
const char *dke_token_claim(const struct dke_token *token, const char *name);
/* Static, never NULL; spec/profiles/ms-dke.md section 10. */
const char *dke_token_fault_name(enum dke_token_fault fault);

#endif
