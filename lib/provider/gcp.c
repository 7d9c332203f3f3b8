/* SPDX-License-Identifier: Apache-2.0 */
/* Google Cloud KMS, spec/provider-keys.md section 3.3. */
#include "provider/gcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST "https://cloudkms.googleapis.com"
#define VERSIONS "/cryptoKeyVersions/"

/* CRC32C (Castagnoli), reflected; what it guards is short. */
static uint32_t
crc32c(const uint8_t *data, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
	}
	return ~crc;
}

/* ---- requests ---- */

dk_err
gcp_judge(struct net_answer *answer)
{
	const json_t *error = json_object_get(answer->json, "error");
	const char *status = net_text(error, "status"), *text = net_text(error, "message");

	if (answer->status == 200)
		return DK_OK;
	net_why(answer, "%.60s: %.300s", status ? status : "", text ? text : "");
	switch (answer->status) {
	case 400:
		return status && strcmp(status, "FAILED_PRECONDITION") == 0
		    ? DK_ERR_PROVIDER_KEY_STATE
		    : DK_ERR_PROVIDER_REFUSED;
	case 401:
		return DK_ERR_PROVIDER_CREDENTIALS;
	case 403:
		return DK_ERR_PROVIDER_DENIED;
	case 404:
		return DK_ERR_PROVIDER_KEY_MISSING;
	default:
		return DK_ERR_PROVIDER_ANSWER;
	}
}

/* "BASE/v1/RESOURCE" and the action; body is taken over, NULL: a GET. */
static dk_err
call(struct provider_key *key, const char *action, json_t *body, struct net_answer *ret)
{
	struct gcp *gcp = key->state;
	char url[NET_URL_MAX_BYTES];
	int n = snprintf(url, sizeof(url), "%s/v1/%s%s", gcp->base, gcp->resource, action);

	if (n > 0 && (size_t)n < sizeof(url))
		return bearer_call(key, &gcp->bearer, gcp_token, url, body, gcp_judge, ret);
	json_decref(body);
	return DK_ERR_PROVIDER_REFERENCE;
}

/* Numbers of 64 bits are texts in this JSON. */
static bool
says_crc(const json_t *answer, const char *name, const uint8_t *data, size_t len)
{
	char text[16];
	const json_t *value = json_object_get(answer, name);

	(void)snprintf(text, sizeof(text), "%lu", (unsigned long)crc32c(data, len));
	if (json_is_integer(value))
		return json_integer_value(value) == (json_int_t)crc32c(data, len);
	return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

/* data and its checksum; DK_ERR_NOMEM also for no body. */
static dk_err
put(json_t *body, const char *name, const uint8_t *data, size_t len)
{
	char sum[64], text[16];
	dk_err err = net_set_bytes(body, name, data, len);

	(void)snprintf(sum, sizeof(sum), "%sCrc32c", name);
	(void)snprintf(text, sizeof(text), "%lu", (unsigned long)crc32c(data, len));
	if (err == DK_OK && json_object_set_new(body, sum, json_string(text)) != 0)
		err = DK_ERR_NOMEM;
	return err;
}

/* A secret of exactly len bytes whose checksum is right. */
static dk_err
take_plaintext(const json_t *answer, uint8_t *ret, size_t len)
{
	dk_auto_secret32 secret = { { 0 } };
	dk_err err;

	if (len != sizeof(secret.bytes))
		return DK_ERR_ARGUMENT;
	err = net_secret(answer, "plaintext", secret.bytes, sizeof(secret.bytes));
	if (err != DK_OK)
		return err;
	if (!says_crc(answer, "plaintextCrc32c", secret.bytes, sizeof(secret.bytes)))
		return DK_ERR_PROVIDER_ANSWER;
	memcpy(ret, secret.bytes, len);
	return DK_OK;
}

/* ---- opening ---- */

/* "NAME/VALUE" of letters, digits and "-_.:"; *at moves behind it, and behind a '/'. */
static bool
pass(const char **at, const char *name, char *ret, size_t cap)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.:";
	size_t head = strlen(name), len;

	if (strncmp(*at, name, head) != 0 || (*at)[head] != '/')
		return false;
	*at += head + 1;
	len = strspn(*at, allowed);
	if (len == 0 || (*at)[0] == '.' || ((*at)[len] != '/' && (*at)[len] != '\0') ||
	    (ret && len >= cap))
		return false;
	if (ret)
		(void)snprintf(ret, cap, "%.*s", (int)len, *at);
	*at += len + ((*at)[len] == '/' ? 1 : 0);
	return true;
}

