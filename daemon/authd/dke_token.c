/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the order of spec/profiles/ms-dke.md section 5.2. A token chooses which tenant of the
 * policy, and which of its keys; nothing else of it is believed before its signature holds.
 */
#include "authd/dke_token.h"

#include <string.h>

#include "authd/jose.h"
#include "authd/known_keys.h"

#define LIFE_MAX_S 86400
#define TENANT_MARK "{tenantid}"

struct asked {
	const struct policy *policy;
	const struct token_issuer *tenant;
	const json_t *claims;
};

static bool
is(const char *text, const char *want)
{
	return text && strcmp(text, want) == 0;
}

/* Any text; NULL for another type. A NUL inside is refused with the whole token. */
static const char *
text_of(const json_t *claims, const char *name)
{
	return json_string_value(json_object_get(claims, name));
}

static bool
tenant_has(const struct asked *a, enum policy_tenant_list list, const char *text)
{
	return text &&
	    policy_tenant_has(a->policy, a->tenant->info.number, list, text, strlen(text));
}

static const struct token_issuer *
find_tenant(const struct policy *policy, const struct token_issuers *issuers, const char *iss)
{
	for (unsigned i = 0; iss && i < issuers->count; i++) {
		const struct policy_issuer *info = &issuers->item[i].info;

		if (info->tenant &&
		    policy_tenant_has(
			policy, info->number, POLICY_TENANT_LIST_ISSUERS, iss, strlen(iss)))
			return &issuers->item[i];
	}
	return NULL;
}

/* What a key says of its issuer, by which the keys of one tenant are told from those of
 * others in a set that has both. */
static bool
key_is_of_issuer(const struct keyset_key *key, const char *iss, const char *id)
{
	const char *mark = strstr(key->issuer, TENANT_MARK);
	size_t front = mark ? (size_t)(mark - key->issuer) : 0, len = strlen(id);

	if (!key->has_issuer)
		return true;
	if (!mark)
		return strcmp(key->issuer, iss) == 0;
	return strncmp(iss, key->issuer, front) == 0 && strncmp(iss + front, id, len) == 0 &&
	    strcmp(iss + front + len, mark + strlen(TENANT_MARK)) == 0;
}

static bool
is_quarantined(const struct token_issuer *tenant, const uint8_t thumbprint[32], uint64_t now)
{
	const struct token_known *known = known_key_find(tenant, thumbprint);

	/* One that nobody ever heard of came by no way that there is. */
	return tenant->info.key_set && (!known || now < known->until_s);
}

/* One word of a list of them with single blanks between. */
static bool
scope_ok(const struct asked *a)
{
	const char *word = text_of(a->claims, "scp");

	while (word) {
		const char *end = strchr(word, ' ');
		size_t len = end ? (size_t)(end - word) : strlen(word);

		if (policy_tenant_has(
			a->policy, a->tenant->info.number, POLICY_TENANT_LIST_SCOPES, word, len))
			return true;
		word = end ? end + 1 : NULL;
	}
	return false;
}

static bool
claims_ok(const struct asked *a)
{
	const json_t *type = json_object_get(a->claims, "idtyp");
	const char *version = text_of(a->claims, "ver");

	return is(text_of(a->claims, "tid"), policy_tenant_id(a->policy, a->tenant->info.number)) &&
	    (is(version, "1.0") || is(version, "2.0")) &&
	    (!type || is(json_string_value(type), "user")) &&
	    tenant_has(a, POLICY_TENANT_LIST_AUDIENCES, text_of(a->claims, "aud")) && scope_ok(a);
}

static bool
take_client(const struct asked *a, char ret[DKE_CLIENT_CHARS + 1])
{
	bool first = is(text_of(a->claims, "ver"), "1.0");
	const char *client = text_of(a->claims, first ? "appid" : "azp");

	if (!tenant_has(a, POLICY_TENANT_LIST_CLIENTS, client) ||
	    json_object_get(a->claims, first ? "azp" : "appid"))
		return false;
	memcpy(ret, client, DKE_CLIENT_CHARS + 1);
	return true;
}

/* The first claim of the policy that is there, whatever it is. */
static bool
take_person(const struct asked *a, char ret[PERSON_MAX_BYTES + 1])
{
	const json_t *value = NULL;
	const char *name;

	for (unsigned i = 0; !value; i++) {
		name = policy_tenant_text(
		    a->policy, a->tenant->info.number, POLICY_TENANT_LIST_CLAIMS, i);
		if (!name)
			return false;
		value = json_object_get(a->claims, name);
	}
	if (!json_is_string(value) ||
	    !person_valid(json_string_value(value), json_string_length(value)))
		return false;
	person_lower(json_string_value(value), json_string_length(value), ret);
	return true;
}

static bool
take_id(const struct asked *a, char ret[129])
{
	const char *name = json_object_get(a->claims, "uti") ? "uti" : "jti";
	const char *id = json_object_get(a->claims, name) ? jose_text(a->claims, name, 0, 128) : "";

	if (!id)
		return false;
	memcpy(ret, id, strlen(id) + 1);
	return true;
}

static const char *const claim_names[DKE_TOKEN_CLAIMS] = { "onprem_sid", "upn", "email",
	"preferred_username", "oid" };

/* The first in the pool, where there is room for them. */
static void
take_claims(const json_t *claims, struct dke_token *token)
{
	_Static_assert(DKE_TOKEN_CLAIMS * (PERSON_MAX_BYTES + 1) <= sizeof(token->pool),
	    "room for all of them");

	for (unsigned i = 0; i < DKE_TOKEN_CLAIMS; i++) {
		const json_t *value = json_object_get(claims, claim_names[i]);
		const char *text = json_string_value(value);
		char *lower = token->pool + token->used;

		lower[0] = '\0';
		if (text && person_valid(text, json_string_length(value)))
			person_lower(text, json_string_length(value), lower);
		token->claims.item[token->claims.count++] = lower;
		token->used += strlen(lower) + 1;
	}
}

