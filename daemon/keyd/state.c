/* SPDX-License-Identifier: Apache-2.0 */
#include "keyd/state.h"

#include <stdlib.h>
#include <string.h>

static void
free_key(struct service_key *key)
{
	for (unsigned i = 0; i < key->version_count; i++) {
		dk_pkey_free(key->version[i].pkey);
		dk_dke_free(key->version[i].dke);
		free(key->version[i].receipt);
	}
	dk_pkey_free(key->recovery);
	free(key);
}

void
state_clear(struct state *state)
{
	for (unsigned i = 0; i < state->key_count; i++)
		free_key(state->key[i]);
	for (unsigned i = 0; i < state->device_count; i++) {
		dk_pkey_free(state->device[i]->pkey);
		free(state->device[i]->credential);
		free(state->device[i]);
	}
	free(state->device);
	approved_clear(&state->approved);
	dk_pkey_free(state->identity);
	dk_pkey_free(state->ca);
	dk_wipe(state, sizeof(*state));
}

struct service_key *
state_key_by_name(struct state *state, const char *name)
{
	for (unsigned i = 0; i < state->key_count; i++)
		if (strcmp(state->key[i]->name, name) == 0)
			return state->key[i];
	return NULL;
}

struct key_version *
state_version_by_id(struct state *state, const uint8_t id[32], struct service_key **ret_key)
{
	for (unsigned i = 0; i < state->key_count; i++)
		for (unsigned v = 0; v < state->key[i]->version_count; v++)
			if (state->key[i]->version[v].pkey &&
			    memcmp(state->key[i]->version[v].id, id, 32) == 0) {
				*ret_key = state->key[i];
				return &state->key[i]->version[v];
			}
	return NULL;
}

struct service_key *
state_key_by_dke_name(struct state *state, const char *dke_name)
{
	for (unsigned i = 0; i < state->key_count; i++)
		if (state->key[i]->dke_name[0] && strcmp(state->key[i]->dke_name, dke_name) == 0)
			return state->key[i];
	return NULL;
}

struct key_version *
state_dke_version(struct service_key *key, const char *dke_id)
{
	for (unsigned v = 0; v < key->version_count; v++)
		if (strcmp(key->version[v].dke_id, dke_id) == 0)
			return &key->version[v];
	return NULL;
}

const struct service_key *
state_key_with_id(const struct state *state, const uint8_t id[32])
{
	for (unsigned i = 0; i < state->key_count; i++)
		for (unsigned v = 0; v < state->key[i]->version_count; v++)
			if (memcmp(state->key[i]->version[v].id, id, 32) == 0)
				return state->key[i];
	return NULL;
}

const struct key_version *
state_dke_published(const struct service_key *key)
{
	for (unsigned v = key->version_count; v > 0; v--)
		if (key->version[v - 1].state == DK_VERSION_ACTIVE &&
		    !key->version[v - 1].decrypt_only)
			return &key->version[v - 1];
	return NULL;
}

struct key_version *
state_current(struct service_key *key)
{
	for (unsigned v = key->version_count; v > 0; v--)
		if (key->version[v - 1].state == DK_VERSION_ACTIVE)
			return &key->version[v - 1];
	return NULL;
}

dk_err
state_add_version(struct state *state, const char *name, const struct key_version *version)
{
	struct service_key *key = state_key_by_name(state, name);

	if (!key) {
		if (state->key_count == STATE_KEYS_MAX || strlen(name) > DK_SERVICE_NAME_MAX_BYTES)
			return DK_ERR_ARGUMENT;
		key = calloc(1, sizeof(*key));
		if (!key)
			return DK_ERR_NOMEM;
		memcpy(key->name, name, strlen(name));
		state->key[state->key_count++] = key;
	}
	if (key->version_count == DK_VERSIONS_MAX)
		return DK_ERR_ARGUMENT;
	key->version[key->version_count++] = *version;
	return DK_OK;
}

/* Where id is, or where it would be inserted. */
static unsigned
device_place(const struct state *state, const uint8_t id[32])
{
	unsigned low = 0, high = state->device_count;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (memcmp(state->device[mid]->id, id, 32) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct device *
state_device(struct state *state, const uint8_t id[32])
{
	unsigned i = device_place(state, id);

	if (i < state->device_count && memcmp(state->device[i]->id, id, 32) == 0)
		return state->device[i];
	return NULL;
}

struct device *
state_authenticator(struct state *state, const struct dk_part *credential)
{
	for (unsigned i = 0; i < state->device_count; i++) {
		const struct credential *c = state->device[i]->credential;

		if (c && c->len == credential->len && memcmp(c->id, credential->data, c->len) == 0)
			return state->device[i];
	}
	return NULL;
}

dk_err
state_add_device(struct state *state, const struct device *device)
{
	unsigned i = device_place(state, device->id);
	struct device **grown, *copy;

	if (state->device_count == STATE_DEVICES_MAX)
		return DK_ERR_ARGUMENT;
	grown = realloc(state->device, (state->device_count + 1) * sizeof(struct device *));
	if (!grown)
		return DK_ERR_NOMEM;
	state->device = grown;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return DK_ERR_NOMEM;
	*copy = *device;
	memmove(grown + i + 1, grown + i, (state->device_count - i) * sizeof(struct device *));
	grown[i] = copy;
	state->device_count++;
	return DK_OK;
}

struct open_code *
state_code(struct state *state, const uint8_t id[DK_CODE_ID_BYTES])
{
	for (unsigned i = 0; i < state->code_count; i++)
		if (memcmp(state->code[i].id, id, DK_CODE_ID_BYTES) == 0)
			return &state->code[i];
	return NULL;
}

void
state_remove_code(struct state *state, struct open_code *code)
{
	struct open_code *last = &state->code[state->code_count - 1];

	*code = *last;
	dk_wipe(last, sizeof(*last));
	state->code_count--;
}

void
state_expire_codes(struct state *state, uint64_t now)
{
	for (unsigned i = 0; i < state->code_count;)
		if (state->code[i].expires < now || state->code[i].tries >= STATE_CODE_TRIES_MAX)
			state_remove_code(state, &state->code[i]);
		else
			i++;
}
