/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/release, spec/key-service.md sections 3 and 6.
 *
 *   on_release -> authenticate -> judge_objects -> keyd_log -> logged -> answer
 *        |             |                                          |
 *        +-- refuse ---+------------------------- refuse (replay) +
 *
 * A job holds unwrapped shares between judge_objects and logged, which is
 * where invariant I1 is kept: nothing else sends a share.
 */
#include <stdlib.h>
#include <string.h>

#include "format/schedule.h"
#include "format/stanza.h"
#include "ipc/claim.h"
#include "keyd/keyd.h"

struct item {
	struct dk_secret32 share;
	uint8_t commitment[DK_COMMITMENT_BYTES];
};

/* What the HSM gave for one object. */
struct token_answer {
	unsigned code;
	size_t len;
	uint8_t raw[DK_RSA_MAX_BYTES];
};

struct job {
	uint64_t id;
	uint8_t *copy;                /* of the message, where tokend may be asked; else NULL */
	struct token_answer *answers; /* one an object, or NULL: nobody was asked */
	unsigned waiting;
	const uint8_t *body; /* borrowed: only until the message is done with */
	size_t body_len;
	uint8_t address[16];
	struct dk_request_signature sig;
	uint8_t digest[32]; /* of the request */
	bool has_digest;
	uint8_t policy[32];
	unsigned verdict_count;
	const uint8_t *verdicts; /* borrowed */
	unsigned charge_count;
	const uint8_t *charges; /* borrowed */
	size_t token_len;       /* what the record says of a token that holds; 0: none */
	uint8_t token[DK_LOG_TOKEN_MAX_BYTES];
	bool has_certificate;
	uint8_t certificate[DK_LOG_CERTIFICATE_BYTES];
	struct ipc_claims claims; /* borrowed */
	struct keyd_approvals approvals;
	struct device *device;
	struct dk_pkey *recipient;
	unsigned code; /* why the whole request is refused */
	unsigned count;
	struct dk_log_object objects[DK_RELEASE_OBJECTS_MAX];
	struct item items[DK_RELEASE_OBJECTS_MAX];
	struct dk_release_object parsed[DK_RELEASE_OBJECTS_MAX];
};

static void
free_job(struct job *job)
{
	dk_pkey_free(job->recipient);
	dk_wipe(job->items, job->count * sizeof(job->items[0]));
	if (job->answers)
		dk_wipe(job->answers, job->count * sizeof(job->answers[0]));
	free(job->answers);
	free(job->copy);
	free(job);
}

/* ---- who asks ---- */

/* What authd says that holds. keyd believes it only in so far as it may deny. */
static bool
parse_factors(struct dk_reader_buf *rd, struct job *job)
{
	unsigned count = dk_rd_u8(rd);

	for (unsigned i = 0; i < count; i++) {
		unsigned tag = dk_rd_u16(rd);
		size_t len = dk_rd_u16(rd);
		const uint8_t *value = dk_rd_bytes(rd, len);

		if (!value)
			return false;
		if (tag == DK_LOG_TAG_TOKEN && job->token_len == 0 && len <= sizeof(job->token)) {
			memcpy(job->token, value, len);
			job->token_len = len;
		} else if (tag == DK_LOG_TAG_CERTIFICATE && !job->has_certificate &&
		    len == sizeof(job->certificate)) {
			memcpy(job->certificate, value, len);
			job->has_certificate = true;
		} else {
			return false;
		}
	}
	return !rd->failed;
}

static bool
parse_message(const struct ipc_message *message, struct job *job)
{
	struct dk_reader_buf rd;
	const struct dk_part *digest;
	const uint8_t *p;

	dk_rd_init(&rd, message->data, message->len);
	if ((p = dk_rd_bytes(&rd, 32)))
		memcpy(job->policy, p, 32);
	job->verdict_count = dk_rd_u16(&rd);
	job->verdicts = dk_rd_bytes(&rd, (size_t)job->verdict_count * 2);
	job->charge_count = dk_rd_u8(&rd);
	job->charges = dk_rd_bytes(&rd, (size_t)job->charge_count * IPC_CHARGE_BYTES);
	if (!parse_factors(&rd, job))
		return false;
	if ((p = dk_rd_bytes(&rd, 16)))
		memcpy(job->address, p, 16);
	job->sig.created = dk_rd_u64(&rd);
	if ((p = dk_rd_bytes(&rd, DK_NONCE_BYTES)))
		memcpy(job->sig.nonce, p, DK_NONCE_BYTES);
	if ((p = dk_rd_bytes(&rd, 32)))
		memcpy(job->sig.key_id, p, 32);
	if ((p = dk_rd_bytes(&rd, DK_SIGNATURE_BYTES)))
		memcpy(job->sig.signature, p, DK_SIGNATURE_BYTES);
	if (!ipc_claims_read(&rd, &job->claims))
		return false;
	digest = &job->claims.of[IPC_CLAIM_TOKEN_DIGEST];
	job->sig.has_token = digest->len > 0;
	if (digest->len > 0 && digest->len != sizeof(job->sig.token_digest))
		return false;
	if (job->sig.has_token)
		memcpy(job->sig.token_digest, digest->data, sizeof(job->sig.token_digest));
	job->body_len = dk_rd_left(&rd);
	job->body = dk_rd_bytes(&rd, job->body_len);
	return !rd.failed && job->charge_count <= IPC_CHARGES_MAX &&
	    job->body_len <= DK_RELEASE_BODY_MAX_BYTES;
}