/* ret_version: whether the reference names one. */
static bool
split(const char *rest, char project[128], bool *ret_version)
{
	const char *at = rest;
	char number[20];

	if (rest[0] == '\0' || rest[strlen(rest) - 1] == '/' ||
	    !pass(&at, "projects", project, 128) || !pass(&at, "locations", NULL, 0) ||
	    !pass(&at, "keyRings", NULL, 0) || !pass(&at, "cryptoKeys", NULL, 0))
		return false;
	*ret_version = *at != '\0';
	return !*ret_version ||
	    (pass(&at, "cryptoKeyVersions", number, sizeof(number)) && *at == '\0' &&
		strspn(number, "0123456789") == strlen(number));
}

static dk_err
learn_public(struct provider_key *key)
{
	auto_net_answer answer = { .json = NULL };
	struct dk_pkey *pkey = NULL;
	const char *pem, *algorithm;
	dk_err err;

	err = call(key, "/publicKey", NULL, &answer);
	if (err != DK_OK)
		return err;
	pem = net_text(answer.json, "pem");
	algorithm = net_text(answer.json, "algorithm");
	if (!pem || !algorithm ||
	    !says_crc(answer.json, "pemCrc32c", (const uint8_t *)pem, strlen(pem)))
		return DK_ERR_PROVIDER_ANSWER;
	if (strcmp(algorithm, "RSA_DECRYPT_OAEP_3072_SHA256") != 0 &&
	    strcmp(algorithm, "RSA_DECRYPT_OAEP_4096_SHA256") != 0) {
		provider_note(key, "a key for %.64s does not fit", algorithm);
		return DK_ERR_PROVIDER_KEY_USE;
	}
	if (dk_pkey_from_pem(pem, strlen(pem), &pkey) != DK_OK)
		return DK_ERR_PROVIDER_KEY_USE;
	err = provider_add_version(key, "", pkey);
	if (err != DK_OK)
		dk_pkey_free(pkey);
	return err;
}

static dk_err
set_base(const struct provider_key *key, struct gcp *gcp)
{
	const char *domain = getenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN");
	int n;

	if (key->conf.endpoint[0])
		n = snprintf(gcp->base, sizeof(gcp->base), "%s", key->conf.endpoint);
	else if (domain && domain[0])
		n = snprintf(gcp->base, sizeof(gcp->base), "https://cloudkms.%s", domain);
	else
		n = snprintf(gcp->base, sizeof(gcp->base), HOST);
	return n > 0 && (size_t)n < sizeof(gcp->base) ? DK_OK : DK_ERR_PROVIDER_CONFIGURATION;
}

static dk_err
gcp_open(struct provider_key *key, const char *rest)
{
	struct gcp *gcp = calloc(1, sizeof(*gcp));
	char project[128], custodian[160];
	bool version;
	dk_err err;

	if (!gcp)
		return DK_ERR_NOMEM;
	bearer_init(&gcp->bearer);
	key->state = gcp;
	if (!split(rest, project, &version))
		return DK_ERR_PROVIDER_REFERENCE;
	(void)snprintf(gcp->resource, sizeof(gcp->resource), "%s", rest);
	(void)snprintf(custodian, sizeof(custodian), "gcp:%s", project);
	err = provider_custodian(key, custodian);
	if (err == DK_OK)
		err = set_base(key, gcp);
	if (err != DK_OK)
		return err;
	if (version)
		return learn_public(key);
	/* What may use a symmetric key need not be allowed to look at it. */
	(void)snprintf(key->name, sizeof(key->name), "%s", key->ref);
	return DK_OK;
}

