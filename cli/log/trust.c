/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log/trust.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/files/bytes.h"
#include "client/client.h"
#include "cli/command/command.h"
#include "cli/console/message.h"

#define CA_FILE_MAX_BYTES (1u << 20)

void
log_trust_clear(struct log_trust *trust)
{
	option_list_clear(&trust->keys);
}

int
log_trust_take(struct log_trust *trust, int code)
{
	switch (code) {
	case LOG_KEY:
		return option_list_add(&trust->keys, optarg) ? STATUS_OK : STATUS_FAILED;
	case LOG_POLICY:
		trust->policy_file = optarg;
		return STATUS_OK;
	case LOG_CA:
		trust->ca_file = optarg;
		return STATUS_OK;
	default:
		return -1;
	}
}

void
log_fail(const char *place, dk_err err, const char *where)
{
	if (err == DK_ERR_LIBRARY)
		message_fail(place, "libdoublekey-client.so cannot be loaded (library)");
	else
		message_err_at(place, err, where ? where : "");
}

/* ---- keys ---- */

static bool
load_policy(struct log_trust *trust)
{
	unsigned line = 0;
	uint8_t *text;
	size_t len;
	char where[32];
	dk_err err;

	if (!bytes_read(trust->policy_file, DK_QUORUM_FILE_MAX_BYTES, &text, &len))
		return false;
	err = dk_quorum_parse((const char *)text, len, &trust->quorum, &line);
	free(text);
	if (err == DK_OK)
		return true;
	(void)snprintf(where, sizeof(where), "line %u", line);
	log_fail(trust->policy_file, err, where);
	return false;
}

static bool
load_keys(struct log_trust *trust)
{
	struct dk_quorum *q = &trust->quorum;
	dk_err err;

	trust->all_keys = true;
	for (size_t i = 0; i < trust->keys.count; i++) {
		const char *text = trust->keys.item[i];

		if (q->log_count == DK_QUORUM_LOGS_MAX) {
			message_fail("--key", "at most %d of them", DK_QUORUM_LOGS_MAX);
			return false;
		}
		err = dk_note_key_parse(text, strlen(text), &q->log[q->log_count].key);
		if (err != DK_OK) {
			message_err(text, err, NULL);
			return false;
		}
		q->log_count++;
	}
	return true;
}

/* Both of the two that are pinned for the origin of this checkpoint. */
static bool
load_pinned(struct log_trust *trust, const char *name, const char *origin, size_t len)
{
	char text[DK_ORIGIN_MAX_BYTES + 1] = "";
	struct dk_log_keys keys;
	struct dk_note_key key[2];
	dk_err err = DK_ERR_LOG_KEY;

	if (len < sizeof(text)) {
		memcpy(text, origin, len);
		err = dk_client_log_keys(text, &keys);
	}
	if (err == DK_ERR_SERVICE_NOT_ENROLLED || err == DK_ERR_LIBRARY || err == DK_ERR_LOG_KEY) {
		message_fail(
		    name, "no key for the log '%s' (log-key): give --key or --policy", text);
		return false;
	}
	if (err == DK_OK)
		err = dk_log_note_keys(&keys, key);
	if (err != DK_OK) {
		message_err(name, err, NULL);
		return false;
	}
	trust->quorum.log_count = 2;
	trust->quorum.log[0].key = key[0];
	trust->quorum.log[1].key = key[1];
	trust->all_keys = true;
	return true;
}

/* A policy may leave out the log, whose keys are then given or pinned; its quorum counts. */
static bool
load(struct log_trust *trust, const char *name, const char *origin, size_t len)
{
	uint8_t quorum = DK_QUORUM_NONE;

	if (trust->loaded)
		return true;
	if (trust->policy_file) {
		if (!load_policy(trust))
			return false;
		quorum = trust->quorum.quorum;
	}
	if (trust->keys.count > 0 && trust->quorum.log_count > 0) {
		message_fail("--key", "the policy has logs already");
		return false;
	}
	if (trust->keys.count > 0 && !load_keys(trust))
		return false;
	if (trust->quorum.log_count == 0 && !load_pinned(trust, name, origin, len))
		return false;
	trust->quorum.quorum = quorum;
	trust->loaded = true;
	return true;
}

