/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass in the order of spec/policy.md section 6.3. Nothing of a token
 * chooses more than this: which issuer of the policy, which of its keys.
 */
#include "authd/token.h"

#include <string.h>
#include <strings.h>

#include "authd/jose.h"
#include "base/secret.h"
#include "native/request.h"

struct work {
	char text[DK_TOKEN_MAX_BYTES + 1];
	size_t len;
	size_t dot[2];
	uint8_t bytes[DK_TOKEN_MAX_BYTES];
	json_t *header;
	json_t *claims;
};

/* The part between two places as an object. */
static json_t *
decode(struct work *w, size_t begin, size_t end)
{
	json_t *object = NULL;
	size_t len;

	if (end > begin &&
	    jose_decode(w->text + begin, end - begin, w->bytes, sizeof(w->bytes), &len))
		object = jose_object(w->bytes, len);
	dk_wipe(w->bytes, sizeof(w->bytes));
	return object;
}

static bool
split(struct work *w, const uint8_t *text, size_t len)
{
	unsigned dots = 0;
	size_t got;

	if (len > DK_TOKEN_MAX_BYTES)
		return false;
	memcpy(w->text, text, len);
	w->len = len;
	for (size_t i = 0; i < len; i++) {
		if (w->text[i] != '.')
			continue;
		if (dots == 2)
			return false;
		w->dot[dots++] = i;
	}
	if (dots != 2 || w->dot[1] + 1 >= len ||
	    !jose_decode(
		w->text + w->dot[1] + 1, len - w->dot[1] - 1, w->bytes, sizeof(w->bytes), &got))
		return false;
	w->header = decode(w, 0, w->dot[0]);
	w->claims = decode(w, w->dot[0] + 1, w->dot[1]);
	return w->header && w->claims;
}

static bool
type_ok(const json_t *typ)
{
	static const char *const types[] = { "JWT", "at+jwt", "application/at+jwt" };
	const char *name = json_string_value(typ);

	for (size_t i = 0; name && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcasecmp(name, types[i]) == 0)
			return true;
	return !typ;
}

bool
token_issuer_has_keys(const struct token_issuer *issuer, uint64_t now)
{
	if (!issuer->info.key_set)
		return true;
	return issuer->keys.count > 0 && issuer->fetched_s <= now + TOKEN_AHEAD_MAX_S &&
	    issuer->fetched_s + issuer->info.key_set_max_age_s >= now;
}

/* An algorithm of ours, or NULL. */
static const char *
algorithm(const json_t *header)
{
	static const char *const names[] = { "RS256", "PS256", "ES256" };
	const char *alg = json_string_value(json_object_get(header, "alg"));

	for (size_t i = 0; alg && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(alg, names[i]) == 0)
			return names[i];
	return NULL;
}

static bool
header_ok(const json_t *header)
{
	return algorithm(header) && jose_text(header, "kid", 1, KEYSET_KID_MAX_BYTES) &&
	    !json_object_get(header, "crit") && !json_object_get(header, "b64") &&
	    !json_object_get(header, "zip") && type_ok(json_object_get(header, "typ"));
}

static const struct token_issuer *
find_issuer(const json_t *claims, const struct token_issuers *issuers)
{
	const json_t *iss = json_object_get(claims, "iss");
	const char *url = json_string_value(iss);

	for (unsigned i = 0; url && i < issuers->count; i++)
		if (strlen(issuers->item[i].info.url) == json_string_length(iss) &&
		    strcmp(issuers->item[i].info.url, url) == 0)
			return &issuers->item[i];
	return NULL;
}

static const struct keyset_key *
find_key(const json_t *header, const struct keyset *keys)
{
	const char *alg = algorithm(header);
	const struct keyset_key *key =
	    keyset_find(keys, json_string_value(json_object_get(header, "kid")));

	if (!key || key->rsa != (alg[0] != 'E') ||
	    (key->alg[0] != '\0' && strcmp(key->alg, alg) != 0))
		return NULL;
	return key;
}

static bool
signature_ok(const struct work *w, const struct keyset_key *key)
{
	cjose_jws_t *jws = cjose_jws_import(w->text, w->len, NULL);
	bool ok = jws && cjose_jws_verify(jws, key->jwk, NULL);

	cjose_jws_release(jws);
	return ok;
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

/* Whole seconds since 1970; false for anything else. */
static bool
seconds(const json_t *value, uint64_t *ret)
{
	json_int_t v = json_integer_value(value);

	*ret = (uint64_t)v;
	return json_is_integer(value) && v >= 0 && v < (INT64_C(1) << 40);
}

static bool
times_ok(const json_t *claims, uint32_t max_age, uint64_t now, uint64_t *ret_issued)
{
	const json_t *nbf = json_object_get(claims, "nbf");
	uint64_t expires, issued, begins = 0;

	if (!seconds(json_object_get(claims, "exp"), &expires) ||
	    !seconds(json_object_get(claims, "iat"), &issued) || (nbf && !seconds(nbf, &begins)))
		return false;
	*ret_issued = issued;
	return now < expires && begins <= now + TOKEN_AHEAD_MAX_S &&
	    issued <= now + TOKEN_AHEAD_MAX_S && issued + max_age >= now;
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
verify(struct work *w, const struct token_issuers *issuers, const char *user, uint64_t now,
    struct token *token)
{
	const struct token_issuer *issuer;
	const struct keyset_key *key;

	if (!header_ok(w->header))
		return TOKEN_HEADER;
	issuer = find_issuer(w->claims, issuers);
	if (!issuer)
		return TOKEN_ISSUER;
	if (!token_issuer_has_keys(issuer, now))
		return TOKEN_KEY_SET;
	key = find_key(w->header, &issuer->keys);
	if (!key)
		return TOKEN_KEY;
	if (!signature_ok(w, key))
		return TOKEN_SIGNATURE;
	if (!audience_ok(json_object_get(w->claims, "aud"), issuer->info.audience))
		return TOKEN_AUDIENCE;
	if (!times_ok(w->claims, issuer->info.max_age_s, now, &token->record.issued))
		return TOKEN_TIME;
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
	static struct work w;
	enum token_fault fault;

	w.header = w.claims = NULL;
	fault = split(&w, text, len) ? verify(&w, issuers, user, now, &token) : TOKEN_FORM;
	json_decref(w.header);
	json_decref(w.claims);
	dk_wipe(&w, sizeof(w));
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
