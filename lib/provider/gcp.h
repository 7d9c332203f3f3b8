/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the system `gcpkms`: gcp.c asks Cloud KMS, gcp_token.c finds out as whom. */
#ifndef DK_PROVIDER_GCP_H
#define DK_PROVIDER_GCP_H

#include "provider/bearer.h"

struct gcp {
	char base[256];                           /* without '/' at its end */
	char resource[PROVIDER_REF_MAX_BYTES + 1]; /* "projects/..." */
	struct bearer bearer;
};

/*
 * A token from where Google's own tools look: the file of GOOGLE_APPLICATION_CREDENTIALS,
 * that of gcloud, the metadata of the machine. A bearer_fetch.
 */
dk_err gcp_token(struct provider_key *key, struct bearer *bearer);

/* The same by a file of the type external_account. */
DK_MUST_USE dk_err gcp_federated(
    struct provider_key *key, struct bearer *bearer, const json_t *file);

/* How services of Google say no. A net_judge. */
dk_err gcp_judge(struct net_answer *answer);

#endif
