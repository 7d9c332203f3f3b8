/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of the environment, and the identity that Azure gives to what runs there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider/azure.h"

#define AUTHORITY "https://login.microsoftonline.com"
#define MACHINE "http://169.254.169.254"

/* NULL if it is not set, or empty. */
static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

/* As the client with a secret, or with a token of another issuer that Azure trusts. */
static dk_err
by_client(struct provider_key *key, struct bearer *bearer, const char *secret, const char *file)
{
	const struct azure *azure = key->state;
	const char *host = variable("AZURE_AUTHORITY_HOST"), *tenant = variable("AZURE_TENANT_ID");
	char url[512], scope[300];
	char *assertion = file ? bearer_file(file) : NULL;
	const char *const fields[] = { "grant_type", "client_credentials", "client_id",
		variable("AZURE_CLIENT_ID"), "scope", scope, "client_secret", secret,
		"client_assertion_type",
		assertion ? "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" : NULL,
		"client_assertion", assertion, NULL };
	int n;
	dk_err err = DK_ERR_PROVIDER_CREDENTIALS;

	host = host ? host : AUTHORITY;
	n = snprintf(url, sizeof(url), "%s%s%s/oauth2/v2.0/token", host,
	    host[strlen(host) - 1] == '/' ? "" : "/", tenant);
	(void)snprintf(scope, sizeof(scope), "%s/.default", azure->audience);
	if (file && !assertion)
		provider_note(key, "the federated token file cannot be read");
	else if (n > 0 && (size_t)n < sizeof(url))
		err = bearer_post(key, bearer, url, fields);
	bearer_form_free(assertion);
	return err;
}

/* From the metadata of a machine, or from the agent of a hosted program. */
static dk_err
by_identity(struct provider_key *key, struct bearer *bearer)
{
	const struct azure *azure = key->state;
	const char *agent = variable("IDENTITY_ENDPOINT"), *secret = variable("IDENTITY_HEADER");
	const char *base = variable("AZURE_POD_IDENTITY_AUTHORITY_HOST");
	const char *id = variable("AZURE_CLIENT_ID");
	const char *const fields[] = { "api-version", agent && secret ? "2019-08-01" : "2018-02-01",
		"resource", azure->audience, "client_id", id, NULL };
	char url[1024], header[512], *query = bearer_form(fields);
	struct net_request request = {
		.url = url, .method = "GET", .metadata = true, .header = { header }
	};
	auto_net_answer answer = { .json = NULL };
	int n, m;

	if (!query)
		return DK_ERR_NOMEM;
	if (agent && secret) {
		n = snprintf(url, sizeof(url), "%s?%s", agent, query);
		m = snprintf(header, sizeof(header), "X-IDENTITY-HEADER: %s", secret);
	} else {
		n = snprintf(url, sizeof(url), "%s/metadata/identity/oauth2/token?%s",
		    base ? base : MACHINE, query);
		m = snprintf(header, sizeof(header), "Metadata: true");
	}
	bearer_form_free(query);
	/* Not on such a machine: that there are no credentials is what counts. */
	if (n < 0 || (size_t)n >= sizeof(url) || m < 0 || (size_t)m >= sizeof(header) ||
	    net_call(key, &request, bearer_judge, &answer) != DK_OK)
		return DK_ERR_PROVIDER_CREDENTIALS;
	return bearer_answer(bearer, answer.json);
}

dk_err
azure_token(struct provider_key *key, struct bearer *bearer)
{
	const char *secret = variable("AZURE_CLIENT_SECRET");
	const char *file = variable("AZURE_FEDERATED_TOKEN_FILE");

	if (variable("AZURE_TENANT_ID") && variable("AZURE_CLIENT_ID") && (secret || file))
		return by_client(key, bearer, secret, secret ? NULL : file);
	/* Another identity than the one that is meant is not taken in its place. */
	if (variable("AZURE_CLIENT_CERTIFICATE_PATH")) {
		provider_note(key,
		    "AZURE_CLIENT_CERTIFICATE_PATH is not supported: use "
		    "AZURE_CLIENT_SECRET, AZURE_FEDERATED_TOKEN_FILE or a managed "
		    "identity");
		return DK_ERR_PROVIDER_CREDENTIALS;
	}
	return by_identity(key, bearer);
}
