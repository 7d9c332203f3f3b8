/* SPDX-License-Identifier: Apache-2.0 */
/* Transit engine of Vault and OpenBao, spec/provider-keys.md section 3.4. */
#include "provider/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOB_HEAD "vault:v"

dk_err
vault_judge(struct net_answer *answer)
{
	const json_t *first = json_array_get(json_object_get(answer->json, "errors"), 0);
	const char *text = json_string_value(first);

	switch (answer->status) {
	case 200:
	case 204:
		return DK_OK;
	case 403:
		net_why(answer, "%.300s", text ? text : "permission denied");
		return DK_ERR_PROVIDER_DENIED;
	case 404:
		return DK_ERR_PROVIDER_KEY_MISSING;
	case 400:
		net_why(answer, "%.300s", text ? text : "bad request");
		return text && strstr(text, "disallowed by policy") ? DK_ERR_PROVIDER_KEY_STATE
								    : DK_ERR_PROVIDER_REFUSED;
	default:
		return DK_ERR_PROVIDER_ANSWER;
	}
}

dk_err
vault_call(struct provider_key *key, const char *path, json_t *body, struct net_answer *ret)
{
	struct vault *vault = key->state;
	char url[NET_URL_MAX_BYTES];
	size_t len = 0;
	char *text = body ? net_json(body, &len) : NULL;
	struct net_request request = { .url = url,
		.method = text ? "POST" : "GET",
		.body = text,
		.body_len = len,
		.header = { "Content-Type: application/json" } };
	unsigned n = 1;
	dk_err err;
	int used;

	if (vault->token[0])
		request.header[n++] = vault->token;
	if (vault->space[0])
		request.header[n++] = vault->space;
	used = snprintf(url, sizeof(url), "%s/v1/%s", vault->base, path);
	if ((body && !text) || used < 0 || (size_t)used >= sizeof(url))
		err = body && !text ? DK_ERR_NOMEM : DK_ERR_PROVIDER_REFERENCE;
	else
		err = net_call(key, &request, vault_judge, ret);
	net_json_free(text);
	return err;
}

/* "MOUNT/VERB/NAME" */
static dk_err
transit(struct provider_key *key, const char *verb, json_t *body, struct net_answer *ret)
{
	const struct vault *vault = key->state;
	char path[384];
	int n = snprintf(path, sizeof(path), "%s/%s/%s", vault->mount, verb, vault->name);

	if (n > 0 && (size_t)n < sizeof(path))
		return vault_call(key, path, body, ret);
	json_decref(body);
	return DK_ERR_PROVIDER_REFERENCE;
}

/* ---- opening ---- */

static bool
plain(const char *text, size_t len, bool slashes)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '_' ||
		    (c == '.' && i > 0 && text[i - 1] != '.' && text[i - 1] != '/') ||
		    (slashes && c == '/' && i > 0 && text[i - 1] != '/');

		if (!ok)
			return false;
	}
	return len > 0;
}

/* "https://HOST[:PORT]/MOUNT/keys/NAME" */
static bool
split(struct vault *vault, const char *rest)
{
	static const char https[] = "https://", keys[] = "/keys/";
	const char *host = rest + sizeof(https) - 1, *mount, *end;

	if (strncmp(rest, https, sizeof(https) - 1) != 0)
		return false;
	mount = strchr(host, '/');
	end = mount ? strstr(mount, keys) : NULL;
	if (!end || mount == host || end <= mount + 1)
		return false;
	if (strcspn(host, "@?#%ABCDEFGHIJKLMNOPQRSTUVWXYZ") < (size_t)(mount - host) ||
	    !plain(mount + 1, (size_t)(end - mount) - 1, true) ||
	    !plain(end + sizeof(keys) - 1, strlen(end + sizeof(keys) - 1), false) ||
	    (size_t)(end - mount) > sizeof(vault->mount) ||
	    strlen(end) > sizeof(vault->name) + sizeof(keys) - 2)
		return false;
	(void)snprintf(vault->base, sizeof(vault->base), "%.*s", (int)(mount - rest), rest);
	(void)snprintf(
	    vault->mount, sizeof(vault->mount), "%.*s", (int)(end - mount) - 1, mount + 1);
	(void)snprintf(vault->name, sizeof(vault->name), "%s", end + sizeof(keys) - 1);
	return true;
}

