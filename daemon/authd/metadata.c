/* SPDX-License-Identifier: Apache-2.0 */
#include "authd/metadata.h"

#include <string.h>

#include "authd/jose.h"

static const char *
check(const json_t *json, const struct policy *policy, const struct policy_issuer *tenant,
    char ret_url[IPC_FETCH_URL_MAX_BYTES + 1])
{
	const char *issuer = jose_text(json, "issuer", 1, IPC_FETCH_URL_MAX_BYTES);
	const char *url = jose_text(json, "jwks_uri", 1, IPC_FETCH_URL_MAX_BYTES);

	if (!json)
		return "it is no JSON object";
	if (!issuer ||
	    !policy_tenant_has(
		policy, tenant->number, POLICY_TENANT_LIST_ISSUERS, issuer, strlen(issuer)))
		return "its issuer is none of the tenant";
	if (!url ||
	    !policy_key_set_url_ok(tenant->key_set, policy_tenant_id(policy, tenant->number), url))
		return "its jwks_uri is not on the same server, or not of the tenant";
	memcpy(ret_url, url, strlen(url) + 1);
	return NULL;
}

bool
metadata_parse(const struct dk_part *document, const struct policy *policy,
    const struct policy_issuer *tenant, char ret_url[IPC_FETCH_URL_MAX_BYTES + 1],
    const char **ret_why)
{
	json_t *json = jose_object(document->data, document->len);

	*ret_why = check(json, policy, tenant, ret_url);
	json_decref(json);
	return !*ret_why;
}
