/* SPDX-License-Identifier: Apache-2.0 */
/* A key of a service as a struct dk_key: wraps offline, unwraps by release. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client_impl.h"
#include "client/http.h"
#include "format/schedule.h"
#include "format/stanza.h"
#include "log/receipt.h"

struct remote {
	struct dk_profile profile;
	struct dk_pkey *pkey; /* public */
};

static dk_err
remote_wrap(const struct dk_key *key, const struct dk_wrap_context *context,
    const struct dk_secret32 *share, uint8_t *body, size_t *ret_len)
{
	const struct remote *remote = key->impl;

	return dk_stanza_wrap(remote->pkey, context->side, context->core_digest, share, body, ret_len);
}

static dk_err
remote_unwrap(const struct dk_key *key, struct dk_unwrap *requests, size_t n)
{
	const struct remote *remote = key->impl;
	dk_err err = DK_OK;

	for (size_t at = 0; at < n && err == DK_OK; at += DK_RELEASE_OBJECTS_MAX) {
		size_t part = n - at < DK_RELEASE_OBJECTS_MAX ? n - at : DK_RELEASE_OBJECTS_MAX;

		err = client_release(&remote->profile, requests + at, part);
	}
	return err;
}

static void
remote_free(struct dk_key *key)
{
	struct remote *remote = key->impl;

	dk_profile_clear(&remote->profile);
	dk_pkey_free(remote->pkey);
	free(remote);
	free(key);
}

static const struct dk_key_ops ops = {
	.wrap = remote_wrap,
	.unwrap = remote_unwrap,
	.free = remote_free,
};

/* ---- pinned public key ---- */

static dk_err
check_version(const struct dk_profile *profile, const struct dk_key_statement *st,
    const struct dk_key_version *v)
{
	struct dk_log_object *objects = malloc(DK_LOG_OBJECTS_MAX * sizeof(*objects));
	const struct dk_part part = { v->spki, v->spki_len };
	struct dk_log_event event;
	struct dk_log_keys keys;
	uint8_t id[32];
	uint64_t index;
	dk_err err;

	if (!objects)
		return DK_ERR_NOMEM;
	dk_service_log_keys(&profile->service, &keys);
	err = dk_receipt_verify(&keys, v->receipt, v->receipt_len, objects, &event, &index);
	free(objects);
	if (err == DK_OK)
		err = dk_sha256(&part, 1, id);
	if (err != DK_OK)
		return err;
	if (index != v->index || event.class_ != DK_LOG_KEY_CREATED ||
	    strcmp(event.key_name, st->name) != 0 || !event.has_key_id ||
	    memcmp(event.key_id, id, 32) != 0 || event.key_version != v->version ||
	    event.stanza_type != v->type)
		return DK_ERR_RECEIPT;
	return DK_OK;
}

static dk_err
check_statement(const struct dk_profile *profile, const char *name, const uint8_t *body, size_t len,
    struct dk_key_statement *st)
{
	uint8_t prefix[DK_INFO_MAX_BYTES];
	dk_auto_pkey *identity = NULL;
	struct dk_part parts[2];
	dk_err err;

	err = dk_key_statement_parse(body, len, st);
	if (err != DK_OK)
		return err;
	err = dk_pkey_from_spki(profile->service.identity, DK_P256_SPKI_BYTES, &identity);
	if (err != DK_OK)
		return DK_ERR_SERVICE_PROFILE;
	err = dk_key_statement_parts(body, st->signed_len, prefix, parts);
	if (err != DK_OK)
		return err;
	if (dk_ecdsa_verify(identity, parts, 2, st->signature) != DK_OK ||
	    strcmp(st->name, name) != 0 ||
	    memcmp(st->custodian, profile->service.custodian, DK_CUSTODIAN_BYTES) != 0)
		return DK_ERR_RECEIPT;
	for (unsigned i = 0; i < st->version_count; i++) {
		err = check_version(profile, st, &st->version[i]);
		if (err != DK_OK)
			return err;
	}
	return DK_OK;
}

static dk_err
fetch_statement(const struct dk_profile *profile, const char *name, uint8_t **ret_body,
    size_t *ret_len)
{
	struct dk_http_request request = { .ca_pem = profile->ca_pem,
		.ca_pem_len = profile->ca_pem_len };
	char url[DK_URL_MAX_BYTES + 128];
	struct dk_http_answer answer;
	int n = snprintf(url, sizeof(url), "%s/v1/keys/%s", profile->service.base_url, name);
	dk_err err;

	if (n < 0 || (size_t)n >= sizeof(url))
		return DK_ERR_ARGUMENT;
	request.url = url;
	err = dk_http(&request, &answer);
	if (err != DK_OK)
		return err;
	*ret_body = answer.body;
	*ret_len = answer.len;
	return DK_OK;
}

