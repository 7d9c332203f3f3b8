/* SPDX-License-Identifier: Apache-2.0 */
/* What a statement must prove, spec/key-service.md sections 5 and 5.1. */
#include <stdlib.h>
#include <string.h>

#include "client/check.h"
#include "format/schedule.h"
#include "log/receipt.h"

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
check_versions(const struct dk_service_data *service, const struct dk_key_statement *st)
{
	struct dk_log_object *objects = malloc(DK_LOG_OBJECTS_MAX * sizeof(*objects));
	const struct dk_part part = { st->recovery_spki, st->recovery_spki_len };
	uint8_t recorded[32], stated[32];
	struct dk_log_event event;
	struct dk_log_keys keys;
	bool has_recovery = false;
	dk_err err = objects ? DK_OK : DK_ERR_NOMEM;

	dk_service_log_keys(service, &keys);
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

dk_err
client_statement_check(const struct dk_service_data *service, const char *name, const uint8_t *body,
    size_t len, struct dk_key_statement *ret_statement)
{
	struct dk_key_statement *st = ret_statement;
	uint8_t prefix[DK_INFO_MAX_BYTES];
	dk_auto_pkey *identity = NULL;
	struct dk_part parts[2];
	dk_err err;

	err = dk_key_statement_parse(body, len, st);
	if (err != DK_OK)
		return err;
	err = dk_pkey_from_spki(service->identity, DK_P256_SPKI_BYTES, &identity);
	if (err != DK_OK)
		return DK_ERR_SERVICE_PROFILE;
	err = dk_key_statement_parts(body, st->signed_len, prefix, parts);
	if (err != DK_OK)
		return err;
	if (dk_ecdsa_verify(identity, parts, 2, st->signature) != DK_OK ||
	    strcmp(st->name, name) != 0 ||
	    memcmp(st->custodian, service->custodian, DK_CUSTODIAN_BYTES) != 0)
		return DK_ERR_RECEIPT;
	return check_versions(service, st);
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

bool
client_statement_follows(const struct dk_key_statement *newer, const struct dk_key_statement *old)
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
