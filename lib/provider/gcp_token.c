/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Application default credentials: a service account signs its own token (RFC 7519, RS256),
 * a user of gcloud has a refresh token, a federated identity one of another issuer, a
 * machine of Google asks its metadata.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/rs256.h"
#include "provider/gcp.h"
#include "provider/wiping.h"

#define AUDIENCE "https://cloudkms.googleapis.com/"
#define TOKEN_URL "https://oauth2.googleapis.com/token"
#define METADATA "http://169.254.169.254"
#define METADATA_PATH "/computeMetadata/v1/instance/service-accounts/default/token"
#define TOKEN_S 3600

/* value as JSON in base64url behind what stands at out; value is taken over. */
static bool
append(char *out, size_t cap, json_t *value)
{
	size_t had = strlen(out), len = 0;
	char *text = net_json(value, &len);
	bool ok =
	    text && dk_base64url_encode((const uint8_t *)text, len, out + had, cap - had) == DK_OK;

	net_json_free(text);
	return ok;
}

/* A token that the account signs for itself: nobody is asked. */
static dk_err
by_account(struct bearer *bearer, const json_t *file)
{
	const char *mail = net_text(file, "client_email"), *pem = net_text(file, "private_key");
	const char *kid = net_text(file, "private_key_id");
	char token[4096] = "";
	uint8_t signature[DK_RSA_MAX_BYTES];
	long long now = (long long)time(NULL);
	size_t len, n;

	if (!mail || !pem || !kid ||
	    !append(token, sizeof(token) / 2,
		json_pack("{s:s, s:s, s:s}", "alg", "RS256", "typ", "JWT", "kid", kid)))
		return DK_ERR_PROVIDER_CREDENTIALS;
	(void)snprintf(token + strlen(token), 2, ".");
	if (!append(token, sizeof(token) / 2,
		json_pack("{s:s, s:s, s:s, s:I, s:I}", "iss", mail, "sub", mail, "aud", AUDIENCE,
		    "iat", (json_int_t)now, "exp", (json_int_t)(now + TOKEN_S))))
		return DK_ERR_PROVIDER_CREDENTIALS;
	n = strlen(token);
	if (dk_rs256_sign(pem, strlen(pem), (const uint8_t *)token, n, signature, &len) != DK_OK)
		return DK_ERR_PROVIDER_CREDENTIALS;
	token[n++] = '.';
	token[n] = '\0';
	if (dk_base64url_encode(signature, len, token + n, sizeof(token) - n) != DK_OK)
		return DK_ERR_PROVIDER_CREDENTIALS;
	return bearer_set(bearer, token, TOKEN_S);
}

static dk_err
by_user(struct provider_key *key, struct bearer *bearer, const json_t *file)
{
	const char *url = net_text(file, "token_uri");
	const char *const fields[] = { "grant_type", "refresh_token", "client_id",
		net_text(file, "client_id"), "client_secret", net_text(file, "client_secret"),
		"refresh_token", net_text(file, "refresh_token"), NULL };

	if (!fields[3] || !fields[5] || !fields[7])
		return DK_ERR_PROVIDER_CREDENTIALS;
	return bearer_post(key, bearer, url ? url : TOKEN_URL, fields);
}

static dk_err
by_file(struct provider_key *key, struct bearer *bearer, const char *path)
{
	char *text = bearer_file(path);
	json_t *file = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const char *type = net_text(file, "type");
	dk_err err = DK_ERR_PROVIDER_CREDENTIALS;

	if (!type)
		provider_note(key, "the file of credentials cannot be used");
	else if (strcmp(type, "service_account") == 0)
		err = by_account(bearer, file);
	else if (strcmp(type, "authorized_user") == 0)
		err = by_user(key, bearer, file);
	else if (strcmp(type, "external_account") == 0)
		err = gcp_federated(key, bearer, file);
	else
		provider_note(key, "credentials of the type %.40s are not supported", type);
	json_decref(file);
	bearer_form_free(text);
	return err;
}

static dk_err
by_machine(struct provider_key *key, struct bearer *bearer)
{
	const char *host = getenv("GCE_METADATA_HOST");
	char url[512];
	struct net_request request = { .url = url,
		.method = "GET",
		.metadata = true,
		.header = { "Metadata-Flavor: Google" } };
	auto_net_answer answer = { .json = NULL };
	int n = host && host[0] ? snprintf(url, sizeof(url), "http://%s" METADATA_PATH, host)
				: snprintf(url, sizeof(url), METADATA METADATA_PATH);

	/* Not on such a machine: that there are no credentials is what counts. */
	if (n < 0 || (size_t)n >= sizeof(url) ||
	    net_call(key, &request, bearer_judge, &answer) != DK_OK)
		return DK_ERR_PROVIDER_CREDENTIALS;
	return bearer_answer(bearer, answer.json);
}

dk_err
gcp_token(struct provider_key *key, struct bearer *bearer)
{
	const char *named = getenv("GOOGLE_APPLICATION_CREDENTIALS");
	const char *folder = getenv("CLOUDSDK_CONFIG"), *home = getenv("HOME");
	char path[4096];
	int n = -1;
	FILE *f;

	if (named && named[0])
		return by_file(key, bearer, named);
	if (folder && folder[0])
		n = snprintf(path, sizeof(path), "%s/application_default_credentials.json", folder);
	else if (home)
		n = snprintf(path, sizeof(path),
		    "%s/.config/gcloud/application_default_credentials.json", home);
	f = n > 0 && (size_t)n < sizeof(path) ? fopen(path, "re") : NULL;
	if (!f)
		return by_machine(key, bearer);
	(void)fclose(f);
	return by_file(key, bearer, path);
}