/* What is pinned is checked again at each use: the file may have been changed. */
static dk_err
get_statement(const struct dk_profile *profile, const char *name, uint8_t **ret_body,
    struct dk_key_statement *st)
{
	bool pinned;
	size_t len;
	dk_err err;

	err = dk_profile_key_load(profile, name, ret_body, &len);
	pinned = err == DK_OK;
	if (!pinned)
		err = fetch_statement(profile, name, ret_body, &len);
	if (err != DK_OK)
		return err;
	err = check_statement(profile, name, *ret_body, len, st);
	if (err == DK_OK && !pinned)
		err = dk_profile_key_save(profile, name, *ret_body, len);
	if (err != DK_OK)
		free(*ret_body);
	return err;
}

static const struct dk_key_version *
current(const struct dk_key_statement *st)
{
	for (unsigned i = st->version_count; i > 0; i--)
		if (st->version[i - 1].state == 1)
			return &st->version[i - 1];
	return NULL;
}

static dk_err
name_type(struct dk_key *key, const struct dk_pkey *pkey)
{
	int n;

	if (dk_pkey_type(pkey) == DK_KEY_RSA)
		n = snprintf(key->type_name, sizeof(key->type_name), "rsa%u", 8 * dk_pkey_rsa_bytes(pkey));
	else
		n = snprintf(key->type_name, sizeof(key->type_name), "%s",
		    dk_pkey_type(pkey) == DK_KEY_P256 ? "p256" : "p384");
	return n > 0 && (size_t)n < sizeof(key->type_name) ? DK_OK : DK_ERR_KEY_TYPE;
}

static dk_err
fill_key(struct dk_key *key, struct remote *remote, const struct dk_key_version *v, dk_side side)
{
	dk_err err;

	err = dk_pkey_from_spki(v->spki, v->spki_len, &remote->pkey);
	if (err != DK_OK)
		return err;
	key->ops = &ops;
	key->side = side;
	key->stanza_type = v->type;
	memcpy(key->id, dk_pkey_id(remote->pkey), DK_KEY_ID_BYTES);
	dk_hex(key->id, DK_KEY_ID_BYTES, key->id_hex);
	memcpy(key->custodian, remote->profile.service.custodian, DK_CUSTODIAN_BYTES);
	memcpy(key->custodian_text, key->custodian, DK_CUSTODIAN_BYTES);
	key->created = v->created;
	key->has_private = true;
	key->impl = remote;
	return name_type(key, remote->pkey);
}

static dk_err
open_named(struct dk_key *key, struct remote *remote, const char *base_url, const char *name,
    dk_side side)
{
	struct dk_key_statement *st = calloc(1, sizeof(*st));
	const struct dk_key_version *v;
	uint8_t *body;
	dk_err err;

	if (!st)
		return DK_ERR_NOMEM;
	err = dk_profile_load(base_url, &remote->profile);
	if (err == DK_OK)
		err = get_statement(&remote->profile, name, &body, st);
	if (err == DK_OK) {
		v = current(st);
		err = v ? fill_key(key, remote, v, side) : DK_ERR_SERVICE_KEY_DISABLED;
		free(body);
	}
	free(st);
	return err;
}

/* "https://HOST:PORT/keys/NAME" */
static bool
split(const char *ref, char base_url[DK_URL_MAX_BYTES + 1], const char **ret_name)
{
	const char *path = strstr(ref, "/keys/");
	size_t len = path ? (size_t)(path - ref) : 0;

	if (len == 0 || len > DK_URL_MAX_BYTES)
		return false;
	memcpy(base_url, ref, len);
	base_url[len] = '\0';
	*ret_name = path + strlen("/keys/");
	return dk_base_url_valid(base_url) && dk_service_key_name_valid(*ret_name, strlen(*ret_name));
}

dk_err
client_key_open(const char *ref, dk_side side, struct dk_key **ret)
{
	char base_url[DK_URL_MAX_BYTES + 1];
	struct remote *remote;
	struct dk_key *key;
	const char *name;
	dk_err err;

	if (!split(ref, base_url, &name))
		return DK_ERR_KEY_FOREIGN;
	if (side != DK_SIDE_CUSTOMER)
		return DK_ERR_KEY_SIDE;
	key = calloc(1, sizeof(*key));
	remote = calloc(1, sizeof(*remote));
	err = key && remote ? open_named(key, remote, base_url, name, side) : DK_ERR_NOMEM;
	if (err == DK_OK) {
		*ret = key;
		return DK_OK;
	}
	if (remote) {
		dk_profile_clear(&remote->profile);
		dk_pkey_free(remote->pkey);
	}
	free(remote);
	free(key);
	return err;
}