static void
gcp_close(struct provider_key *key)
{
	struct gcp *gcp = key->state;

	if (!gcp)
		return;
	bearer_clear(&gcp->bearer);
	free(gcp);
	key->state = NULL;
}

/* ---- use ---- */

/* The number of the version that the answer names, which must be one of our key. */
static bool
take_version(const struct gcp *gcp, const json_t *answer, char *ret, size_t cap)
{
	const char *name = net_text(answer, "name"), *number;
	size_t len = strlen(gcp->resource);

	if (!name || strncmp(name, gcp->resource, len) != 0 ||
	    strncmp(name + len, VERSIONS, sizeof(VERSIONS) - 1) != 0)
		return false;
	number = name + len + sizeof(VERSIONS) - 1;
	if (number[0] == '\0' || strlen(number) >= cap ||
	    strspn(number, "0123456789") != strlen(number))
		return false;
	(void)snprintf(ret, cap, "%s", number);
	return true;
}

static dk_err
gcp_wrap(struct provider_key *key, const uint8_t core_digest[DK_SHA384_BYTES],
    const struct dk_secret32 *share, struct provider_blob *ret)
{
	auto_net_answer answer = { .json = NULL };
	json_t *body = json_object();
	dk_err err;

	err = put(body, "plaintext", share->bytes, DK_SHARE_BYTES);
	if (err == DK_OK)
		err = put(body, "additionalAuthenticatedData", core_digest, DK_SHA384_BYTES);
	if (err != DK_OK) {
		json_decref(body);
		return err;
	}
	err = call(key, ":encrypt", body, &answer);
	if (err == DK_OK)
		err =
		    net_bytes(answer.json, "ciphertext", ret->bytes, sizeof(ret->bytes), &ret->len);
	if (err != DK_OK)
		return err;
	if (!json_is_true(json_object_get(answer.json, "verifiedPlaintextCrc32c")) ||
	    !json_is_true(
		json_object_get(answer.json, "verifiedAdditionalAuthenticatedDataCrc32c")) ||
	    !says_crc(answer.json, "ciphertextCrc32c", ret->bytes, ret->len) ||
	    !take_version(key->state, answer.json, ret->version, sizeof(ret->version)))
		return DK_ERR_PROVIDER_ANSWER;
	return DK_OK;
}

static dk_err
gcp_unwrap(struct provider_key *key, const uint8_t core_digest[DK_SHA384_BYTES],
    const struct provider_blob *blob, struct dk_secret32 *ret)
{
	auto_net_answer answer = { .json = NULL };
	json_t *body = json_object();
	dk_err err;

	err = put(body, "ciphertext", blob->bytes, blob->len);
	if (err == DK_OK)
		err = put(body, "additionalAuthenticatedData", core_digest, DK_SHA384_BYTES);
	if (err != DK_OK) {
		json_decref(body);
		return err;
	}
	err = call(key, ":decrypt", body, &answer);
	return err == DK_OK ? take_plaintext(answer.json, ret->bytes, sizeof(ret->bytes)) : err;
}

static dk_err
gcp_private_op(struct provider_key *key, const struct dk_pkey *pkey, const uint8_t *enc, size_t len,
    struct provider_secret *ret)
{
	auto_net_answer answer = { .json = NULL };
	json_t *body = json_object();
	dk_err err = put(body, "ciphertext", enc, len);

	(void)pkey;
	if (err != DK_OK) {
		json_decref(body);
		return err;
	}
	err = call(key, ":asymmetricDecrypt", body, &answer);
	if (err != DK_OK)
		return err;
	if (!json_is_true(json_object_get(answer.json, "verifiedCiphertextCrc32c")))
		return DK_ERR_PROVIDER_ANSWER;
	return take_plaintext(answer.json, ret->seed.bytes, sizeof(ret->seed.bytes));
}

const struct provider_system provider_gcpkms = {
	.scheme = "gcpkms",
	.open = gcp_open,
	.private_op = gcp_private_op,
	.wrap = gcp_wrap,
	.unwrap = gcp_unwrap,
	.close = gcp_close,
};
