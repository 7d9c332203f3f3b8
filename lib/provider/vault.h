/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the system `vault`: vault.c, vault_login.c. */
#ifndef DK_PROVIDER_VAULT_H
#define DK_PROVIDER_VAULT_H

#include "provider/net.h"

#define VAULT_TOKEN_MAX_BYTES 4096

struct vault {
	char base[PROVIDER_REF_MAX_BYTES + 1]; /* "https://HOST[:PORT]", or the endpoint */
	char mount[128];
	char name[128];
	bool derived; /* the context takes the place of associated data */
	/* Headers of each request; secret. */
	char token[VAULT_TOKEN_MAX_BYTES + 32];
	char space[256]; /* namespace, or empty */
};

/* How the system answers. */
dk_err vault_judge(struct net_answer *answer);

/* Find a token, or get one by AppRole: fills token. */
DK_MUST_USE dk_err vault_login(struct provider_key *key);

/* One request with the token, if there is one. body is taken over; NULL: a GET. */
DK_MUST_USE dk_err vault_call(
    struct provider_key *key, const char *path, json_t *body, struct net_answer *ret);

#endif
