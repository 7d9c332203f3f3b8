/* SPDX-License-Identifier: Apache-2.0 */
/* A key of a service as a struct dk_key: wraps offline, unwraps by release. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client_impl.h"
#include "client/pin.h"
#include "format/stanza.h"

struct remote {
	struct dk_profile profile;
	char name[DK_SERVICE_NAME_MAX_BYTES + 1];
	struct dk_pkey *pkey; /* public half of the current version; NULL: none is active */
	pthread_mutex_t lock; /* of what is below: files are read by several threads */
	struct client_pin *pin;
	bool asked; /* for a version that was not pinned */
	dk_note_fn note;
	void *note_ctx;
	atomic_flag noted;
};

static dk_err
remote_wrap(const struct dk_key *key, const struct dk_wrap_context *context,
    const struct dk_secret32 *share, uint8_t *body, size_t *ret_len)
{
	const struct remote *remote = key->impl;

	if (!remote->pkey)
		return DK_ERR_SERVICE_KEY_DISABLED;
	return dk_stanza_wrap(
	    remote->pkey, context->side, context->core_digest, share, body, ret_len);
}

/* In as few requests as there can be. */
static void
release_all(const struct dk_profile *profile, struct dk_unwrap *requests, size_t n)
{
	size_t part, most = DK_RELEASE_OBJECTS_MAX;
	dk_err err;

	for (size_t at = 0; at < n; at += part) {
		part = n - at < most ? n - at : most;
		/* Long sets; or what stands in between takes less than a service does. */
		while ((err = client_release(profile, requests + at, part)) ==
			DK_ERR_SERVICE_TOO_LARGE &&
		    part > 1)
			most = part = part / 2;
		for (size_t i = at; err != DK_OK && i < at + part; i++)
			requests[i].err = err;
	}
}

/* What was approved has a request of its own, made before; the rest is asked for now. */
static dk_err
remote_unwrap(const struct dk_key *key, struct dk_unwrap *requests, size_t n)
{
	const struct remote *remote = key->impl;
	struct dk_unwrap *rest = calloc(n, sizeof(*rest));
	size_t *index = calloc(n, sizeof(*index));
	bool room = rest && index;
	size_t left = 0;

	for (size_t i = 0; room && i < n; i++) {
		if (client_approved(&remote->profile, &requests[i]))
			continue;
		index[left] = i;
		rest[left++] = requests[i];
	}
	release_all(&remote->profile, rest, left);
	for (size_t i = 0; i < left; i++)
		requests[index[i]].err = rest[i].err;
	free(rest);
	free(index);
	return room ? DK_OK : DK_ERR_NOMEM;
}

/* Another client may have learnt of a new version before this one. */
static bool
remote_opens(const struct dk_key *key, const uint8_t id[DK_KEY_ID_BYTES],
    const uint8_t custodian[DK_CUSTODIAN_BYTES])
{
	struct remote *remote = key->impl;
	bool has;

	if (memcmp(custodian, key->custodian, DK_CUSTODIAN_BYTES) != 0 ||
	    pthread_mutex_lock(&remote->lock) != 0)
		return false;
	has = client_pin_has(remote->pin, id);
	if (!has && !remote->asked) {
		remote->asked = true;
		has = client_pin_refresh(&remote->profile, remote->name, &remote->pin) == DK_OK &&
		    client_pin_has(remote->pin, id);
	}
	(void)pthread_mutex_unlock(&remote->lock);
	return has;
}

/* Once: a folder of a thousand files needs no thousand lines. */
static void
remote_passed_over(const struct dk_key *key, dk_err err)
{
	struct remote *remote = key->impl;
	char ref[DK_URL_MAX_BYTES + sizeof("/keys/") + DK_SERVICE_NAME_MAX_BYTES];
	char text[256];

	if (dk_err_category(err) != DK_CAT_SERVICE || !remote->note ||
	    atomic_flag_test_and_set(&remote->noted))
		return;
	if (snprintf(ref, sizeof(ref), "%s/keys/%s", remote->profile.service.base_url,
		remote->name) >= (int)sizeof(ref) ||
	    snprintf(text, sizeof(text),
		"%s (%s); another given key is tried, of whose use the service has no record",
		dk_err_text(err), dk_err_name(err)) >= (int)sizeof(text))
		return;
	remote->note(remote->note_ctx, ref, text);
}

static void
free_remote(struct remote *remote)
{
	if (!remote)
		return;
	dk_profile_clear(&remote->profile);
	dk_pkey_free(remote->pkey);
	client_pin_free(remote->pin);
	(void)pthread_mutex_destroy(&remote->lock);
	free(remote);
}

static void
remote_free(struct dk_key *key)
{
	dk_key_free(key->recovery);
	free_remote(key->impl);
	free(key);
}

