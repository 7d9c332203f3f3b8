/* SPDX-License-Identifier: Apache-2.0 */
/* Azure Key Vault and Managed HSM, spec/provider-keys.md section 3.2. */
#include "provider/azure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API "?api-version=7.4"
#define LETTERS "abcdefghijklmnopqrstuvwxyz0123456789-"

static dk_err
judge(struct net_answer *answer)
{
	const json_t *error = json_object_get(answer->json, "error");
	const char *inner = net_text(json_object_get(error, "innererror"), "code");
	const char *code = net_text(error, "code"), *text = net_text(error, "message");

	if (answer->status == 200)
		return DK_OK;
	net_why(answer, "%.60s: %.300s", inner ? inner : code ? code : "", text ? text : "");
	switch (answer->status) {
	case 400:
		return DK_ERR_PROVIDER_REFUSED;
	case 401:
		return DK_ERR_PROVIDER_CREDENTIALS;
	case 403:
		return inner && strncmp(inner, "Key", 3) == 0 ? DK_ERR_PROVIDER_KEY_STATE
							      : DK_ERR_PROVIDER_DENIED;
	case 404:
		return DK_ERR_PROVIDER_KEY_MISSING;
	case 409:
		return DK_ERR_PROVIDER_KEY_STATE;
	default:
		return DK_ERR_PROVIDER_ANSWER;
	}
}

/* "BASE/keys/NAME" and what is behind it; body is taken over, NULL: a GET. */
static dk_err
call(struct provider_key *key, const char *behind, json_t *body, struct net_answer *ret)
{
	struct azure *azure = key->state;
	char url[NET_URL_MAX_BYTES];
	int n = snprintf(url, sizeof(url), "%s/keys/%s%s" API, azure->base, azure->name, behind);

	if (n > 0 && (size_t)n < sizeof(url))
		return bearer_call(key, &azure->bearer, azure_token, url, body, judge, ret);
	json_decref(body);
	return DK_ERR_PROVIDER_REFERENCE;
}

/* ---- opening ---- */

/* The version in a key identifier, ".../keys/NAME/VERSION"; NULL: not one of our key. */
static const char *
version_of(const struct azure *azure, const char *kid)
{
	const char *at = kid ? strstr(kid, "/keys/") : NULL;
	size_t len = strlen(azure->name);

	if (!at || strncmp(at + 6, azure->name, len) != 0 || at[6 + len] != '/')
		return NULL;
	at += 6 + len + 1;
	return at[0] && strspn(at, LETTERS) == strlen(at) && strlen(at) < 64 ? at : NULL;
}

/* What a key is allowed is told with it: nothing is encrypted to one that opens nothing. */
static bool
may_unwrap(const json_t *data)
{
	const json_t *ops = json_object_get(data, "key_ops"), *op;
	size_t i;

	json_array_foreach(ops, i, op)
	{
		if (json_is_string(op) && strcmp(json_string_value(op), "unwrapKey") == 0)
			return true;
	}
	return !json_is_array(ops);
}

static dk_err
add_key(struct provider_key *key, const json_t *data)
{
	const struct azure *azure = key->state;
	const char *n = net_text(data, "n"), *e = net_text(data, "e"), *kty = net_text(data, "kty");
	const char *version = version_of(azure, net_text(data, "kid"));
	uint8_t modulus[DK_RSA_MAX_BYTES], exponent[8];
	size_t n_len, e_len;
	struct dk_pkey *pkey = NULL;
	dk_err err;

	if (!version || !kty)
		return DK_ERR_PROVIDER_ANSWER;
	if (strcmp(kty, "RSA") != 0 && strcmp(kty, "RSA-HSM") != 0) {
		provider_note(key, "a key of type %.32s does not fit", kty);
		return DK_ERR_PROVIDER_KEY_USE;
	}
	if (!may_unwrap(data)) {
		provider_note(key, "the key does not allow unwrapKey");
		return DK_ERR_PROVIDER_KEY_USE;
	}
	if (!n || !e ||
	    dk_base64url_decode(n, strlen(n), modulus, sizeof(modulus), &n_len) != DK_OK ||
	    dk_base64url_decode(e, strlen(e), exponent, sizeof(exponent), &e_len) != DK_OK)
		return DK_ERR_PROVIDER_ANSWER;
	if (dk_pkey_from_rsa(modulus, n_len, exponent, e_len, &pkey) != DK_OK) {
		provider_note(key, "an RSA key of %zu bits does not fit", 8 * n_len);
		return DK_ERR_PROVIDER_KEY_USE;
	}
	err = provider_version(key, dk_pkey_id(pkey)) ? DK_ERR_PROVIDER_ANSWER
						      : provider_add_version(key, version, pkey);
	if (err != DK_OK)
		dk_pkey_free(pkey);
	return err;
}

/* version: empty for the current one. */
static dk_err
learn(struct provider_key *key, const char *version)
{
	auto_net_answer answer = { .json = NULL };
	char behind[80];
	dk_err err;

	(void)snprintf(behind, sizeof(behind), "%s%s", version[0] ? "/" : "", version);
	err = call(key, behind, NULL, &answer);
	return err == DK_OK ? add_key(key, json_object_get(answer.json, "key")) : err;
}

/* Earlier versions, for objects that were encrypted to them. Who may not list them has the
 * current one only; more than fit on a page are left out, the oldest ones of all. */
