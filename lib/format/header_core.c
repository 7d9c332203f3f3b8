/* SPDX-License-Identifier: Apache-2.0 */
/* The core header, spec/envelope.md section 3.1. */
#include "format/header_cursor.h"

const uint8_t dk_header_magic[DK_MAGIC_BYTES] = { 0x89, 'D', 'K', 'E', 'Y', 0x0d, 0x0a, 0x1a };

static dk_err
core_magic(struct dk_cursor *p)
{
	uint32_t offset;
	dk_err err;

	err = dk_cursor_take(p, DK_MAGIC_BYTES, &offset);
	if (err != DK_OK)
		return err;
	/*@ loop invariant 0 <= i <= DK_MAGIC_BYTES;
	    loop assigns i;
	    loop variant DK_MAGIC_BYTES - i; */
	for (uint32_t i = 0; i < DK_MAGIC_BYTES; i++)
		if (p->data[offset + i] != dk_header_magic[i])
			return DK_ERR_MAGIC;
	return DK_OK;
}

static bool
segment_len_ok(uint32_t len)
{
	return len == 4096 || len == 65536 || len == 1048576;
}

/* Magic, version, suite and length: from here on the container is known. */
static dk_err
core_start(struct dk_cursor *p)
{
	uint32_t value;
	dk_err err;

	err = core_magic(p);
	if (err != DK_OK)
		return err;
	err = dk_cursor_u32(p, 2, &value);
	if (err != DK_OK)
		return err;
	if (value != 1)
		return DK_ERR_VERSION;
	err = dk_cursor_u32(p, 2, &value);
	if (err != DK_OK)
		return err;
	if (value != 1)
		return DK_ERR_SUITE;
	err = dk_cursor_u32(p, 4, &value);
	if (err != DK_OK)
		return err;
	if (value < DK_CORE_MIN_BYTES || value > DK_CORE_MAX_BYTES)
		return DK_ERR_CORE_LENGTH;
	p->header->core_len = value;
	p->end = value;
	p->end_err = DK_ERR_CORE_LENGTH;
	return DK_OK;
}

static dk_err
core_commitments(struct dk_cursor *p)
{
	dk_err err;

	err = dk_cursor_take(p, DK_COMMITMENT_BYTES, &p->header->share_commitment[0]);
	if (err != DK_OK)
		return err;
	err = dk_cursor_take(p, DK_COMMITMENT_BYTES, &p->header->share_commitment[1]);
	if (err != DK_OK)
		return err;
	return dk_cursor_take(p, 48, &p->header->metadata_digest);
}

static dk_err
core_fixed(struct dk_cursor *p)
{
	struct dk_header *h = p->header;
	dk_err err;

	err = dk_cursor_take(p, 16, &h->object_id);
	if (err != DK_OK)
		return err;
	err = dk_cursor_take(p, 32, &h->salt);
	if (err != DK_OK)
		return err;
	err = dk_cursor_number(p, 8, &h->created);
	if (err != DK_OK)
		return err;
	if (h->created >= DK_CREATED_MAX_S)
		return DK_ERR_TEXT;
	err = dk_cursor_u32(p, 4, &h->segment_len);
	if (err != DK_OK)
		return err;
	if (!segment_len_ok(h->segment_len))
		return DK_ERR_SEGMENT_LENGTH;
	return core_commitments(p);
}

static dk_err
core_text(struct dk_cursor *p, uint32_t *ret_offset, uint32_t *ret_len)
{
	dk_err err;

	err = dk_cursor_u32(p, 1, ret_len);
	if (err != DK_OK)
		return err;
	err = dk_cursor_take(p, *ret_len, ret_offset);
	if (err != DK_OK)
		return err;
	return dk_text_valid(p->data + *ret_offset, *ret_len) ? DK_OK : DK_ERR_TEXT;
}

static dk_err
core_variable(struct dk_cursor *p)
{
	struct dk_header *h = p->header;
	uint32_t flag;
	dk_err err;

	err = core_text(p, &h->tenant, &h->tenant_len);
	if (err != DK_OK)
		return err;
	err = core_text(p, &h->label, &h->label_len);
	if (err != DK_OK)
		return err;
	err = dk_cursor_u32(p, 1, &flag);
	if (err != DK_OK)
		return err;
	if (flag > 1)
		return DK_ERR_CREATOR_FLAG;
	h->has_creator = flag == 1;
	h->creator_id = (uint32_t)p->pos;
	if (h->has_creator) {
		err = dk_cursor_take(p, 32, &h->creator_id);
		if (err != DK_OK)
			return err;
	}
	dk_cursor_at(p, DK_PART_CORE, 12);
	return p->pos == h->core_len ? DK_OK : DK_ERR_CORE_LENGTH;
}

dk_err
dk_header_core(struct dk_cursor *p)
{
	dk_err err;

	dk_cursor_at(p, DK_PART_CORE, 0);
	err = core_start(p);
	if (err != DK_OK)
		return err;
	err = core_fixed(p);
	if (err != DK_OK)
		return err;
	return core_variable(p);
}
