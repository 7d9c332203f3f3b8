/* SPDX-License-Identifier: Apache-2.0 */
/* What users tell each other of the logs of services. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/client_impl.h"
#include "client/log_state.h"
#include "client/profile_file.h"

#define SERVICES_MAX 32

dk_err
client_log_gossip(const char *base_url, uint8_t **ret_file, size_t *ret_len)
{
	struct log_state *state = malloc(sizeof(*state));
	uint8_t *file = malloc(DK_GOSSIP_FILE_MAX_BYTES);
	dk_auto_profile profile = { .device = NULL };
	struct dk_writer_buf wr;
	dk_err err = state && file ? dk_profile_load(base_url, &profile) : DK_ERR_NOMEM;

	if (err == DK_OK)
		err = log_state_open(&profile, state);
	if (err == DK_OK) {
		log_state_close(state);
		dk_wr_init(&wr, file, DK_GOSSIP_FILE_MAX_BYTES);
		dk_gossip_begin(&wr);
		if (state->has_seen)
			dk_gossip_add(
			    &wr, &(struct dk_gossip_note){ state->seen.text, state->seen.len, 0 });
		for (unsigned i = 0; i < state->count; i++)
			dk_gossip_add(&wr,
			    &(struct dk_gossip_note){
				state->pending[i].text, state->pending[i].len, 0 });
		*ret_file = file;
		*ret_len = wr.len;
		file = NULL;
	}
	free(file);
	free(state);
	return err;
}

/* The service that a note is about; false: none where this machine is enrolled. */
static bool
service_of(const struct dk_gossip_note *note, char base_url[DK_URL_MAX_BYTES + 1])
{
	char origin[DK_ORIGIN_MAX_BYTES + 1];
	const char *end = memchr(note->text, '\n', note->len);
	size_t len = end ? (size_t)(end - note->text) : sizeof(origin);

	if (len >= sizeof(origin) || memchr(note->text, '\0', len))
		return false;
	memcpy(origin, note->text, len);
	origin[len] = '\0';
	return client_log_base(origin, base_url);
}

struct import {
	unsigned count;
	char url[SERVICES_MAX][DK_URL_MAX_BYTES + 1]; /* to compare */
};

static dk_err
remember(struct import *import, const char *url)
{
	for (unsigned i = 0; i < import->count; i++)
		if (strcmp(import->url[i], url) == 0)
			return DK_OK;
	if (import->count == SERVICES_MAX)
		return DK_ERR_LOG_FILE;
	memcpy(import->url[import->count++], url, strlen(url) + 1);
	return DK_OK;
}

static dk_err
take(struct import *import, const struct dk_gossip_note *note, struct dk_client_gossip *result)
{
	dk_auto_profile profile = { .device = NULL };
	char base_url[DK_URL_MAX_BYTES + 1];
	dk_err err = DK_ERR_SERVICE_NOT_ENROLLED;

	if (service_of(note, base_url))
		err = dk_profile_load(base_url, &profile);
	if (err == DK_ERR_SERVICE_NOT_ENROLLED) {
		result->skipped++;
		return DK_OK;
	}
	if (err == DK_OK) {
		memcpy(result->url, base_url, sizeof(base_url));
		err = client_log_add(&profile, note->text, note->len);
	}
	if (err == DK_OK)
		result->taken++;
	return err == DK_OK ? remember(import, base_url) : err;
}

static dk_err
compare_one(const char *base_url, struct dk_client_gossip *result)
{
	dk_auto_profile profile = { .device = NULL };
	dk_err err = dk_profile_load(base_url, &profile);

	memcpy(result->url, base_url, strlen(base_url) + 1);
	return err == DK_OK ? client_log_compare(&profile) : err;
}

dk_err
client_log_import(const uint8_t *file, size_t len, struct dk_client_gossip *ret_result)
{
	struct dk_gossip_note *notes = calloc(DK_GOSSIP_NOTES_MAX, sizeof(*notes));
	struct import *import = calloc(1, sizeof(*import));
	size_t n = 0;
	dk_err err = DK_ERR_NOMEM;

	*ret_result = (struct dk_client_gossip){ .taken = 0 };
	if (notes && import)
		err = dk_gossip_parse((const char *)file, len, notes, DK_GOSSIP_NOTES_MAX, &n);
	for (size_t i = 0; i < n && err == DK_OK; i++)
		err = take(import, &notes[i], ret_result);
	for (unsigned i = 0; err == DK_OK && i < import->count; i++)
		err = compare_one(import->url[i], ret_result);
	free(notes);
	free(import);
	return err;
}

dk_err
client_log_forget(const char *base_url)
{
	struct log_state *state = malloc(sizeof(*state));
	dk_auto_profile profile = { .device = NULL };
	dk_err err = state ? dk_profile_load(base_url, &profile) : DK_ERR_NOMEM;

	if (err == DK_OK)
		err = log_state_open(&profile, state);
	if (err == DK_OK) {
		state->has_seen = false;
		state->count = 0;
		err = log_state_save(state);
	}
	free(state);
	return err;
}
