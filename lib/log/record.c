/* SPDX-License-Identifier: Apache-2.0 */
#include "log/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "format/schedule.h"
#include "log/record_impl.h"

#define PART_MAX_BYTES 2500

dk_err
dk_record_part_hash(const char *label, const uint8_t salt[DK_LOG_SALT_BYTES], const uint8_t *bytes,
    size_t len, uint8_t ret_hash[32])
{
	uint8_t prefix[DK_INFO_MAX_BYTES];
	size_t prefix_len;
	dk_err err;

	err = dk_info(label, NULL, 0, prefix, &prefix_len);
	if (err != DK_OK)
		return err;
	const struct dk_part parts[] = { { prefix, prefix_len }, { salt, DK_LOG_SALT_BYTES },
		{ bytes, len } };
	return dk_sha256(parts, 3, ret_hash);
}

dk_err
dk_record_commitment(const struct dk_record_hashes *hashes, uint8_t ret_commitment[32])
{
	const uint8_t count[2] = { (uint8_t)(hashes->n >> 8), (uint8_t)hashes->n };
	uint8_t prefix[DK_INFO_MAX_BYTES], objects[32];
	size_t prefix_len;
	dk_err err;

	err = dk_info("log-objects", NULL, 0, prefix, &prefix_len);
	if (err != DK_OK)
		return err;
	const struct dk_part list[] = { { prefix, prefix_len }, { count, 2 },
		{ hashes->object, hashes->n * (size_t)32 } };
	err = dk_sha256(list, 3, objects);
	if (err != DK_OK)
		return err;
	err = dk_info("log-record", NULL, 0, prefix, &prefix_len);
	if (err != DK_OK)
		return err;
	const struct dk_part all[] = { { prefix, prefix_len }, { hashes->main, 32 },
		{ hashes->person, 32 }, { objects, 32 } };
	return dk_sha256(all, 4, ret_commitment);
}

static void
put(struct dk_writer_buf *wr, unsigned tag, const void *value, size_t len)
{
	dk_wr_u16(wr, (uint16_t)tag);
	dk_wr_u16(wr, (uint16_t)len);
	dk_wr_bytes(wr, value, len);
}

static void
put_text(struct dk_writer_buf *wr, unsigned tag, const char *text)
{
	if (text[0] != '\0')
		put(wr, tag, text, strlen(text));
}

/* A number of len bytes; zero is absent. */
static void
put_number(struct dk_writer_buf *wr, unsigned tag, uint64_t v, unsigned len)
{
	uint8_t bytes[8];

	if (v == 0)
		return;
	for (unsigned i = 0; i < len; i++)
		bytes[i] = (uint8_t)(v >> (8 * (len - 1 - i)));
	put(wr, tag, bytes, len);
}

static void
encode_main(struct dk_writer_buf *wr, const struct dk_log_event *e)
{
	put_number(wr, DK_TAG_TIME, e->time, 8);
	put_number(wr, DK_TAG_DECISION, e->decision, 1);
	put_number(wr, DK_TAG_REASON, e->reason, 2);
	put_number(wr, DK_TAG_MODE, e->mode, 1);
	put_number(wr, DK_TAG_FRONT, e->front, 1);
	put_number(wr, DK_TAG_LEVEL, e->level, 1);
	put_text(wr, DK_TAG_KEY_NAME, e->key_name);
	if (e->has_key_id)
		put(wr, DK_TAG_KEY_ID, e->key_id, 32);
	put_number(wr, DK_TAG_KEY_VERSION, e->key_version, 4);
	if (e->has_policy)
		put(wr, DK_TAG_POLICY, e->policy, 32);
	if (e->has_request)
		put(wr, DK_TAG_REQUEST, e->request, 32);
	if (e->has_recipient)
		put(wr, DK_TAG_RECIPIENT, e->recipient, 32);
	put_number(wr, DK_TAG_GENERATION, e->generation, 8);
	put_number(wr, DK_TAG_SUPPRESSED, e->suppressed, 4);
	put_number(wr, DK_TAG_STANZA_TYPE, e->stanza_type, 2);
	for (unsigned i = 0; i < e->factor_count; i++) {
		dk_wr_u16(wr, DK_TAG_FACTOR);
		dk_wr_u16(wr, 11);
		dk_wr_u16(wr, e->factor[i].type);
		dk_wr_u8(wr, e->factor[i].verifier);
		dk_wr_u64(wr, e->factor[i].root);
	}
	put_text(wr, DK_TAG_NOTE, e->note);
	if (e->has_recovery)
		put(wr, DK_TAG_RECOVERY, e->recovery, 32);
	if (e->token_len > 0)
		put(wr, DK_TAG_TOKEN, e->token, e->token_len);
	if (e->has_certificate)
		put(wr, DK_TAG_CERTIFICATE, e->certificate, sizeof(e->certificate));
	if (e->key_set_len > 0)
		put(wr, DK_TAG_KEY_SET, e->key_set, e->key_set_len);
	put_text(wr, DK_TAG_CLIENT, e->client);
	put_text(wr, DK_TAG_RULE, e->rule);
}

static void
encode_person(struct dk_writer_buf *wr, const struct dk_log_event *e)
{
	if (!e->is_person)
		put_text(wr, DK_TAG_USER, e->user);
	if (e->has_device)
		put(wr, DK_TAG_DEVICE, e->device, 32);
	put_text(wr, DK_TAG_DEVICE_NAME, e->device_name);
	if (e->has_address)
		put(wr, DK_TAG_ADDRESS, e->address, 16);
	if (e->is_person)
		put_text(wr, DK_TAG_PERSON, e->user);
}

