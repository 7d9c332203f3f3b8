/* SPDX-License-Identifier: Apache-2.0 */
/* Pinned key statements, spec/key-service.md sections 5 and 5.1. */
#include "client/pin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/http.h"
#include "format/schedule.h"
#include "log/receipt.h"

#define ASK_AGAIN_S 3600
#define RETRY_S 300
#define CONNECT_SHORT_S 3L

void
client_pin_free(struct client_pin *pin)
{
	if (!pin)
		return;
	free(pin->body);
	free(pin);
}

/* ---- what a statement must prove ---- */

static dk_err
check_version(const struct dk_log_keys *keys, const struct dk_key_statement *st,
    const struct dk_key_version *v, struct dk_log_object *objects, struct dk_log_event *event)
{
	const struct dk_part part = { v->spki, v->spki_len };
	uint8_t id[32];
	uint64_t index;
	dk_err err;

	err = dk_receipt_verify(keys, v->receipt, v->receipt_len, objects, event, &index);
	if (err == DK_OK)
		err = dk_sha256(&part, 1, id);
	if (err != DK_OK)
		return err;
	if (index != v->index || event->class_ != DK_LOG_KEY_CREATED ||
	    strcmp(event->key_name, st->name) != 0 || !event->has_key_id ||
	    memcmp(event->key_id, id, 32) != 0 || event->key_version != v->version ||
	    event->stanza_type != v->type)
		return DK_ERR_RECEIPT;
	return DK_OK;
}

/* Each version by its record; the recovery key by the last one that names any. */
static dk_err
check_versions(const struct dk_profile *profile, const struct dk_key_statement *st)
{
	struct dk_log_object *objects = malloc(DK_LOG_OBJECTS_MAX * sizeof(*objects));
	const struct dk_part part = { st->recovery_spki, st->recovery_spki_len };
	uint8_t recorded[32], stated[32];
	struct dk_log_event event;
	struct dk_log_keys keys;
	bool has_recovery = false;
	dk_err err = objects ? DK_OK : DK_ERR_NOMEM;

	dk_service_log_keys(&profile->service, &keys);
	for (unsigned i = 0; i < st->version_count && err == DK_OK; i++) {
		err = check_version(&keys, st, &st->version[i], objects, &event);
		if (err == DK_OK && event.has_recovery) {
			has_recovery = true;
			memcpy(recorded, event.recovery, sizeof(recorded));
		}
	}
	free(objects);
	if (err == DK_OK && has_recovery != (st->recovery_spki != NULL))
		err = DK_ERR_RECEIPT;
	if (err != DK_OK || !has_recovery)
		return err;
	err = dk_sha256(&part, 1, stated);
	if (err != DK_OK)
		return err;
	return memcmp(stated, recorded, sizeof(stated)) == 0 ? DK_OK : DK_ERR_RECEIPT;
}

static dk_err
check_statement(const struct dk_profile *profile, const char *name, struct client_pin *pin)
{
	struct dk_key_statement *st = &pin->st;
	uint8_t prefix[DK_INFO_MAX_BYTES];
	dk_auto_pkey *identity = NULL;
	struct dk_part parts[2];
	dk_err err;

	err = dk_key_statement_parse(pin->body, pin->len, st);
	if (err != DK_OK)
		return err;
	err = dk_pkey_from_spki(profile->service.identity, DK_P256_SPKI_BYTES, &identity);
	if (err != DK_OK)
		return DK_ERR_SERVICE_PROFILE;
	err = dk_key_statement_parts(pin->body, st->signed_len, prefix, parts);
	if (err != DK_OK)
		return err;
	if (dk_ecdsa_verify(identity, parts, 2, st->signature) != DK_OK ||
	    strcmp(st->name, name) != 0 ||
	    memcmp(st->custodian, profile->service.custodian, DK_CUSTODIAN_BYTES) != 0)
		return DK_ERR_RECEIPT;
	return check_versions(profile, st);
}

static const struct dk_key_version *
same_version(const struct dk_key_statement *st, const struct dk_key_version *v)
{
	for (unsigned i = 0; i < st->version_count; i++)
		if (st->version[i].version == v->version &&
		    st->version[i].spki_len == v->spki_len &&
		    memcmp(st->version[i].spki, v->spki, v->spki_len) == 0)
			return &st->version[i];
	return NULL;
}

