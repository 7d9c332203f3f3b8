/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/text.h"
#include "log/record_impl.h"

struct part {
	bool erased;
	const uint8_t *bytes;
	size_t len;
};

static dk_err
read_part(struct dk_reader_buf *rd, const char *label, struct part *ret_part, uint8_t ret_hash[32])
{
	const uint8_t *salt, *hash;
	uint8_t form = dk_rd_u8(rd);
	uint32_t len;

	ret_part->erased = form == 0;
	if (form == 0) {
		hash = dk_rd_bytes(rd, 32);
		if (!hash)
			return DK_ERR_RECEIPT;
		memcpy(ret_hash, hash, 32);
		return DK_OK;
	}
	salt = dk_rd_bytes(rd, DK_LOG_SALT_BYTES);
	len = dk_rd_u32(rd);
	if (form != 1 || len > UINT16_MAX)
		return DK_ERR_RECEIPT;
	ret_part->bytes = dk_rd_bytes(rd, len);
	ret_part->len = len;
	if (rd->failed)
		return DK_ERR_RECEIPT;
	return dk_record_part_hash(label, salt, ret_part->bytes, len, ret_hash);
}

/* A list of fields in ascending order of their tags. */
struct fields {
	struct dk_reader_buf rd;
	unsigned last;
};

static bool
next_field(struct fields *f, unsigned repeatable, unsigned *ret_tag, const uint8_t **ret_value,
    size_t *ret_len)
{
	*ret_tag = dk_rd_u16(&f->rd);
	*ret_len = dk_rd_u16(&f->rd);
	*ret_value = dk_rd_bytes(&f->rd, *ret_len);
	if (*ret_tag < f->last || (*ret_tag == f->last && *ret_tag != repeatable))
		f->rd.failed = true;
	f->last = *ret_tag;
	return !f->rd.failed && *ret_len > 0;
}

static bool
get_number(const uint8_t *value, size_t len, size_t want, uint64_t *ret)
{
	uint64_t v = 0;

	if (len != want)
		return false;
	for (size_t i = 0; i < len; i++)
		v = v << 8 | value[i];
	*ret = v;
	return v != 0;
}

static bool
get_text(const uint8_t *value, size_t len, size_t max, char *ret)
{
	if (len > max || !dk_text_valid(value, len))
		return false;
	memcpy(ret, value, len);
	ret[len] = '\0';
	return true;
}

static bool
get_hash(const uint8_t *value, size_t len, bool *ret_has, uint8_t ret[32])
{
	if (len != 32)
		return false;
	memcpy(ret, value, 32);
	*ret_has = true;
	return true;
}

static bool
get_factor(const uint8_t *value, size_t len, struct dk_log_event *e)
{
	struct dk_reader_buf rd;
	struct dk_log_factor *f;

	if (len != 11 || e->factor_count == DK_LOG_FACTORS_MAX)
		return false;
	f = &e->factor[e->factor_count++];
	dk_rd_init(&rd, value, len);
	f->type = dk_rd_u16(&rd);
	f->verifier = dk_rd_u8(&rd);
	f->root = dk_rd_u64(&rd);
	return true;
}

static bool
get_token(const uint8_t *value, size_t len, struct dk_log_event *e)
{
	struct dk_log_token token;

	if (len > sizeof(e->token) || !dk_log_token_parse(value, len, &token))
		return false;
	memcpy(e->token, value, len);
	e->token_len = len;
	return true;
}

static bool
get_key_set(const uint8_t *value, size_t len, struct dk_log_event *e)
{
	struct dk_log_key_set set;

	if (len > sizeof(e->key_set) || !dk_log_key_set_parse(value, len, &set))
		return false;
	memcpy(e->key_set, value, len);
	e->key_set_len = len;
	return true;
}