/* A symmetric key shows numbers for its versions, the others their public halves. */
static dk_err
add_versions(struct provider_key *key, const json_t *data)
{
	const json_t *versions = json_object_get(data, "keys"), *entry;
	json_int_t latest = json_integer_value(json_object_get(data, "latest_version"));
	char number[24];

	for (json_int_t v = latest; v > 0 && v > latest - PROVIDER_VERSIONS_MAX; v--) {
		struct dk_pkey *pkey = NULL;
		const char *pem;
		dk_err err;

		(void)snprintf(number, sizeof(number), "%lld", (long long)v);
		entry = json_object_get(versions, number);
		pem = entry ? net_text(entry, "public_key") : NULL;
		if (!entry)
			continue;
		err = pem ? dk_pkey_from_pem(pem, strlen(pem), &pkey) : DK_ERR_PROVIDER_ANSWER;
		if (err == DK_OK)
			err = provider_add_version(key, number, pkey);
		if (err != DK_OK) {
			dk_pkey_free(pkey);
			return err == DK_ERR_KEY_TYPE || err == DK_ERR_KEY_INVALID
			    ? DK_ERR_PROVIDER_KEY_USE
			    : err;
		}
	}
	return key->version_count > 0 ? DK_OK : DK_ERR_PROVIDER_ANSWER;
}

static dk_err
learn(struct provider_key *key, const json_t *data)
{
	struct vault *vault = key->state;
	const char *type = net_text(data, "type");

	if (!type)
		return DK_ERR_PROVIDER_ANSWER;
	vault->derived = json_is_true(json_object_get(data, "derived"));
	if (strcmp(type, "aes256-gcm96") == 0 || strcmp(type, "chacha20-poly1305") == 0) {
		(void)snprintf(key->name, sizeof(key->name), "%s", key->ref);
		return DK_OK;
	}
	if (strcmp(type, "rsa-3072") == 0 || strcmp(type, "rsa-4096") == 0)
		return add_versions(key, data);
	provider_note(key, "a key of type %.32s does not fit", type);
	return DK_ERR_PROVIDER_KEY_USE;
}

static dk_err
vault_open(struct provider_key *key, const char *rest)
{
	struct vault *vault = calloc(1, sizeof(*vault));
	auto_net_answer answer = { .json = NULL };
	const char *space = getenv("VAULT_NAMESPACE"), *ca = getenv("VAULT_CACERT");
	dk_err err;

	if (!vault)
		return DK_ERR_NOMEM;
	key->state = vault;
	if (!split(vault, rest))
		return DK_ERR_PROVIDER_REFERENCE;
	err = provider_custodian(key, vault->base + strlen("https://"));
	if (err != DK_OK)
		return err;
	if (key->conf.endpoint[0])
		(void)snprintf(vault->base, sizeof(vault->base), "%s", key->conf.endpoint);
	if (!key->conf.ca[0] && ca)
		(void)snprintf(key->conf.ca, sizeof(key->conf.ca), "%s", ca);
	if (space && space[0])
		(void)snprintf(vault->space, sizeof(vault->space), "X-Vault-Namespace: %s", space);
	err = vault_login(key);
	if (err == DK_OK)
		err = transit(key, "keys", NULL, &answer);
	return err == DK_OK ? learn(key, json_object_get(answer.json, "data")) : err;
}

static void
vault_close(struct provider_key *key)
{
	if (key->state)
		dk_wipe(key->state, sizeof(struct vault));
	free(key->state);
	key->state = NULL;
}

/* ---- use ---- */

