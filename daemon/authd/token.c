/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass in the order of spec/policy.md section 6.3. Nothing of a token
 * chooses more than this: which issuer of the policy, which of its keys.
 */
#include "authd/token.h"

#include <string.h>

#include "authd/jose.h"
#include "authd/jwt.h"
#include "native/request.h"

bool
token_issuer_has_keys(const struct token_issuer *issuer, uint64_t now)
{
	if (!issuer->info.key_set)
		return true;
	return issuer->keys.count > 0 && issuer->fetched_s <= now + JWT_AHEAD_MAX_S &&
	    issuer->fetched_s + issuer->info.key_set_max_age_s >= now;
}

static const struct token_issuer *
find_issuer(const json_t *claims, const struct token_issuers *issuers)
{
	const json_t *iss = json_object_get(claims, "iss");
	const char *url = json_string_value(iss);

	for (unsigned i = 0; url && i < issuers->count; i++)
		if (issuers->item[i].info.url &&
		    strlen(issuers->item[i].info.url) == json_string_length(iss) &&
		    strcmp(issuers->item[i].info.url, url) == 0)
			return &issuers->item[i];
	return NULL;
}

static bool
audience_ok(const json_t *aud, const char *audience)
{
	const json_t *value;
	bool found = false;
	size_t i;

	if (json_is_string(aud))
		return strcmp(json_string_value(aud), audience) == 0;
	json_array_foreach(aud, i, value)
	{
		if (!json_is_string(value))
			return false;
		found = found || strcmp(json_string_value(value), audience) == 0;
	}
	return found;
}

static bool
claims_ok(const json_t *claims, const char *claim, const char *user, char ret_id[129])
{
	const json_t *jti = json_object_get(claims, "jti");
	const char *name = jose_text(claims, claim, 1, 64);
	const char *id = jti ? jose_text(claims, "jti", 0, 128) : "";

	if (!user || !name || !id || strcmp(name, user) != 0)
		return false;
	memcpy(ret_id, id, strlen(id) + 1);
	return true;
}

static void
fill(const struct token_issuer *issuer, const struct keyset_key *key, struct token *token)
{
	token->issuer = issuer->info.title;
	memcpy(token->record.thumbprint, key->thumbprint, sizeof(token->record.thumbprint));
	memcpy(token->record.issuer, issuer->info.url, strlen(issuer->info.url) + 1);
	memcpy(token->record.key, key->kid, strlen(key->kid) + 1);
}

static enum token_fault
verify(const struct jwt *w, const struct token_issuers *issuers, const char *user, uint64_t now,
    struct token *token)
{
	const struct token_issuer *issuer;
	const struct keyset_key *key;
	struct jwt_times times;

	if (!jwt_header_ok(w))
		return TOKEN_HEADER;
	issuer = find_issuer(w->claims, issuers);
	if (!issuer)
		return TOKEN_ISSUER;
	if (!token_issuer_has_keys(issuer, now))
		return TOKEN_KEY_SET;
	key = jwt_find_key(w, &issuer->keys);
	if (!key)
		return TOKEN_KEY;
	if (!jwt_signature_ok(w, key))
		return TOKEN_SIGNATURE;
	if (!audience_ok(json_object_get(w->claims, "aud"), issuer->info.audience))
		return TOKEN_AUDIENCE;
	if (!jwt_times_ok(w, issuer->info.max_age_s, now, &times))
		return TOKEN_TIME;
	token->record.issued = times.issued;
	if (!claims_ok(w->claims, issuer->info.claim, user, token->record.id))
		return TOKEN_CLAIM;
	fill(issuer, key, token);
	return TOKEN_HOLDS;
}

enum token_fault
token_verify(const uint8_t *text, size_t len, const struct token_issuers *issuers, const char *user,
    uint64_t now, struct token *ret_token)
{
	struct token token = { .issuer = NULL };
	static struct jwt w;
	enum token_fault fault = TOKEN_FORM;

	if (jwt_read(&w, text, len, DK_TOKEN_MAX_BYTES))
		fault = verify(&w, issuers, user, now, &token);
	jwt_clear(&w);
	if (fault == TOKEN_HOLDS)
		*ret_token = token;
	return fault;
}

const char *
token_fault_name(enum token_fault fault)
{
	static const char *const names[] = { "holds", "form", "header", "issuer", "key-set", "key",
		"signature", "audience", "time", "claim" };

	return fault <= TOKEN_CLAIM ? names[fault] : "?";
}