dk_err
keyd_device_pkey(struct device *device)
{
	if (device->pkey)
		return DK_OK;
	return dk_pkey_from_spki(device->spki, sizeof(device->spki), &device->pkey);
}

/* DK_CODE_OK once the device's signature holds; job->device is set only then. */
static unsigned
authenticate(struct keyd *keyd, struct job *job)
{
	struct device *device = state_device(&keyd->state, job->sig.key_id);
	const struct dk_part body = { job->body, job->body_len };
	char base[DK_SIGNATURE_BASE_MAX_BYTES];
	uint64_t now = ipc_now();
	unsigned code, age_max;
	uint8_t hash[32];
	size_t len;

	if (!device)
		return DK_CODE_UNKNOWN_DEVICE;
	if (dk_sha256(&body, 1, hash) != DK_OK ||
	    dk_signature_base(&job->sig, keyd->state.service.base_url, DK_RELEASE_PATH, hash, base,
		&len) != DK_OK ||
	    dk_request_digest(base, len, job->digest) != DK_OK || keyd_device_pkey(device) != DK_OK)
		return DK_CODE_INTERNAL;
	job->has_digest = true;
	const struct dk_part part = { base, len };
	if (dk_ecdsa_verify(device->pkey, &part, 1, job->sig.signature) != DK_OK)
		return DK_CODE_SIGNATURE;
	job->device = device;
	if (device->state != DEVICE_ACTIVE)
		return DK_CODE_DEVICE_REVOKED;
	code = keyd_approvals(keyd, &job->claims.of[IPC_CLAIM_APPROVALS], job->digest, device,
	    job->sig.created, &job->approvals);
	if (code != DK_CODE_OK)
		return code;
	/* People take longer than programs. */
	age_max = job->approvals.count > 0 ? DK_APPROVED_AGE_MAX_S : DK_REQUEST_AGE_MAX_S;
	if (job->sig.created + age_max < now || job->sig.created > now + DK_REQUEST_AHEAD_MAX_S)
		return DK_CODE_CLOCK;
	return DK_CODE_OK;
}