static bool
main_number(struct dk_log_event *e, unsigned tag, const uint8_t *value, size_t len)
{
	uint64_t v;

	switch (tag) {
	case DK_TAG_TIME:
		return get_number(value, len, 8, &e->time);
	case DK_TAG_DECISION:
		return get_number(value, len, 1, &v) && (e->decision = (uint8_t)v) != 0;
	case DK_TAG_REASON:
		return get_number(value, len, 2, &v) && (e->reason = (uint16_t)v) != 0;
	case DK_TAG_MODE:
		return get_number(value, len, 1, &v) && (e->mode = (uint8_t)v) != 0;
	case DK_TAG_FRONT:
		return get_number(value, len, 1, &v) && (e->front = (uint8_t)v) != 0;
	case DK_TAG_LEVEL:
		return get_number(value, len, 1, &v) && (e->level = (uint8_t)v) != 0;
	case DK_TAG_KEY_VERSION:
		return get_number(value, len, 4, &v) && (e->key_version = (uint32_t)v) != 0;
	case DK_TAG_GENERATION:
		return get_number(value, len, 8, &e->generation);
	case DK_TAG_SUPPRESSED:
		return get_number(value, len, 4, &v) && (e->suppressed = (uint32_t)v) != 0;
	case DK_TAG_STANZA_TYPE:
		return get_number(value, len, 2, &v) && (e->stanza_type = (uint16_t)v) != 0;
	default:
		return false;
	}
}

static bool
main_field(struct dk_log_event *e, unsigned tag, const uint8_t *value, size_t len)
{
	switch (tag) {
	case DK_TAG_KEY_NAME:
		return get_text(value, len, DK_LOG_NAME_MAX_BYTES, e->key_name);
	case DK_TAG_KEY_ID:
		return get_hash(value, len, &e->has_key_id, e->key_id);
	case DK_TAG_POLICY:
		return get_hash(value, len, &e->has_policy, e->policy);
	case DK_TAG_REQUEST:
		return get_hash(value, len, &e->has_request, e->request);
	case DK_TAG_RECIPIENT:
		return get_hash(value, len, &e->has_recipient, e->recipient);
	case DK_TAG_FACTOR:
		return get_factor(value, len, e);
	case DK_TAG_NOTE:
		return get_text(value, len, DK_LOG_NOTE_MAX_BYTES, e->note);
	case DK_TAG_RECOVERY:
		return get_hash(value, len, &e->has_recovery, e->recovery);
	case DK_TAG_TOKEN:
		return get_token(value, len, e);
	case DK_TAG_KEY_SET:
		return get_key_set(value, len, e);
	case DK_TAG_CLIENT:
		return len == DK_LOG_CLIENT_BYTES &&
		    get_text(value, len, DK_LOG_CLIENT_BYTES, e->client);
	case DK_TAG_RULE:
		return get_text(value, len, DK_LOG_NAME_MAX_BYTES, e->rule);
	case DK_TAG_CERTIFICATE:
		if (len != sizeof(e->certificate))
			return false;
		memcpy(e->certificate, value, len);
		e->has_certificate = true;
		return true;
	default:
		return main_number(e, tag, value, len);
	}
}

static bool
person_field(struct dk_log_event *e, unsigned tag, const uint8_t *value, size_t len)
{
	switch (tag) {
	case DK_TAG_USER:
		return get_text(value, len, DK_LOG_NAME_MAX_BYTES, e->user);
	case DK_TAG_DEVICE:
		return get_hash(value, len, &e->has_device, e->device);
	case DK_TAG_DEVICE_NAME:
		return get_text(value, len, DK_LOG_NAME_MAX_BYTES, e->device_name);
	case DK_TAG_ADDRESS:
		if (len != 16)
			return false;
		memcpy(e->address, value, 16);
		e->has_address = true;
		return true;
	case DK_TAG_PERSON:
		e->is_person = true;
		return e->user[0] == '\0' && dk_log_person_valid(value, len) &&
		    get_text(value, len, DK_LOG_PERSON_MAX_BYTES, e->user);
	default:
		return false;
	}
}

static bool
read_fields(struct dk_log_event *e, const struct part *part, unsigned repeatable,
    bool (*field)(struct dk_log_event *, unsigned, const uint8_t *, size_t))
{
	struct fields f = { .last = 0 };
	const uint8_t *value;
	unsigned tag;
	size_t len;

	dk_rd_init(&f.rd, part->bytes, part->len);
	while (dk_rd_left(&f.rd) > 0)
		if (!next_field(&f, repeatable, &tag, &value, &len) || !field(e, tag, value, len))
			return false;
	return true;
}