static dk_err
learn_earlier(struct provider_key *key)
{
	auto_net_answer answer = { .json = NULL };
	const json_t *list, *entry;
	const char *version;
	dk_err err;
	size_t i;

	err = call(key, "/versions", NULL, &answer);
	if (err == DK_ERR_PROVIDER_DENIED)
		return DK_OK;
	if (err != DK_OK)
		return err;
	list = json_object_get(answer.json, "value");
	json_array_foreach(list, i, entry)
	{
		version = version_of(key->state, net_text(entry, "kid"));
		if (!version)
			return DK_ERR_PROVIDER_ANSWER;
		if (strcmp(version, key->version[0].name) == 0 ||
		    json_is_false(json_object_get(json_object_get(entry, "attributes"), "enabled")))
			continue;
		if (key->version_count == PROVIDER_VERSIONS_MAX)
			break;
		err = learn(key, version);
		if (err != DK_OK && err != DK_ERR_PROVIDER_KEY_USE)
			return err;
	}
	return DK_OK;
}

/* "https://HOST/keys/NAME[/VERSION]"; ret_version: empty for none. */
static bool
split(struct azure *azure, const char *rest, char host[128], char ret_version[64])
{
	static const char https[] = "https://", keys[] = "/keys/";
	const char *at = rest + sizeof(https) - 1, *dot;
	size_t len;

	if (strncmp(rest, https, sizeof(https) - 1) != 0)
		return false;
	len = strspn(at, LETTERS ".");
	dot = strchr(at, '.');
	if (len == 0 || len >= 128 || !dot || dot == at || dot > at + len ||
	    strncmp(at + len, keys, sizeof(keys) - 1) != 0)
		return false;
	(void)snprintf(host, 128, "%.*s", (int)len, at);
	(void)snprintf(
	    azure->audience, sizeof(azure->audience), "https://%s", strchr(host, '.') + 1);
	at += len + sizeof(keys) - 1;
	len = strspn(at, LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	if (len == 0 || len >= sizeof(azure->name) || (at[len] != '\0' && at[len] != '/'))
		return false;
	(void)snprintf(azure->name, sizeof(azure->name), "%.*s", (int)len, at);
	if (at[len] == '\0')
		return true;
	at += len + 1;
	len = strspn(at, LETTERS);
	if (len == 0 || len >= 64 || at[len] != '\0')
		return false;
	(void)snprintf(ret_version, 64, "%s", at);
	return true;
}

static dk_err
azure_open(struct provider_key *key, const char *rest)
{
	struct azure *azure = calloc(1, sizeof(*azure));
	char host[128] = "", version[64] = "";
	dk_err err;

	if (!azure)
		return DK_ERR_NOMEM;
	bearer_init(&azure->bearer);
	key->state = azure;
	if (!split(azure, rest, host, version))
		return DK_ERR_PROVIDER_REFERENCE;
	err = provider_custodian(key, host);
	if (err != DK_OK)
		return err;
	if (key->conf.endpoint[0])
		(void)snprintf(azure->base, sizeof(azure->base), "%s", key->conf.endpoint);
	else
		(void)snprintf(azure->base, sizeof(azure->base), "https://%s", host);
	err = learn(key, version);
	if (err == DK_OK && !version[0] && !key->public_only)
		err = learn_earlier(key);
	return err;
}

static void
azure_close(struct provider_key *key)
{
	struct azure *azure = key->state;

	if (!azure)
		return;
	bearer_clear(&azure->bearer);
	free(azure);
	key->state = NULL;
}

/* ---- use ---- */

static dk_err
take_seed(const struct provider_key *key, const struct provider_version *version,
    const json_t *answer, struct dk_secret32 *ret)
{
	const char *named = version_of(key->state, net_text(answer, "kid"));
	const char *text = net_text(answer, "value");
	dk_auto_secret66 seed = { .len = 0 };

	if (!named || strcmp(named, version->name) != 0 || !text ||
	    dk_base64url_decode(text, strlen(text), seed.bytes, sizeof(seed.bytes), &seed.len) !=
		DK_OK ||
	    seed.len != sizeof(ret->bytes))
		return DK_ERR_PROVIDER_ANSWER;
	memcpy(ret->bytes, seed.bytes, sizeof(ret->bytes));
	return DK_OK;
}

static dk_err
azure_private_op(struct provider_key *key, const struct dk_pkey *pkey, const uint8_t *enc,
    size_t len, struct provider_secret *ret)
{
	const struct provider_version *version = provider_version(key, dk_pkey_id(pkey));
	char base64[DK_BASE64_CHARS(DK_RSA_MAX_BYTES) + 1], behind[160];
	auto_net_answer answer = { .json = NULL };
	json_t *body;
	dk_err err;

	if (!version)
		return DK_ERR_STANZA_AUTH;
	err = dk_base64url_encode(enc, len, base64, sizeof(base64));
	if (err != DK_OK)
		return err;
	body = json_pack("{s:s, s:s}", "alg", "RSA-OAEP-256", "value", base64);
	if (!body)
		return DK_ERR_NOMEM;
	(void)snprintf(behind, sizeof(behind), "/%s/unwrapkey", version->name);
	err = call(key, behind, body, &answer);
	return err == DK_OK ? take_seed(key, version, answer.json, &ret->seed) : err;
}

const struct provider_system provider_azurekv = {
	.scheme = "azurekv",
	.open = azure_open,
	.private_op = azure_private_op,
	.close = azure_close,
};