static unsigned
check_request(struct keyd *keyd, struct job *job)
{
	struct dk_release_request request;
	unsigned code;

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

/* ---- what is asked for ---- */

static unsigned
check_share(const uint8_t *data, const struct dk_header *header, const uint8_t core_digest[48],
    const struct dk_secret32 *share, uint8_t ret_commitment[DK_COMMITMENT_BYTES])
{
	const struct dk_set *set = &header->set[0];
	dk_auto_side_keys keys = { 0 };
	uint8_t mac[DK_SET_MAC_BYTES];

	if (dk_side_keys_derive(DK_SIDE_CUSTOMER, data + header->object_id, share, &keys) != DK_OK)
		return DK_CODE_INTERNAL;
	if (!dk_equal_ct(keys.commitment, data + header->share_commitment[0], DK_COMMITMENT_BYTES))
		return DK_CODE_SHARE_COMMITMENT;
	if (dk_set_mac(&keys, core_digest, data + set->offset, set->len - DK_SET_MAC_BYTES, mac) !=
	    DK_OK)
		return DK_CODE_INTERNAL;
	if (!dk_equal_ct(mac, data + set->mac, DK_SET_MAC_BYTES))
		return DK_CODE_SET_MAC;
	memcpy(ret_commitment, keys.commitment, DK_COMMITMENT_BYTES);
	return DK_CODE_OK;
}

/* The first stanza of the set that is for a key here. */
static const struct dk_stanza *
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

static unsigned
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
open_stanza(const struct key_version *version, const uint8_t core_digest[48], const uint8_t *data,
    const struct dk_stanza *stanza, const struct token_answer *answer,
    struct dk_secret32 *ret_share)
{
	dk_err err;

	if (!version->token)
		err = dk_stanza_unwrap(version->pkey, DK_SIDE_CUSTOMER, core_digest, stanza->type,
		    version->id, data + stanza->body, stanza->body_len, ret_share);
	else if (!answer || answer->code != DK_CODE_OK)
		return answer ? answer->code : DK_CODE_HSM;
	else
		err = dk_stanza_unwrap_raw(version->pkey, DK_SIDE_CUSTOMER, core_digest,
		    data + stanza->body, stanza->body_len, answer->raw, answer->len, ret_share);
	return err == DK_OK ? DK_CODE_OK : DK_CODE_STANZA_AUTH;
}

static unsigned
judge_object(struct keyd *keyd, const struct dk_release_object *object, unsigned verdict,
    const struct token_answer *answer, struct dk_log_object *record, struct item *item)
{
	const struct dk_part core = { object->core, object->core_len };
	const uint8_t *data = object->core;
	const struct dk_stanza *stanza;
	struct key_version *version;
	struct service_key *key;
	struct dk_header header;
	unsigned code;

	if (dk_header_parse_side(
		data, object->core_len, object->set_len, DK_SIDE_CUSTOMER, &header) != DK_OK)
		return DK_CODE_OBJECT_MALFORMED;
	if (dk_sha384(&core, 1, record->core_digest) != DK_OK)
		return DK_CODE_INTERNAL;
	memcpy(record->object_id, data + header.object_id, sizeof(record->object_id));
	record->epoch = header.set[0].epoch;
	stanza = find_stanza(keyd, data, &header.set[0], &key, &version);
	if (!stanza)
		return DK_CODE_UNKNOWN_KEY;
	memcpy(record->key_id, version->id, sizeof(record->key_id));
	code = check_key(key, version);
	if (code != DK_CODE_OK)
		return code;
	if (verdict != DK_CODE_OK)
		return verdict;
	code = open_stanza(version, record->core_digest, data, stanza, answer, &item->share);
	if (code != DK_CODE_OK)
		return code;
	return check_share(data, &header, record->core_digest, &item->share, item->commitment);
}

/* authd's word on one object; if it has none for it, the answer is no. */
static unsigned
verdict(const struct job *job, unsigned i)
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
	case DK_CODE_TOKEN_REQUIRED:
	case DK_CODE_APPROVAL_REQUIRED:
		return code;
	default:
		return DK_CODE_POLICY;
	}
}

static unsigned
judge_objects(struct keyd *keyd, struct job *job)
{
	unsigned released = 0;

	for (unsigned i = 0; i < job->count; i++) {
		struct item *item = &job->items[i];

		job->objects[i].code =
		    (uint16_t)judge_object(keyd, &job->parsed[i], verdict(job, i),
			job->answers ? &job->answers[i] : NULL, &job->objects[i], item);
		if (job->objects[i].code == DK_CODE_OK)
			released++;
		else
			dk_wipe(&item->share, sizeof(item->share));
	}
	return released;
}

/* ---- what is recorded ---- */

static void
fill_event(struct job *job, unsigned class_, unsigned reason, struct dk_log_event *event)
{
	keyd_event(event, class_, DK_LOG_NATIVE, reason);
	memcpy(event->address, job->address, sizeof(event->address));
	event->has_address = true;
	if (job->has_digest) {
		memcpy(event->request, job->digest, sizeof(event->request));
		event->has_request = true;
	}
	if (!job->device)
		return;
	keyd_event_device(event, job->device);
	keyd_add_factor(event, DK_FACTOR_DEVICE, IPC_KEYD, job->device->index);
	for (unsigned i = 0; i < job->approvals.count; i++)
		keyd_add_factor(event, DK_FACTOR_APPROVAL, IPC_KEYD, job->approvals.index[i]);
	memcpy(event->note, job->approvals.reason, sizeof(job->approvals.reason));
	memcpy(event->token, job->token, job->token_len);
	event->token_len = job->token_len;
	memcpy(event->certificate, job->certificate, sizeof(event->certificate));
	event->has_certificate = job->has_certificate;
	memcpy(event->policy, job->policy, sizeof(event->policy));
	event->has_policy = true;
	event->mode = DK_LOG_PROMPT;
	event->level = DK_LOG_LEVEL_A;
	if (job->recipient) {
		memcpy(event->recipient, dk_pkey_id(job->recipient), sizeof(event->recipient));
		event->has_recipient = true;
	}
	event->object_count = job->count;
	event->objects = job->objects;
}

