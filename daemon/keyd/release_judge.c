/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "format/schedule.h"
#include "format/stanza.h"
#include "keyd/release.h"

dk_err
keyd_device_pkey(struct keyd *keyd, struct device *device)
{
	struct dk_pkey *pkey;
	dk_err err;

	if (device->pkey)
		return DK_OK;
	err = dk_pkey_from_spki(device->spki, sizeof(device->spki), &pkey);
	if (err != DK_OK)
		return err;
	keyd_state_lock(keyd);
	device->pkey = pkey;
	keyd_state_unlock(keyd);
	return DK_OK;
}

/* A token in the place of the device's signature. */
static bool
alone(const struct job *job)
{
#ifdef KEYD_TOKEN_ALONE /* tests/breach has a program with this hole */
	return job->token_len > 0;
#endif
	(void)job;
	return false;
}

/* DK_CODE_OK once the device's signature holds; job->device is set only then. */
static unsigned
authenticate(struct keyd *keyd, struct job *job)
{
	const struct dk_part body = { job->body, job->body_len };
	uint64_t now = ipc_now();
	struct device *device;
	unsigned code, age_max;

	code = keyd_signed(keyd, &job->sig, DK_RELEASE_PATH, &body, job->digest, &device);
	job->has_digest = code == DK_CODE_OK || code == DK_CODE_SIGNATURE;
	if (code != DK_CODE_OK && !(code == DK_CODE_SIGNATURE && alone(job)))
		return code;
	job->copy_of_device = *device;
	job->copy_of_device.pkey = NULL;
	job->device = &job->copy_of_device;
	if (device->state != DEVICE_ACTIVE)
		return DK_CODE_DEVICE_REVOKED;
	code = keyd_approvals(keyd, &job->claims.of[IPC_CLAIM_APPROVALS], job->digest, device,
	    job->sig.created, &job->approvals);
	if (code != DK_CODE_OK)
		return code;
	/* People take longer than programs. */
	age_max = job->approvals.count > 0 ? DK_APPROVED_AGE_MAX_S : DK_REQUEST_AGE_MAX_S;
	return keyd_age_fits(job->sig.created, age_max, now) ? DK_CODE_OK : DK_CODE_CLOCK;
}

unsigned
job_check(struct keyd *keyd, struct job *job)
{
	struct dk_release_request request;
	unsigned code;

	if (job->dke)
		return dke_check(keyd, job);
	code = authenticate(keyd, job);
	if (code != DK_CODE_OK)
		return code;
	if (dk_release_request_parse(job->body, job->body_len, job->parsed, &request) != DK_OK)
		return DK_CODE_MALFORMED_REQUEST;
	if (request.recipient_type != DK_KEY_P256 ||
	    dk_pkey_from_point(
		DK_KEY_P256, request.recipient, DK_P256_POINT_BYTES, &job->recipient) != DK_OK)
		return DK_CODE_RECIPIENT;
	if (keyd->state.frozen)
		return DK_CODE_FROZEN;
	job->count = request.count;
	return DK_CODE_OK;
}

static unsigned
check_share(const uint8_t *data, const struct dk_header *header, dk_side side,
    const uint8_t core_digest[48], const struct dk_secret32 *share,
    uint8_t ret_commitment[DK_COMMITMENT_BYTES])
{
	const struct dk_set *set = &header->set[side - 1];
	dk_auto_side_keys keys = { 0 };
	uint8_t mac[DK_SET_MAC_BYTES];

	if (dk_side_keys_derive(side, data + header->object_id, share, &keys) != DK_OK)
		return DK_CODE_INTERNAL;
	memcpy(ret_commitment, keys.commitment, DK_COMMITMENT_BYTES);
#ifdef KEYD_NO_COMMITMENT /* tests/breach has a program with this hole */
	return DK_CODE_OK;
#endif
	if (!dk_equal_ct(
		keys.commitment, data + header->share_commitment[side - 1], DK_COMMITMENT_BYTES))
		return DK_CODE_SHARE_COMMITMENT;
	if (dk_set_mac(&keys, core_digest, data + set->offset, set->len - DK_SET_MAC_BYTES, mac) !=
	    DK_OK)
		return DK_CODE_INTERNAL;
	if (!dk_equal_ct(mac, data + set->mac, DK_SET_MAC_BYTES))
		return DK_CODE_SET_MAC;
	return DK_CODE_OK;
}

/* The first stanza of the set that is for a key here. */
const struct dk_stanza *
find_stanza(struct keyd *keyd, const uint8_t *data, const struct dk_set *set,
    struct service_key **ret_key, struct key_version **ret_version)
{
	for (uint32_t i = 0; i < set->stanza_count; i++) {
		*ret_version =
		    state_version_by_id(&keyd->state, data + set->stanza[i].key_id, ret_key);
		if (*ret_version)
			return &set->stanza[i];
	}
	return NULL;
}

unsigned
check_key(const struct service_key *key, const struct key_version *version)
{
	if (version->state == DK_VERSION_DESTROYED)
		return DK_CODE_KEY_DESTROYED;
	if (version->state == DK_VERSION_DISABLED)
		return DK_CODE_KEY_DISABLED;
	return key->frozen ? DK_CODE_KEY_FROZEN : DK_CODE_OK;
}

/* The private operation is here, or was the HSM's. */
static unsigned
open_stanza(const struct key_version *version, dk_side side, const uint8_t core_digest[48],
    const uint8_t *data, const struct dk_stanza *stanza, const struct token_answer *answer,
    struct dk_secret32 *ret_share)
{
	dk_err err;