const char *
dke_token_claim(const struct dke_token *token, const char *name)
{
	for (unsigned i = 0; i < token->claims.count; i++)
		if (strcmp(claim_names[i], name) == 0)
			return token->claims.item[i];
	return "";
}

/* Copies a list of texts. One of another form, or too long a one, is as good as none: it can
 * only be asked whether it has something. */
static void
take_texts(const json_t *list, struct dke_token *token, struct dke_texts *ret)
{
	const size_t before = token->used;
	const json_t *value;
	size_t i;

	ret->count = 0;
	if (json_array_size(list) > DKE_TOKEN_TEXTS_MAX)
		return;
	json_array_foreach(list, i, value)
	{
		const char *text = json_string_value(value);
		size_t room = text ? json_string_length(value) + 1 : 0;

		if (!text || room > sizeof(token->pool) - token->used) {
			/* The next list begins where this one did: texts have no names. */
			token->used = before;
			ret->count = 0;
			return;
		}
		ret->item[ret->count++] = memcpy(token->pool + token->used, text, room);
		token->used += room;
	}
}

/* For the record, whatever else of the token is not so. */
static void
take_record(const struct asked *a, const struct keyset_key *key, const char *iss,
    struct dk_log_token *record)
{
	json_int_t issued = json_integer_value(json_object_get(a->claims, "iat"));

	record->issued = issued > 0 ? (uint64_t)issued : 0;
	(void)take_id(a, record->id);
	memcpy(record->thumbprint, key->thumbprint, sizeof(record->thumbprint));
	memcpy(record->issuer, iss, strlen(iss) + 1);
	memcpy(record->key, key->kid, strlen(key->kid) + 1);
}

static enum dke_token_fault
verify_claims(const struct jwt *jwt, const struct asked *a, uint64_t now, struct dke_token *token)
{
	struct jwt_times *times = &token->times;

	if (!jwt_times_ok(jwt, a->tenant->info.max_age_s, now, times))
		return DKE_TOKEN_FALSE;
	token->record.issued = times->issued;
	if (times->expires > times->issued + LIFE_MAX_S || !claims_ok(a))
		return DKE_TOKEN_FALSE;
	if (!take_client(a, token->client))
		return DKE_TOKEN_CLIENT;
	if (!take_person(a, token->person) || !take_id(a, token->record.id))
		return DKE_TOKEN_FALSE;
	if (policy_tenant_single_use(a->policy, a->tenant->info.number)) {
		if (token->record.id[0] == '\0')
			return DKE_TOKEN_FALSE;
		token->until = times->expires;
	}
	take_claims(a->claims, token);
	take_texts(json_object_get(a->claims, "groups"), token, &token->groups);
	take_texts(json_object_get(a->claims, "roles"), token, &token->roles);
	token->issuer = a->tenant;
	token->tenant = a->tenant->info.title;
	return DKE_TOKEN_HOLDS;
}

static enum dke_token_fault
verify(const struct jwt *jwt, const struct policy *policy, const struct token_issuers *issuers,
    uint64_t now, struct dke_token *token)
{
	const char *iss = text_of(jwt->claims, "iss");
	struct asked a = { policy, find_tenant(policy, issuers, iss), jwt->claims };
	const struct keyset_key *key;

	if (!a.tenant || !jwt_header_ok(jwt))
		return DKE_TOKEN_FALSE;
	if (!token_issuer_has_keys(a.tenant, now))
		return DKE_TOKEN_NO_KEYS;
	key = jwt_find_key(jwt, &a.tenant->keys);
	if (!key || !key->rsa || !jwt_signature_ok(jwt, key) ||
	    !key_is_of_issuer(key, iss, policy_tenant_id(policy, a.tenant->info.number)))
		return DKE_TOKEN_FALSE;
	take_record(&a, key, iss, &token->record);
	token->is_signed = true;
	if (is_quarantined(a.tenant, key->thumbprint, now))
		return DKE_TOKEN_QUARANTINED;
	return verify_claims(jwt, &a, now, token);
}

enum dke_token_fault
dke_token_verify(const uint8_t *text, size_t len, const struct policy *policy,
    const struct token_issuers *issuers, uint64_t now, struct dke_token *ret)
{
	enum dke_token_fault fault = DKE_TOKEN_FALSE;
	static struct jwt jwt;

	ret->is_signed = false;
	ret->tenant = NULL;
	ret->until = 0;
	ret->record = (struct dk_log_token){ .issued = 0 };
	ret->person[0] = ret->client[0] = '\0';
	ret->claims.count = ret->groups.count = ret->roles.count = 0;
	ret->used = 0;
	if (jwt_read(&jwt, text, len, JWT_MAX_BYTES))
		fault = verify(&jwt, policy, issuers, now, ret);
	jwt_clear(&jwt);
	return fault;
}

bool
dke_token_still_holds(const struct dke_token *token, uint64_t now)
{
	const struct token_issuer *tenant = token->issuer;

	return token_issuer_has_keys(tenant, now) &&
	    !is_quarantined(tenant, token->record.thumbprint, now) &&
	    jwt_times_hold(&token->times, tenant->info.max_age_s, now);
}

const char *
dke_token_fault_name(enum dke_token_fault fault)
{
	static const char *const names[] = { "success", "token", "token-keys", "token-quarantine",
		"token-client" };

	return fault <= DKE_TOKEN_CLIENT ? names[fault] : "?";
}
