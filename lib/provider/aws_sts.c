/* SPDX-License-Identifier: Apache-2.0 */
/* AssumeRoleWithWebIdentity of AWS STS: a form goes out, XML comes back. */
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider/aws.h"
#include "provider/bearer.h"

/* The texts of the elements that count, wherever they stand; the answer has each once. */
struct found {
	char id[AWS_ID_MAX_BYTES + 1];
	char secret[AWS_SECRET_MAX_BYTES + 1];
	char token[AWS_TOKEN_MAX_BYTES + 1];
	char expires[64];
	char code[64];
	char *to;
	size_t cap;
	bool bad;
};

static void
on_start(void *ctx, const char *name, const char **attributes)
{
	struct found *found = ctx;
	const struct {
		const char *name;
		char *to;
		size_t cap;
	} places[] = {
		{ "AccessKeyId", found->id, sizeof(found->id) },
		{ "SecretAccessKey", found->secret, sizeof(found->secret) },
		{ "SessionToken", found->token, sizeof(found->token) },
		{ "Expiration", found->expires, sizeof(found->expires) },
		{ "Code", found->code, sizeof(found->code) },
	};

	(void)attributes;
	found->to = NULL;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strcmp(places[i].name, name) == 0) {
			found->to = places[i].to;
			found->cap = places[i].cap;
			found->bad = found->bad || found->to[0] != '\0';
		}
}

static void
on_end(void *ctx, const char *name)
{
	struct found *found = ctx;

	(void)name;
	found->to = NULL;
}

static void
on_text(void *ctx, const char *text, int len)
{
	struct found *found = ctx;
	size_t had = found->to ? strlen(found->to) : 0;

	if (!found->to)
		return;
	if ((size_t)len >= found->cap - had) {
		found->bad = true;
		return;
	}
	memcpy(found->to + had, text, (size_t)len);
	found->to[had + (size_t)len] = '\0';
}

/* No entity is known, so nothing can be expanded. */
static void
on_doctype(void *ctx, const char *name, const char *sysid, const char *pubid, int internal)
{
	struct found *found = ctx;

	(void)name;
	(void)sysid;
	(void)pubid;
	(void)internal;
	found->bad = true;
}

static bool
parse(const char *text, struct found *found)
{
	XML_Parser parser = XML_ParserCreate(NULL);
	bool ok;

	if (!parser)
		return false;
	XML_SetUserData(parser, found);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	XML_SetStartDoctypeDeclHandler(parser, on_doctype);
	ok = XML_Parse(parser, text, (int)strlen(text), 1) == XML_STATUS_OK && !found->bad;
	XML_ParserFree(parser);
	return ok;
}

static dk_err
judge(struct net_answer *answer)
{
	struct found *found;

	if (answer->status == 200)
		return DK_OK;
	found = calloc(1, sizeof(*found));
	if (found && answer->text && parse(answer->text, found) && found->code[0])
		net_why(answer, "AWS STS: %.60s", found->code);
	free(found);
	return DK_ERR_PROVIDER_CREDENTIALS;
}

static dk_err
ask(struct provider_key *key, const char *body, struct aws_credentials *ret)
{
	const struct aws *aws = key->state;
	struct net_request request = { .method = "POST",
		.body = body,
		.body_len = strlen(body),
		.raw = true,
		.header = { "Content-Type: application/x-www-form-urlencoded" } };
	auto_net_answer answer = { .json = NULL };
	struct found *found = calloc(1, sizeof(*found));
	char url[300];
	dk_err err = found ? DK_OK : DK_ERR_NOMEM;

	if (!aws_url(aws, "sts", NULL, url, sizeof(url))) {
		free(found);
		return DK_ERR_PROVIDER_CONFIGURATION;
	}
	request.url = url;
	if (err == DK_OK)
		err = net_call(key, &request, judge, &answer);
	if (err == DK_OK &&
	    (!answer.text || !parse(answer.text, found) ||
		!aws_credentials_set(ret, found->id, found->secret, found->token) ||
		!aws_time(found->expires, &ret->expires)))
		err = DK_ERR_PROVIDER_ANSWER;
	if (found)
		dk_wipe(found, sizeof(*found));
	free(found);
	return err;
}

dk_err
aws_from_web_identity(struct provider_key *key, const char *role, const char *token_file,
    const char *session, struct aws_credentials *ret)
{
	char *token = bearer_file(token_file), *body;
	const char *const fields[] = { "Action", "AssumeRoleWithWebIdentity", "Version",
		"2011-06-15", "RoleArn", role, "RoleSessionName", session ? session : "doublekey",
		"WebIdentityToken", token, NULL };
	dk_err err;

	if (!token) {
		provider_note(key, "the web identity token file cannot be read");
		return DK_ERR_PROVIDER_CREDENTIALS;
	}
	body = bearer_form(fields);
	bearer_form_free(token);
	if (!body)
		return DK_ERR_NOMEM;
	err = ask(key, body, ret);
	bearer_form_free(body);
	return err;
}