static void
refusal_logged(struct keyd *keyd, unsigned code, const struct dk_receipt *receipt, void *ctx)
{
	struct job *job = ctx;

	(void)receipt;
	keyd_result(keyd, job->id, code == DK_CODE_OK ? job->code : code, NULL, 0);
	free_job(job);
}

static void
refuse(struct keyd *keyd, struct job *job, unsigned code)
{
	struct dk_log_event event;

	job->code = code;
	dk_wipe(job->items, job->count * sizeof(job->items[0]));
	if (!job->device && !keyd_may_record_denial(keyd)) {
		keyd_result(keyd, job->id, code, NULL, 0);
		free_job(job);
		return;
	}
	for (unsigned i = 0; i < job->count; i++)
		if (job->objects[i].code == DK_CODE_OK)
			job->objects[i].code = (uint16_t)code;
	fill_event(job, DK_LOG_DENIAL, code, &event);
	keyd_log(keyd, &event, NULL, refusal_logged, job);
}

/* ---- what is answered ---- */

static dk_err
seal_items(const struct job *job, uint64_t index, struct dk_writer_buf *wr)
{
	uint8_t info[DK_INFO_MAX_BYTES], enc[DK_P384_POINT_BYTES], aad[DK_RELEASE_AAD_BYTES];
	uint8_t sealed[DK_SEALED_SHARE_BYTES];
	dk_auto_hpke ctx = { .seq = 0 };
	size_t info_len, enc_len;
	dk_err err;

	err = dk_release_info(job->digest, info, &info_len);
	if (err != DK_OK)
		return err;
	err = dk_hpke_sender(job->recipient, info, info_len, NULL, &ctx, enc, &enc_len);
	if (err != DK_OK)
		return err;
	dk_wr_bytes(wr, enc, DK_P256_POINT_BYTES);
	dk_wr_u16(wr, (uint16_t)job->count);
	for (unsigned i = 0; i < job->count; i++) {
		memset(sealed, 0, sizeof(sealed));
		if (job->objects[i].code == DK_CODE_OK) {
			dk_release_aad(
			    job->objects[i].core_digest, job->items[i].commitment, index, aad);
			err = dk_hpke_seal(&ctx, aad, sizeof(aad), job->items[i].share.bytes,
			    DK_SHARE_BYTES, sealed);
			if (err != DK_OK)
				return err;
		}
		dk_wr_u16(wr, job->objects[i].code);
		dk_wr_bytes(wr, sealed, sizeof(sealed));
	}
	return DK_OK;
}

static void
answer(struct keyd *keyd, const struct job *job, const struct dk_receipt *receipt)
{
	size_t cap = 128 + job->count * (2 + DK_SEALED_SHARE_BYTES) + DK_RECEIPT_FRAME_BYTES +
	    receipt->record_len;
	uint8_t *body = malloc(cap);
	struct dk_writer_buf wr;

	if (!body) {
		keyd_result(keyd, job->id, DK_CODE_INTERNAL, NULL, 0);
		return;
	}
	dk_wr_init(&wr, body, cap);
	dk_wr_bytes(&wr, "DKR2", 4);
	dk_wr_u64(&wr, receipt->index);
	if (seal_items(job, receipt->index, &wr) != DK_OK) {
		keyd_result(keyd, job->id, DK_CODE_INTERNAL, NULL, 0);
	} else {
		dk_receipt_write(&wr, receipt);
		keyd_result(keyd, job->id, wr.failed ? DK_CODE_INTERNAL : DK_CODE_OK, body, wr.len);
	}
	free(body);
}

static void
logged(struct keyd *keyd, unsigned code, const struct dk_receipt *receipt, void *ctx)
{
	struct job *job = ctx;

	if (code == DK_CODE_REPLAY || code == DK_CODE_BUDGET) {
		refuse(keyd, job, code);
		return;
	}
	if (code == DK_CODE_OK)
		answer(keyd, job, receipt);
	else
		keyd_result(keyd, job->id, code, NULL, 0);
	free_job(job);
}

/* ---- keys in an HSM ---- */