static bool
is_origin(const struct dk_note_key *key, const char *origin, size_t len)
{
	return strlen(key->name) == len && memcmp(key->name, origin, len) == 0;
}

/* The log's own signatures. */
static dk_err
check_keys(
    const struct log_trust *trust, const struct dk_note *note, const char *origin, size_t len)
{
	unsigned wanted = 0, signed_by = 0;
	struct dk_note_seen seen;
	dk_err err;

	for (unsigned i = 0; i < trust->quorum.log_count; i++) {
		const struct dk_note_key *key = &trust->quorum.log[i].key;

		if (!is_origin(key, origin, len))
			continue;
		wanted++;
		err = dk_note_verify(note, key, &seen);
		if (err != DK_OK)
			return err;
		signed_by += seen.count > 0;
	}
	if (signed_by == 0 || (trust->all_keys && signed_by < trust->quorum.log_count))
		return DK_ERR_LOG_KEY;
	return wanted > 0 ? DK_OK : DK_ERR_LOG_KEY;
}

bool
log_trust_check(struct log_trust *trust, const char *name, const char *text, size_t len,
    struct dk_checkpoint *ret_checkpoint, struct dk_quorum_seen *ret_seen)
{
	struct dk_quorum_seen seen = { .reached = false };
	struct dk_checkpoint cp;
	struct dk_note note;
	const char *origin;
	size_t origin_len;
	dk_err err;

	err = dk_note_parse(text, len, &note);
	if (err == DK_OK)
		err = dk_checkpoint_parse(&note, &origin, &origin_len, &cp);
	if (err != DK_OK) {
		log_fail(name, err, NULL);
		return false;
	}
	if (!load(trust, name, origin, origin_len))
		return false;
	err = check_keys(trust, &note, origin, origin_len);
	if (err == DK_OK)
		err = dk_quorum_check(&trust->quorum, &note, &seen);
	if (err == DK_OK && !seen.reached)
		err = DK_ERR_LOG_QUORUM;
	if (err != DK_OK) {
		log_fail(name, err, NULL);
		return false;
	}
	*ret_checkpoint = cp;
	*ret_seen = seen;
	return true;
}

bool
log_trust_signed(const struct log_trust *trust, const struct dk_note *note, const char *origin)
{
	size_t len = strlen(origin);

	return trust->loaded && note->text_len > len && memcmp(note->text, origin, len) == 0 &&
	    note->text[len] == '\n' && check_keys(trust, note, origin, len) == DK_OK;
}

/* ---- places ---- */

bool
log_place_is_url(const char *place)
{
	return strncmp(place, "https://", 8) == 0 || strncmp(place, "http://", 7) == 0;
}

bool
log_place_open(const struct log_trust *trust, const char *place, struct dk_log_source *ret_source)
{
	uint8_t *ca = NULL;
	size_t len = 0;
	dk_err err;

	if (!log_place_is_url(place)) {
		err = dk_log_folder_open(place, ret_source);
	} else {
		if (trust->ca_file && !bytes_read(trust->ca_file, CA_FILE_MAX_BYTES, &ca, &len))
			return false;
		err = dk_client_log_open(place, ca, len, ret_source);
		free(ca);
		if (err == DK_ERR_ARGUMENT) {
			message_fail(place, "not an https:// URL of a log (argument)");
			return false;
		}
	}
	if (err != DK_OK)
		log_fail(place, err, NULL);
	return err == DK_OK;
}

bool
log_checkpoint_read(
    const struct dk_log_source *source, const char *place, char *text, size_t *ret_len)
{
	struct dk_log_file file = {
		.path = "checkpoint", .data = (uint8_t *)text, .cap = DK_NOTE_MAX_BYTES
	};
	dk_err err = source->read(source->ctx, &file, 1);

	if (err != DK_OK) {
		log_fail(place, err, "checkpoint");
		return false;
	}
	*ret_len = file.len;
	return true;
}