static const struct dk_key_ops ops = {
	.wrap = remote_wrap,
	.unwrap = remote_unwrap,
	.many = true,
	.opens = remote_opens,
	.passed_over = remote_passed_over,
	.free = remote_free,
};

static dk_err
add_recovery(struct dk_key *key, const struct dk_key_statement *st)
{
	struct dk_pkey *pkey;
	dk_err err;

	if (!st->recovery_spki)
		return DK_OK;
	err = dk_pkey_from_spki(st->recovery_spki, st->recovery_spki_len, &pkey);
	if (err != DK_OK)
		return err;
	err = dk_key_local_new(key->side, st->recovery_custodian, 0, pkey, &key->recovery);
	if (err != DK_OK)
		dk_pkey_free(pkey);
	return err;
}

/* Without an active version the key still opens what the service lets it open:
 * the service says no, and records it. */
static dk_err
fill_key(struct dk_key *key, struct remote *remote, dk_side side)
{
	const struct dk_key_statement *st = &remote->pin->st;
	const struct dk_key_version *current = client_pin_current(remote->pin);
	const struct dk_key_version *v = current ? current : &st->version[st->version_count - 1];
	dk_auto_pkey *pkey = NULL;
	dk_err err;

	err = dk_pkey_from_spki(v->spki, v->spki_len, &pkey);
	if (err != DK_OK)
		return err;
	key->ops = &ops;
	key->side = side;
	key->stanza_type = v->type;
	memcpy(key->id, dk_pkey_id(pkey), DK_KEY_ID_BYTES);
	dk_hex(key->id, DK_KEY_ID_BYTES, key->id_hex);
	memcpy(key->custodian, remote->profile.service.custodian, DK_CUSTODIAN_BYTES);
	memcpy(key->custodian_text, key->custodian, DK_CUSTODIAN_BYTES);
	key->created = v->created;
	key->has_private = true;
	key->impl = remote;
	err = dk_key_name_type(key, pkey);
	if (err == DK_OK)
		err = add_recovery(key, st);
	if (err == DK_OK && current) {
		remote->pkey = pkey;
		pkey = NULL;
	}
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
	return dk_base_url_valid(base_url) &&
	    dk_service_key_name_valid(*ret_name, strlen(*ret_name));
}

dk_err
client_key_open(
    const char *ref, dk_side side, const struct dk_key_options *options, struct dk_key **ret)
{
	char base_url[DK_URL_MAX_BYTES + 1];
	struct remote *remote;
	struct dk_key *key;
	const char *name;
	dk_err err;

	if (!split(ref, base_url, &name))
		return DK_ERR_KEY_FOREIGN;
	if (side != DK_SIDE_CUSTOMER && side != DK_SIDE_PROVIDER)
		return DK_ERR_KEY_SIDE;
	key = calloc(1, sizeof(*key));
	remote = calloc(1, sizeof(*remote));
	err = key && remote && pthread_mutex_init(&remote->lock, NULL) == 0 ? DK_OK : DK_ERR_NOMEM;
	if (err == DK_OK) {
		memcpy(remote->name, name, strlen(name) + 1);
		remote->note = options ? options->note : NULL;
		remote->note_ctx = options ? options->note_ctx : NULL;
		atomic_flag_clear(&remote->noted);
		err = dk_profile_load(base_url, &remote->profile);
	}
	if (err == DK_OK)
		err = client_pin_get(&remote->profile, name, &remote->pin);
	if (err == DK_OK)
		err = fill_key(key, remote, side);
	if (err == DK_OK) {
		*ret = key;
		return DK_OK;
	}
	if (key)
		dk_key_free(key->recovery);
	free_remote(remote);
	free(key);
	return err;
}

dk_err
client_key_refresh(const char *ref, struct dk_client_key_info *ret_info)
{
	char base_url[DK_URL_MAX_BYTES + 1];
	const struct dk_key_version *current;
	dk_auto_profile profile = { .device = NULL };
	struct client_pin *pin;
	const char *name;
	dk_err err;

	if (!split(ref, base_url, &name))
		return DK_ERR_KEY_FOREIGN;
	err = dk_profile_load(base_url, &profile);
	if (err == DK_OK)
		err = client_pin_get(&profile, name, &pin);
	if (err != DK_OK)
		return err;
	err = client_pin_refresh(&profile, name, &pin);
	if (err == DK_OK) {
		current = client_pin_current(pin);
		*ret_info = (struct dk_client_key_info){ .version = current ? current->version : 0,
			.versions = pin->st.version_count,
			.has_recovery = pin->st.recovery_spki != NULL };
	}
	client_pin_free(pin);
	return err;
}