static bool
has_token_keys(const struct keyd *keyd)
{
	for (unsigned i = 0; i < keyd->state.key_count; i++)
		for (unsigned v = 0; v < keyd->state.key[i]->version_count; v++)
			if (keyd->state.key[i]->version[v].token)
				return true;
	return false;
}

/* Judges what is there and records it: the way that every request goes. */
static void
conclude(struct keyd *keyd, struct job *job)
{
	struct dk_log_event event;
	struct keyd_nonce nonce;

	/* tokend may have taken its time. */
	if (job->device->state != DEVICE_ACTIVE || keyd->state.frozen) {
		refuse(keyd, job, keyd->state.frozen ? DK_CODE_FROZEN : DK_CODE_DEVICE_REVOKED);
		return;
	}
	fill_event(
	    job, judge_objects(keyd, job) > 0 ? DK_LOG_RELEASE : DK_LOG_DENIAL, DK_CODE_OK, &event);
	if (event.class_ == DK_LOG_DENIAL) {
		event.decision = DK_LOG_DENIED;
		event.reason = job->objects[0].code;
	}
	nonce = (struct keyd_nonce){ job->sig.created, job->sig.key_id, job->sig.nonce,
		job->charge_count, job->charges };
	keyd_log(keyd, &event, &nonce, logged, job);
}

static void
token_done(
    struct keyd *keyd, void *ctx, unsigned index, unsigned code, const uint8_t *out, size_t len)
{
	struct job *job = ctx;
	struct token_answer *answer = &job->answers[index];

	answer->code = code == DK_CODE_OK && len > sizeof(answer->raw) ? DK_CODE_HSM : code;
	if (answer->code == DK_CODE_OK) {
		memcpy(answer->raw, out, len);
		answer->len = len;
	}
	if (--job->waiting == 0)
		conclude(keyd, job);
}

/* Asks for one object, if its key is in the HSM and everything else allows it. */
static unsigned
ask_token(struct keyd *keyd, struct job *job, unsigned i)
{
	const struct dk_release_object *object = &job->parsed[i];
	const uint8_t *data = object->core;
	const struct dk_stanza *stanza;
	struct key_version *version;
	dk_auto_pkey *point = NULL;
	struct service_key *key;
	struct dk_header header;
	size_t enc_len;

	if (dk_header_parse_side(
		data, object->core_len, object->set_len, DK_SIDE_CUSTOMER, &header) != DK_OK)
		return DK_CODE_OK; /* judged later, like what follows */
	stanza = find_stanza(keyd, data, &header.set[0], &key, &version);
	if (!stanza || !version->token || check_key(key, version) != DK_CODE_OK ||
	    verdict(job, i) != DK_CODE_OK)
		return DK_CODE_OK;
	if (!dk_stanza_fits(version->pkey, stanza->type, version->id, stanza->body_len, &enc_len))
		return DK_CODE_STANZA_AUTH;
	if (version->type != DK_KEY_RSA &&
	    dk_pkey_from_point(version->type, data + stanza->body, enc_len, &point) != DK_OK)
		return DK_CODE_STANZA_AUTH;
	if (!keyd_token_use(keyd, version, data + stanza->body, enc_len, token_done, job, i))
		return DK_CODE_HSM;
	job->waiting++;
	return DK_CODE_OK;
}

static void
ask_tokens(struct keyd *keyd, struct job *job)
{
	job->answers = calloc(job->count, sizeof(*job->answers));
	if (!job->answers) {
		refuse(keyd, job, DK_CODE_BUSY);
		return;
	}
	for (unsigned i = 0; i < job->count; i++)
		job->answers[i].code = ask_token(keyd, job, i);
	if (job->waiting == 0)
		conclude(keyd, job);
}

bool
keyd_on_release(struct keyd *keyd, const struct ipc_message *message)
{
	struct job *job = calloc(1, sizeof(*job));
	struct ipc_message kept = *message;
	bool token = has_token_keys(keyd);
	unsigned code;

	if (job && token && message->len > 0) {
		job->copy = malloc(message->len);
		if (job->copy)
			kept.data = memcpy(job->copy, message->data, message->len);
	}
	if (!job || (token && !job->copy)) {
		free(job);
		keyd_result(keyd, message->id, DK_CODE_BUSY, NULL, 0);
		return true;
	}
	job->id = message->id;
	if (!parse_message(&kept, job)) {
		free_job(job);
		return false;
	}
	code = check_request(keyd, job);
	if (code != DK_CODE_OK)
		refuse(keyd, job, code);
	else if (token)
		ask_tokens(keyd, job);
	else
		conclude(keyd, job);
	return true;
}
