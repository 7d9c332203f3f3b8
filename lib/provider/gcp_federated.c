/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Federated identities (external_account): a token of another issuer, from a file or a URL,
 * is exchanged for one of Google (RFC 8693), and that one, if the file says so, for one of
 * a service account.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider/aws.h"
#include "provider/gcp.h"

#define SCOPE "https://www.googleapis.com/auth/cloud-platform"
#define MACHINE "http://169.254.169.254/"
#define HEADERS_MAX 4
#define HEADER_BYTES 512

/* ---- the other issuer's token ---- */

/* The text itself, or a member of it; text is taken over. bearer_form_free(); NULL: none. */
static char *
subject(const json_t *source, char *text)
{
	const json_t *format = json_object_get(source, "format");
	const char *type = net_text(format, "type");
	const char *field = net_text(format, "subject_token_field_name");
	const char *found;
	json_t *json;

	if (!text || !type || strcmp(type, "text") == 0)
		return text;
	json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	found = field && strcmp(type, "json") == 0 ? net_text(json, field) : NULL;
	bearer_form_free(text);
	text = found ? strdup(found) : NULL;
	json_decref(json);
	return text;
}

/* "Name: value" of each; false: too many, too long, or not one line. */
static bool
take_headers(
    const json_t *source, struct net_request *request, char header[HEADERS_MAX][HEADER_BYTES])
{
	json_t *headers = json_object_get(source, "headers"), *value;
	const char *name;
	size_t n = 0;
	int len;

	json_object_foreach(headers, name, value)
	{
		if (n == HEADERS_MAX || !json_is_string(value))
			return false;
		len = snprintf(header[n], HEADER_BYTES, "%s: %s", name, json_string_value(value));
		if (len < 0 || len >= HEADER_BYTES)
			return false;
		for (const char *c = header[n]; *c; c++)
			if (*c < 0x20 || *c > 0x7e)
				return false;
		request->header[n] = header[n];
		n++;
	}
	return true;
}

static char *
from_url(struct provider_key *key, const json_t *source, const char *url)
{
	char header[HEADERS_MAX][HEADER_BYTES];
	struct net_request request = { .url = url,
		.method = "GET",
		.raw = true,
		.metadata = strncmp(url, MACHINE, sizeof(MACHINE) - 1) == 0 };
	auto_net_answer answer = { .json = NULL };
	char *text = NULL;

	if (strlen(url) < NET_URL_MAX_BYTES && take_headers(source, &request, header) &&
	    net_call(key, &request, bearer_judge, &answer) == DK_OK) {
		text = answer.text;
		answer.text = NULL;
	}
	dk_wipe(header, sizeof(header));
	return text;
}

static char *
subject_token(struct provider_key *key, const json_t *source)
{
	const char *path = net_text(source, "file"), *url = net_text(source, "url");
	char *token = NULL;

	if (path)
		token = subject(source, bearer_file(path));
	else if (url)
		token = subject(source, from_url(key, source, url));
	else {
		provider_note(key,
		    "the credential_source has neither file nor url: others are not supported");
		return NULL;
	}
	if (!token)
		provider_note(key, "no token at the credential_source");
	return token;
}

/* ---- Google's ---- */

static dk_err
judge(struct net_answer *answer)
{
	dk_err err = gcp_judge(answer);

	return err == DK_OK || err == DK_ERR_PROVIDER_DENIED ? err : DK_ERR_PROVIDER_CREDENTIALS;
}

/* In the name of the service account that url names. */
static dk_err
impersonate(
    struct provider_key *key, const struct bearer *federated, const char *url, struct bearer *ret)
{
	static const char body[] = "{\"scope\":[\"" SCOPE "\"],\"lifetime\":\"3600s\"}";
	struct net_request request = { .url = url,
		.method = "POST",
		.body = body,
		.body_len = sizeof(body) - 1,
		.header = { "Content-Type: application/json", federated->header } };
	auto_net_answer answer = { .json = NULL };
	const char *expires;
	time_t end;
	dk_err err = net_call(key, &request, judge, &answer);

	if (err != DK_OK)
		return err;
	expires = net_text(answer.json, "expireTime");
	if (!expires || !aws_time(expires, &end))
		return DK_ERR_PROVIDER_CREDENTIALS;
	return bearer_set(ret, net_text(answer.json, "accessToken"), end - time(NULL));
}

dk_err
gcp_federated(struct provider_key *key, struct bearer *bearer, const json_t *file)
{
	const char *account = net_text(file, "service_account_impersonation_url");
	const char *url = net_text(file, "token_url"), *audience = net_text(file, "audience");
	const char *type = net_text(file, "subject_token_type");
	char *token = NULL;
	struct bearer federated;
	dk_err err = DK_ERR_PROVIDER_CREDENTIALS;

	if (url && audience && type)
		token = subject_token(key, json_object_get(file, "credential_source"));
	if (!token)
		return err;
	const char *const fields[] = { "grant_type",
		"urn:ietf:params:oauth:grant-type:token-exchange", "audience", audience, "scope",
		SCOPE, "requested_token_type", "urn:ietf:params:oauth:token-type:access_token",
		"subject_token", token, "subject_token_type", type, NULL };
	bearer_init(&federated);
	err = bearer_post(key, account ? &federated : bearer, url, fields);
	if (err == DK_OK && account)
		err = impersonate(key, &federated, account, bearer);
	bearer_clear(&federated);
	bearer_form_free(token);
	return err;
}