/* Takes body over, and gives it back with what binds it to the object; NULL: no memory. */
static json_t *
bind(const struct vault *vault, const uint8_t *core_digest, json_t *body)
{
	const char *name = vault->derived ? "context" : "associated_data";

	if (net_set_bytes(body, name, core_digest, DK_SHA384_BYTES) == DK_OK)
		return body;
	json_decref(body);
	return NULL;
}

static dk_err
take_blob(const struct net_answer *answer, struct provider_blob *ret)
{
	const char *text = net_text(json_object_get(answer->json, "data"), "ciphertext"), *colon;
	size_t head = sizeof(BLOB_HEAD) - 1;

	if (!text || strncmp(text, BLOB_HEAD, head) != 0 || strlen(text) > sizeof(ret->bytes))
		return DK_ERR_PROVIDER_ANSWER;
	colon = strchr(text + head, ':');
	if (!colon || colon == text + head || (size_t)(colon - text) - head > 10 ||
	    strspn(text + head, "0123456789") < (size_t)(colon - text) - head)
		return DK_ERR_PROVIDER_ANSWER;
	(void)snprintf(ret->version, sizeof(ret->version), "%.*s", (int)(colon - text - (long)head),
	    text + head);
	ret->len = strlen(text);
	memcpy(ret->bytes, text, ret->len);
	return DK_OK;
}

static dk_err
vault_wrap(struct provider_key *key, const uint8_t core_digest[DK_SHA384_BYTES],
    const struct dk_secret32 *share, struct provider_blob *ret)
{
	auto_net_answer answer = { .json = NULL };
	json_t *body = bind(key->state, core_digest, json_object());
	dk_err err = net_set_bytes(body, "plaintext", share->bytes, DK_SHARE_BYTES);

	if (err != DK_OK) {
		json_decref(body);
		return err;
	}
	err = transit(key, "encrypt", body, &answer);
	return err == DK_OK ? take_blob(&answer, ret) : err;
}

static dk_err
vault_unwrap(struct provider_key *key, const uint8_t core_digest[DK_SHA384_BYTES],
    const struct provider_blob *blob, struct dk_secret32 *ret)
{
	auto_net_answer answer = { .json = NULL };
	json_t *body = bind(key->state, core_digest,
	    json_pack("{s:s%}", "ciphertext", (const char *)blob->bytes, blob->len));
	dk_err err;

	/* No memory, or bytes that are no UTF-8: no blob of this system has such. */
	if (!body)
		return DK_ERR_PROVIDER_REFUSED;
	err = transit(key, "decrypt", body, &answer);
	if (err != DK_OK)
		return err;
	return net_secret(
	    json_object_get(answer.json, "data"), "plaintext", ret->bytes, sizeof(ret->bytes));
}

static dk_err
vault_private_op(struct provider_key *key, const struct dk_pkey *pkey, const uint8_t *enc,
    size_t len, struct provider_secret *ret)
{
	const struct provider_version *version = provider_version(key, dk_pkey_id(pkey));
	char base64[DK_BASE64_CHARS(DK_RSA_MAX_BYTES) + 1];
	auto_net_answer answer = { .json = NULL };
	char blob[sizeof(base64) + sizeof(version->name) + sizeof(BLOB_HEAD)];
	dk_err err;

	if (dk_pkey_type(pkey) != DK_KEY_RSA)
		return DK_ERR_PROVIDER_KEY_USE;
	err = dk_base64_encode(enc, len, base64, sizeof(base64));
	if (err != DK_OK)
		return err;
	(void)snprintf(blob, sizeof(blob), BLOB_HEAD "%s:%s", version->name, base64);
	err = transit(key, "decrypt", json_pack("{s:s}", "ciphertext", blob), &answer);
	if (err != DK_OK)
		return err;
	return net_secret(json_object_get(answer.json, "data"), "plaintext", ret->seed.bytes,
	    sizeof(ret->seed.bytes));
}

const struct provider_system provider_vault = {
	.scheme = "vault",
	.open = vault_open,
	.private_op = vault_private_op,
	.wrap = vault_wrap,
	.unwrap = vault_unwrap,
	.close = vault_close,
};
