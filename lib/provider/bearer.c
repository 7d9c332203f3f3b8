/* SPDX-License-Identifier: Apache-2.0 */
#include "provider/bearer.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider/wiping.h"

/* Before it ends a token is fetched anew. */
#define EARLY_S 120
#define HEADER "Authorization: Bearer "

void
bearer_init(struct bearer *bearer)
{
	(void)pthread_mutex_init(&bearer->lock, NULL);
	bearer->expires = 0;
}

void
bearer_clear(struct bearer *bearer)
{
	(void)pthread_mutex_destroy(&bearer->lock);
	dk_wipe(bearer->header, sizeof(bearer->header));
}

dk_err
bearer_get(struct provider_key *key, struct bearer *bearer, bearer_fetch fetch,
    char ret[BEARER_HEADER_MAX_BYTES])
{
	dk_err err = DK_OK;

	(void)pthread_mutex_lock(&bearer->lock);
	if (bearer->expires < time(NULL) + EARLY_S)
		err = fetch(key, bearer);
	if (err == DK_OK)
		memcpy(ret, bearer->header, strlen(bearer->header) + 1);
	(void)pthread_mutex_unlock(&bearer->lock);
	return err;
}

dk_err
bearer_set(struct bearer *bearer, const char *token, long long seconds)
{
	size_t len = token ? strlen(token) : 0;

	if (len == 0 || len > BEARER_TOKEN_MAX_BYTES || seconds < 1 || seconds > 1000000)
		return DK_ERR_PROVIDER_CREDENTIALS;
	for (size_t i = 0; i < len; i++)
		if (token[i] < 0x21 || token[i] > 0x7e)
			return DK_ERR_PROVIDER_CREDENTIALS;
	(void)snprintf(bearer->header, sizeof(bearer->header), HEADER "%s", token);
	bearer->expires = time(NULL) + (time_t)seconds;
	return DK_OK;
}

/* Some endpoints write the number as a text. */
dk_err
bearer_answer(struct bearer *bearer, const json_t *answer)
{
	const json_t *lasts = json_object_get(answer, "expires_in");
	long long seconds = json_is_string(lasts) ? strtoll(json_string_value(lasts), NULL, 10)
						  : json_integer_value(lasts);

	return bearer_set(bearer, net_text(answer, "access_token"), seconds);
}

dk_err
bearer_judge(struct net_answer *answer)
{
	const char *error = net_text(answer->json, "error");
	const char *text = net_text(answer->json, "error_description");

	if (answer->status == 200)
		return DK_OK;
	net_why(answer, "no token: %.60s %.280s", error ? error : "", text ? text : "");
	return DK_ERR_PROVIDER_CREDENTIALS;
}

dk_err
bearer_post(
    struct provider_key *key, struct bearer *bearer, const char *url, const char *const *fields)
{
	char *form = bearer_form(fields);
	struct net_request request = { .url = url,
		.method = "POST",
		.body = form,
		.body_len = form ? strlen(form) : 0,
		.header = { "Content-Type: application/x-www-form-urlencoded" } };
	auto_net_answer answer = { .json = NULL };
	dk_err err = form ? net_call(key, &request, bearer_judge, &answer) : DK_ERR_NOMEM;

	bearer_form_free(form);
	return err == DK_OK ? bearer_answer(bearer, answer.json) : err;
}

dk_err
bearer_call(struct provider_key *key, struct bearer *bearer, bearer_fetch fetch, const char *url,
    json_t *body, net_judge judge, struct net_answer *ret)
{
	char *authorization = malloc(BEARER_HEADER_MAX_BYTES);
	size_t len = 0;
	bool post = body != NULL;
	char *text = net_json(body, &len);
	struct net_request request = { .url = url,
		.method = post ? "POST" : "GET",
		.body = text,
		.body_len = len,
		.header = { "Content-Type: application/json", authorization } };
	dk_err err = authorization && (text || !post) ? DK_OK : DK_ERR_NOMEM;

	if (err == DK_OK)
		err = bearer_get(key, bearer, fetch, authorization);
	if (err == DK_OK)
		err = net_call(key, &request, judge, ret);
	if (authorization)
		dk_wipe(authorization, BEARER_HEADER_MAX_BYTES);
	free(authorization);
	net_json_free(text);
	return err;
}

/* ---- forms and files ---- */

void
bearer_form_free(char *form)
{
	provider_free(form);
}

static char *
joined(char *form, const char *name, const char *value)
{
	char *escaped = curl_easy_escape(NULL, value, 0);
	size_t had = form ? strlen(form) : 0;
	size_t need = escaped ? had + strlen(name) + strlen(escaped) + 3 : 0;
	char *grown = escaped ? provider_realloc(form, need) : NULL;

	if (grown)
		(void)snprintf(
		    grown + had, need - had, "%s%s=%s", had > 0 ? "&" : "", name, escaped);
	else
		provider_free(form);
	if (escaped)
		dk_wipe(escaped, strlen(escaped));
	curl_free(escaped);
	return grown;
}

char *
bearer_form(const char *const *fields)
{
	char *form = NULL;

	for (size_t i = 0; fields[i]; i += 2) {
		if (!fields[i + 1])
			continue;
		form = joined(form, fields[i], fields[i + 1]);
		if (!form)
			return NULL;
	}
	return form;
}

char *
bearer_file(const char *path)
{
	char *text = calloc(1, BEARER_TOKEN_MAX_BYTES + 2);
	FILE *f = text ? fopen(path, "re") : NULL;
	size_t len = f ? fread(text, 1, BEARER_TOKEN_MAX_BYTES + 1, f) : 0;

	if (f)
		(void)fclose(f);
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		text[--len] = '\0';
	if (len == 0 || len > BEARER_TOKEN_MAX_BYTES || memchr(text, '\0', len)) {
		provider_free(text);
		return NULL;
	}
	return text;
}
