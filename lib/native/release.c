/* SPDX-License-Identifier: Apache-2.0 */
#include "native/release.h"

#include <string.h>

#include "crypto/crypto.h"
#include "format/schedule.h"
#include "native/request.h"

dk_side
dk_release_side(const struct dk_release_object *object)
{
	return object->set_len > 0 && object->core[object->core_len] == DK_SIDE_PROVIDER
	    ? DK_SIDE_PROVIDER
	    : DK_SIDE_CUSTOMER;
}

dk_err
dk_release_request_parse(const uint8_t *body, size_t len, struct dk_release_object *objects,
    struct dk_release_request *ret_request)
{
	struct dk_release_request r = { .objects = objects };
	struct dk_reader_buf rd;
	const uint8_t *magic;

	dk_rd_init(&rd, body, len);
	magic = dk_rd_bytes(&rd, 4);
	r.recipient_type = dk_rd_u16(&rd);
	r.recipient = dk_rd_bytes(&rd, DK_P256_POINT_BYTES);
	r.count = dk_rd_u16(&rd);
	if (rd.failed || memcmp(magic, "DKR1", 4) != 0 || r.count == 0 ||
	    r.count > DK_RELEASE_OBJECTS_MAX)
		return DK_ERR_SERVICE_MALFORMED_REQUEST;
	for (unsigned i = 0; i < r.count; i++) {
		struct dk_release_object *o = &objects[i];

		o->core_len = dk_rd_u16(&rd);
		o->set_len = dk_rd_u32(&rd);
		if (o->set_len > DK_HEADER_MAX_BYTES)
			return DK_ERR_SERVICE_MALFORMED_REQUEST;
		o->core = dk_rd_bytes(&rd, (size_t)o->core_len + o->set_len);
		if (rd.failed)
			return DK_ERR_SERVICE_MALFORMED_REQUEST;
	}
	if (dk_rd_left(&rd) > 0)
		return DK_ERR_SERVICE_MALFORMED_REQUEST;
	*ret_request = r;
	return DK_OK;
}

dk_err
dk_release_info(const uint8_t request_digest[32], uint8_t *ret_info, size_t *ret_len)
{
	const struct dk_part data = { request_digest, 32 };

	return dk_info("release", &data, 1, ret_info, ret_len);
}

void
dk_release_aad(const uint8_t core_digest[48], const uint8_t commitment[32], uint64_t index,
    uint8_t ret_aad[DK_RELEASE_AAD_BYTES])
{
	struct dk_writer_buf wr;

	dk_wr_init(&wr, ret_aad, DK_RELEASE_AAD_BYTES);
	dk_wr_bytes(&wr, core_digest, 48);
	dk_wr_bytes(&wr, commitment, 32);
	dk_wr_u64(&wr, index);
}

void
dk_key_statement_write(struct dk_writer_buf *wr, const struct dk_key_statement *st)
{
	dk_wr_bytes(wr, "DKK1", 4);
	dk_wr_u8(wr, (uint8_t)strlen(st->name));
	dk_wr_bytes(wr, st->name, strlen(st->name));
	dk_wr_bytes(wr, st->custodian, DK_CUSTODIAN_BYTES);
	dk_wr_u64(wr, st->time);
	dk_wr_u16(wr, (uint16_t)st->version_count);
	for (unsigned i = 0; i < st->version_count; i++) {
		const struct dk_key_version *v = &st->version[i];

		dk_wr_u32(wr, v->version);
		dk_wr_u16(wr, v->type);
		dk_wr_u8(wr, v->state);
		dk_wr_u64(wr, v->created);
		dk_wr_u64(wr, v->index);
		dk_wr_u16(wr, (uint16_t)v->spki_len);
		dk_wr_bytes(wr, v->spki, v->spki_len);
	}
	dk_wr_u8(wr, st->recovery_spki ? 1 : 0);
	if (st->recovery_spki) {
		dk_wr_bytes(wr, st->recovery_custodian, DK_CUSTODIAN_BYTES);
		dk_wr_u16(wr, st->recovery_type);
		dk_wr_u16(wr, (uint16_t)st->recovery_spki_len);
		dk_wr_bytes(wr, st->recovery_spki, st->recovery_spki_len);
	}
}

