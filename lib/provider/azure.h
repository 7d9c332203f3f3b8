/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the system `azurekv`: azure.c asks Key Vault, azure_token.c finds out as whom. */
#ifndef DK_PROVIDER_AZURE_H
#define DK_PROVIDER_AZURE_H

#include "provider/bearer.h"

struct azure {
	char base[256];     /* without '/' at its end */
	char audience[256]; /* whom the token is for: "https://vault.azure.net" */
	char name[128];
	struct bearer bearer;
};

/*
 * A token from where Azure's own tools look: a client secret or a federated token (environment),
 * a managed identity. A bearer_fetch.
 */
dk_err azure_token(struct provider_key *key, struct bearer *bearer);

#endif
