/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata document of a tenant, spec/profiles/ms-dke.md section 5.1. */
#ifndef DK_AUTHD_METADATA_H
#define DK_AUTHD_METADATA_H

#include "authd/policy.h"
#include "ipc/fetch.h"

/* False: *ret_why says what is wrong with it. */
bool metadata_parse(const struct dk_part *document, const struct policy *policy,
    const struct policy_issuer *tenant, char ret_url[IPC_FETCH_URL_MAX_BYTES + 1],
    const char **ret_why);

#endif