/* Whether the newer statement takes nothing back. */
static bool
follows(const struct dk_key_statement *newer, const struct dk_key_statement *old)
{
	if (newer->time < old->time)
		return false;
	for (unsigned i = 0; i < old->version_count; i++) {
		const struct dk_key_version *v = same_version(newer, &old->version[i]);

		if (!v ||
		    (old->version[i].state == DK_VERSION_DESTROYED &&
			v->state != DK_VERSION_DESTROYED))
			return false;
	}
	return true;
}

/* ---- where it comes from ---- */

static dk_err
fetch(const struct dk_profile *profile, const char *name, bool patient, struct client_pin *pin)
{
	struct dk_http_request request = { .ca_pem = profile->ca_pem,
		.ca_pem_len = profile->ca_pem_len,
		.connect_s = patient ? 0 : CONNECT_SHORT_S };
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
	pin->body = answer.body;
	pin->len = answer.len;
	return check_statement(profile, name, pin);
}

/* What is pinned is checked again at each use: the file may have been changed. */
static dk_err
load(const struct dk_profile *profile, const char *name, struct client_pin *pin)
{
	dk_err err;

	err = dk_profile_key_load(profile, name, &pin->body, &pin->len);
	return err == DK_OK ? check_statement(profile, name, pin) : err;
}

static dk_err
ask(const struct dk_profile *profile, const char *name, const struct client_pin *old, bool patient,
    struct client_pin **ret)
{
	struct client_pin *pin = calloc(1, sizeof(*pin));
	dk_err err = pin ? fetch(profile, name, patient, pin) : DK_ERR_NOMEM;

	if (err == DK_OK && old && !follows(&pin->st, &old->st))
		err = DK_ERR_RECEIPT;
	if (err == DK_OK)
		err = dk_profile_key_save(profile, name, pin->body, pin->len);
	if (err == DK_OK)
		*ret = pin;
	else
		client_pin_free(pin);
	return err;
}

/* The service did not answer; what is pinned is still right. */
static bool
is_away(dk_err err)
{
	return err == DK_ERR_SERVICE_UNREACHABLE || err == DK_ERR_SERVICE_TLS ||
	    err == DK_ERR_SERVICE_BUSY || err == DK_ERR_SERVICE_UNAVAILABLE;
}

dk_err
client_pin_refresh(const struct dk_profile *profile, const char *name, struct client_pin **pin)
{
	struct client_pin *fresh;
	dk_err err;

	err = ask(profile, name, *pin, true, &fresh);
	if (err != DK_OK)
		return err;
	client_pin_free(*pin);
	*pin = fresh;
	return DK_OK;
}

dk_err
client_pin_get(const struct dk_profile *profile, const char *name, struct client_pin **ret)
{
	struct client_pin *pin = calloc(1, sizeof(*pin)), *fresh;
	dk_err err = pin ? load(profile, name, pin) : DK_ERR_NOMEM;

	if (err == DK_ERR_SERVICE_NOT_ENROLLED) { /* no such file */
		client_pin_free(pin);
		return ask(profile, name, NULL, true, ret);
	}
	if (err == DK_OK && dk_profile_key_age(profile, name) >= ASK_AGAIN_S) {
		err = ask(profile, name, pin, false, &fresh);
		if (err == DK_OK) {
			client_pin_free(pin);
			pin = fresh;
		} else if (is_away(err)) {
			dk_profile_key_age_set(profile, name, ASK_AGAIN_S - RETRY_S);
			err = DK_OK;
		}
	}
	if (err == DK_OK)
		*ret = pin;
	else
		client_pin_free(pin);
	return err;
}

const struct dk_key_version *
client_pin_current(const struct client_pin *pin)
{
	for (unsigned i = pin->st.version_count; i > 0; i--)
		if (pin->st.version[i - 1].state == DK_VERSION_ACTIVE)
			return &pin->st.version[i - 1];
	return NULL;
}

bool
client_pin_has(const struct client_pin *pin, const uint8_t id[32])
{
	for (unsigned i = 0; i < pin->st.version_count; i++) {
		const struct dk_key_version *v = &pin->st.version[i];
		const struct dk_part part = { v->spki, v->spki_len };
		uint8_t own[32];

		if (dk_sha256(&part, 1, own) == DK_OK && memcmp(own, id, sizeof(own)) == 0)
			return true;
	}
	return false;
}