static dk_err
put_part(struct dk_writer_buf *wr, const char *label, const uint8_t salt[DK_LOG_SALT_BYTES],
    const uint8_t *bytes, size_t len, uint8_t ret_hash[32])
{
	dk_wr_u8(wr, 1);
	dk_wr_bytes(wr, salt, DK_LOG_SALT_BYTES);
	dk_wr_u32(wr, (uint32_t)len);
	dk_wr_bytes(wr, bytes, len);
	return dk_record_part_hash(label, salt, bytes, len, ret_hash);
}

static dk_err
encode_object(struct dk_writer_buf *wr, const struct dk_log_object *o,
    const uint8_t salt[DK_LOG_SALT_BYTES], uint8_t ret_hash[32])
{
	uint8_t bytes[DK_LOG_OBJECT_BYTES];
	struct dk_writer_buf ob;

	dk_wr_init(&ob, bytes, sizeof(bytes));
	dk_wr_u16(&ob, o->code);
	dk_wr_bytes(&ob, o->object_id, sizeof(o->object_id));
	dk_wr_bytes(&ob, o->core_digest, sizeof(o->core_digest));
	dk_wr_u32(&ob, o->epoch);
	dk_wr_bytes(&ob, o->key_id, sizeof(o->key_id));
	return put_part(wr, "log-object", salt, bytes, sizeof(bytes), ret_hash);
}

static dk_err
encode_parts(const struct dk_log_event *event, struct dk_writer_buf *wr,
    struct dk_record_hashes *hashes, const uint8_t *salts)
{
	uint8_t bytes[PART_MAX_BYTES];
	struct dk_writer_buf part;
	dk_err err;

	dk_wr_u8(wr, 1);
	dk_wr_init(&part, bytes, sizeof(bytes));
	encode_main(&part, event);
	err = put_part(wr, "log-main", salts, bytes, part.len, hashes->main);
	if (err != DK_OK || part.failed)
		return err != DK_OK ? err : DK_ERR_ARGUMENT;
	dk_wr_init(&part, bytes, sizeof(bytes));
	encode_person(&part, event);
	err = put_part(wr, "log-person", salts + 16, bytes, part.len, hashes->person);
	if (err != DK_OK)
		return err;
	dk_wr_u16(wr, (uint16_t)event->object_count);
	hashes->n = event->object_count;
	for (unsigned i = 0; i < event->object_count; i++) {
		err = encode_object(
		    wr, &event->objects[i], salts + 32 + (size_t)i * 16, hashes->object[i]);
		if (err != DK_OK)
			return err;
	}
	return wr->failed ? DK_ERR_ARGUMENT : DK_OK;
}

dk_err
dk_record_encode(const struct dk_log_event *event, uint8_t *record, size_t cap, size_t *ret_len,
    uint8_t ret_leaf[DK_LEAF_BYTES])
{
	struct dk_record_hashes *hashes;
	struct dk_writer_buf wr, leaf;
	uint8_t commitment[32];
	uint8_t *salts;
	size_t salts_len;
	dk_err err;

	if (event->object_count > DK_LOG_OBJECTS_MAX || event->factor_count > DK_LOG_FACTORS_MAX)
		return DK_ERR_ARGUMENT;
	salts_len = (2 + (size_t)event->object_count) * DK_LOG_SALT_BYTES;
	hashes = malloc(sizeof(*hashes) + salts_len);
	if (!hashes)
		return DK_ERR_NOMEM;
	salts = (uint8_t *)(hashes + 1);
	err = dk_random(salts, salts_len);
	dk_wr_init(&wr, record, cap);
	if (err == DK_OK)
		err = encode_parts(event, &wr, hashes, salts);
	if (err == DK_OK)
		err = dk_record_commitment(hashes, commitment);
	free(hashes);
	if (err != DK_OK)
		return err;
	dk_wr_init(&leaf, ret_leaf, DK_LEAF_BYTES);
	dk_wr_bytes(&leaf, "DKL1", 4);
	dk_wr_u16(&leaf, event->class_);
	dk_wr_u16(&leaf, 0);
	dk_wr_u64(&leaf, event->time - event->time % 60);
	dk_wr_bytes(&leaf, commitment, sizeof(commitment));
	*ret_len = wr.len;
	return DK_OK;
}

bool
dk_log_class_is_act(unsigned class_)
{
	return (class_ >= DK_LOG_KEY_CREATED && class_ <= DK_LOG_DEVICE_REVOKED) ||
	    class_ == DK_LOG_FROZEN || class_ == DK_LOG_UNFROZEN || class_ == DK_LOG_ERASED ||
	    class_ == DK_LOG_DOCUMENT_APPROVED || class_ == DK_LOG_DEVICE_ACCEPTED;
}

const char *
dk_log_class_name(unsigned class_)
{
	static const char *const names[] = { "?", "begun", "release", "denial", "heartbeat",
		"key-created", "key-state", "key-destroyed", "code-made", "device-enrolled",
		"device-revoked", "policy", "frozen", "unfrozen", "started", "restored", "key-set",
		"erased", "exported", "key-accepted", "confirmed", "session", "document-approved",
		"evidence", "device-accepted" };

	return class_ < sizeof(names) / sizeof(names[0]) ? names[class_] : names[0];
}

const char *
dk_log_verifier_name(unsigned verifier)
{
	static const char *const names[] = { "?", "parent", "httpd", "authd", "keyd", "logd",
		"tokend", "fetchd" };

	return verifier < sizeof(names) / sizeof(names[0]) ? names[verifier] : names[0];
}