static bool
read_object(const struct part *part, struct dk_log_object *o)
{
	struct dk_reader_buf rd;

	*o = (struct dk_log_object){ .code = UINT16_MAX };
	if (part->erased)
		return true;
	if (part->len != DK_LOG_OBJECT_BYTES)
		return false;
	dk_rd_init(&rd, part->bytes, part->len);
	o->code = dk_rd_u16(&rd);
	memcpy(o->object_id, dk_rd_bytes(&rd, 16), 16);
	memcpy(o->core_digest, dk_rd_bytes(&rd, 48), 48);
	o->epoch = dk_rd_u32(&rd);
	memcpy(o->key_id, dk_rd_bytes(&rd, 32), 32);
	return true;
}

static dk_err
read_record(struct dk_reader_buf *rd, struct dk_record_hashes *hashes,
    struct dk_log_object *objects, struct dk_log_event *e)
{
	struct part part = { 0 };
	dk_err err;

	if (dk_rd_u8(rd) != 1)
		return DK_ERR_RECEIPT;
	err = read_part(rd, "log-main", &part, hashes->main);
	if (err != DK_OK)
		return err;
	if (part.erased || !read_fields(e, &part, DK_TAG_FACTOR, main_field))
		return DK_ERR_RECEIPT;
	err = read_part(rd, "log-person", &part, hashes->person);
	if (err != DK_OK)
		return err;
	e->person_erased = part.erased;
	if (!part.erased && !read_fields(e, &part, 0, person_field))
		return DK_ERR_RECEIPT;
	hashes->n = dk_rd_u16(rd);
	if (hashes->n > DK_LOG_OBJECTS_MAX)
		return DK_ERR_RECEIPT;
	for (unsigned i = 0; i < hashes->n; i++) {
		err = read_part(rd, "log-object", &part, hashes->object[i]);
		if (err != DK_OK)
			return err;
		if (!read_object(&part, &objects[i]))
			return DK_ERR_RECEIPT;
	}
	e->object_count = hashes->n;
	e->objects = objects;
	return rd->failed || dk_rd_left(rd) > 0 ? DK_ERR_RECEIPT : DK_OK;
}

static dk_err
check_leaf(const uint8_t leaf[DK_LEAF_BYTES], const struct dk_record_hashes *hashes,
    struct dk_log_event *e)
{
	uint8_t commitment[32];
	struct dk_reader_buf rd;
	dk_err err;

	dk_rd_init(&rd, leaf, DK_LEAF_BYTES);
	if (memcmp(dk_rd_bytes(&rd, 4), "DKL1", 4) != 0)
		return DK_ERR_RECEIPT;
	e->class_ = dk_rd_u16(&rd);
	if (dk_rd_u16(&rd) != 0 || dk_rd_u64(&rd) != e->time - e->time % 60)
		return DK_ERR_RECEIPT;
	err = dk_record_commitment(hashes, commitment);
	if (err != DK_OK)
		return err;
	return memcmp(dk_rd_bytes(&rd, 32), commitment, 32) == 0 ? DK_OK : DK_ERR_RECEIPT;
}

dk_err
dk_record_open(const uint8_t *record, size_t len, const uint8_t leaf[DK_LEAF_BYTES],
    struct dk_log_object *objects, struct dk_log_event *ret_event)
{
	struct dk_log_event event = { 0 };
	struct dk_record_hashes *hashes;
	struct dk_reader_buf rd;
	dk_err err;

	hashes = malloc(sizeof(*hashes));
	if (!hashes)
		return DK_ERR_NOMEM;
	dk_rd_init(&rd, record, len);
	err = read_record(&rd, hashes, objects, &event);
	if (err == DK_OK)
		err = check_leaf(leaf, hashes, &event);
	free(hashes);
	if (err == DK_OK)
		*ret_event = event;
	return err;
}