	if (!version->token)
		err = dk_stanza_unwrap(version->pkey, side, core_digest, stanza->type, version->id,
		    data + stanza->body, stanza->body_len, ret_share);
	else if (!answer || answer->code != DK_CODE_OK)
		return answer ? answer->code : DK_CODE_HSM;
	else
		err = dk_stanza_unwrap_raw(version->pkey, side, core_digest, data + stanza->body,
		    stanza->body_len, answer->raw, answer->len, ret_share);
	return err == DK_OK ? DK_CODE_OK : DK_CODE_STANZA_AUTH;
}

static unsigned
judge_object(struct keyd *keyd, const struct dk_release_object *object, unsigned verdict,
    const struct token_answer *answer, struct dk_log_object *record, struct item *item)
{
	const struct dk_part core = { object->core, object->core_len };
	dk_side side = dk_release_side(object);
	const uint8_t *data = object->core;
	const struct dk_stanza *stanza;
	struct key_version *version;
	struct service_key *key;
	struct dk_header header;
	dk_auto_hmac_scope hmacs = dk_hmac_scope_open();
	unsigned code;

	if (dk_header_parse_side(data, object->core_len, object->set_len, side, &header) != DK_OK)
		return DK_CODE_OBJECT_MALFORMED;
	if (dk_sha384(&core, 1, record->core_digest) != DK_OK)
		return DK_CODE_INTERNAL;
	memcpy(record->object_id, data + header.object_id, sizeof(record->object_id));
	record->epoch = header.set[side - 1].epoch;
	stanza = find_stanza(keyd, data, &header.set[side - 1], &key, &version);
	if (!stanza)
		return DK_CODE_UNKNOWN_KEY;
	memcpy(record->key_id, version->id, sizeof(record->key_id));
	code = check_key(key, version);
	if (code != DK_CODE_OK)
		return code;
	if (verdict != DK_CODE_OK)
		return verdict;
	code = open_stanza(version, side, record->core_digest, data, stanza, answer, &item->share);
	if (code != DK_CODE_OK)
		return code;
	return check_share(
	    data, &header, side, record->core_digest, &item->share, item->commitment);
}

unsigned
job_verdict(const struct job *job, unsigned i)
{
	const uint8_t *v = job->verdicts + (size_t)i * 2;
	unsigned code;

	if (job->verdict_count != job->count)
		return DK_CODE_POLICY;
	code = (unsigned)v[0] << 8 | v[1];
	switch (code) {
	case DK_CODE_OK:
	case DK_CODE_BUDGET:
	case DK_CODE_CERTIFICATE:
	case DK_CODE_CERTIFICATE_REQUIRED:
	case DK_CODE_TOKEN:
	case DK_CODE_TOKEN_KEYS:
	case DK_CODE_TOKEN_REQUIRED:
	case DK_CODE_APPROVAL_REQUIRED:
		return code;
	default:
		return DK_CODE_POLICY;
	}
}

unsigned
job_judge(struct keyd *keyd, struct job *job)
{
	unsigned released = 0;

	if (job->dke)
		return job->dke->code == DK_CODE_OK;
	for (unsigned i = 0; i < job->count; i++) {
		struct item *item = &job->items[i];

		job->objects[i].code =
		    (uint16_t)judge_object(keyd, &job->parsed[i], job_verdict(job, i),
			job->answers ? &job->answers[i] : NULL, &job->objects[i], item);
		if (job->objects[i].code == DK_CODE_OK)
			released++;
		else
			dk_wipe(&item->share, sizeof(item->share));
	}
	return released;
}

static void
device_event(const struct job *job, struct dk_log_event *event)
{
	keyd_event_device(event, job->device);
	if (!alone(job))
		keyd_add_factor(event, DK_FACTOR_DEVICE, IPC_KEYD, job->device->index);
	for (unsigned i = 0; i < job->approvals.count; i++)
		keyd_add_factor(event, DK_FACTOR_APPROVAL, IPC_KEYD, job->approvals.index[i]);
	memcpy(event->note, job->approvals.reason, sizeof(job->approvals.reason));
	event->level = DK_LOG_LEVEL_A;
}

void
job_event(struct job *job, unsigned class_, unsigned reason, struct dk_log_event *event)
{
	keyd_event(event, class_, job->dke ? DK_LOG_DKE : DK_LOG_NATIVE, reason);
	memcpy(event->address, job->address, sizeof(event->address));
	event->has_address = true;
	if (job->has_digest) {
		memcpy(event->request, job->digest, sizeof(event->request));
		event->has_request = true;
	}
	if (job->dke)
		dke_event(job, event);
	else if (job->device)
		device_event(job, event);
	else
		return;
	memcpy(event->token, job->token, job->token_len);
	event->token_len = job->token_len;
	memcpy(event->certificate, job->certificate, sizeof(event->certificate));
	event->has_certificate = job->has_certificate;
	memcpy(event->policy, job->policy, sizeof(event->policy));
	event->has_policy = true;
	event->mode = job->keyd->quorum.strict ? DK_LOG_STRICT : DK_LOG_PROMPT;
	if (job->recipient) {
		memcpy(event->recipient, dk_pkey_id(job->recipient), sizeof(event->recipient));
		event->has_recipient = true;
	}
	event->object_count = job->count;
	event->objects = job->objects;
}