dk_err
dk_key_statement_parts(
    const uint8_t *bytes, size_t len, uint8_t *prefix, struct dk_part ret_parts[2])
{
	size_t prefix_len;
	dk_err err;

	err = dk_info("key-statement", NULL, 0, prefix, &prefix_len);
	ret_parts[0] = (struct dk_part){ prefix, prefix_len };
	ret_parts[1] = (struct dk_part){ bytes, len };
	return err;
}

static bool
read_version(struct dk_reader_buf *rd, struct dk_key_version *v, uint32_t above)
{
	v->version = dk_rd_u32(rd);
	v->type = dk_rd_u16(rd);
	v->state = dk_rd_u8(rd);
	v->created = dk_rd_u64(rd);
	v->index = dk_rd_u64(rd);
	v->spki_len = dk_rd_u16(rd);
	v->spki = dk_rd_bytes(rd, v->spki_len);
	return !rd->failed && v->version > above && v->state >= DK_VERSION_ACTIVE &&
	    v->state <= DK_VERSION_DESTROYED;
}

static bool
read_recovery(struct dk_reader_buf *rd, struct dk_key_statement *st)
{
	uint8_t count = dk_rd_u8(rd);

	st->recovery_spki = NULL;
	if (count == 0)
		return !rd->failed;
	st->recovery_custodian = dk_rd_bytes(rd, DK_CUSTODIAN_BYTES);
	st->recovery_type = dk_rd_u16(rd);
	st->recovery_spki_len = dk_rd_u16(rd);
	st->recovery_spki = dk_rd_bytes(rd, st->recovery_spki_len);
	return count == 1 && !rd->failed && dk_custodian_valid(st->recovery_custodian);
}

dk_err
dk_key_statement_parse(const uint8_t *bytes, size_t len, struct dk_key_statement *ret_statement)
{
	struct dk_key_statement *st = ret_statement;
	const uint8_t *magic, *name, *custodian;
	struct dk_reader_buf rd;
	size_t name_len;

	dk_rd_init(&rd, bytes, len);
	magic = dk_rd_bytes(&rd, 4);
	name_len = dk_rd_u8(&rd);
	name = dk_rd_bytes(&rd, name_len);
	custodian = dk_rd_bytes(&rd, DK_CUSTODIAN_BYTES);
	st->time = dk_rd_u64(&rd);
	st->version_count = dk_rd_u16(&rd);
	if (rd.failed || memcmp(magic, "DKK1", 4) != 0 ||
	    !dk_service_key_name_valid((const char *)name, name_len) ||
	    !dk_custodian_valid(custodian) || st->version_count == 0 ||
	    st->version_count > DK_VERSIONS_MAX)
		return DK_ERR_SERVICE_REPLY;
	memcpy(st->name, name, name_len);
	st->name[name_len] = '\0';
	memcpy(st->custodian, custodian, DK_CUSTODIAN_BYTES);
	for (unsigned i = 0; i < st->version_count; i++)
		if (!read_version(&rd, &st->version[i], i ? st->version[i - 1].version : 0))
			return DK_ERR_SERVICE_REPLY;
	if (!read_recovery(&rd, st))
		return DK_ERR_SERVICE_REPLY;
	st->signed_len = rd.pos;
	st->signature = dk_rd_bytes(&rd, DK_SIGNATURE_BYTES);
	for (unsigned i = 0; i < st->version_count; i++) {
		st->version[i].receipt_len = dk_rd_u32(&rd);
		st->version[i].receipt = dk_rd_bytes(&rd, st->version[i].receipt_len);
	}
	return rd.failed || dk_rd_left(&rd) > 0 ? DK_ERR_SERVICE_REPLY : DK_OK;
}
