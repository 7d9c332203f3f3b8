/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the bytes, in the order of spec/envelope.md section 9 step 1,
 * so that the error is that of the first wrong field. Rules over both sets
 * come last (header_rules.c).
 */
#include "format/header_cursor.h"
#include "format/header_rules.h"

#define SET_MIN_BYTES (DK_SET_HEAD_BYTES + DK_SET_MAC_BYTES)

/* Key commitment, creator signature, header MAC. */
static dk_err
parse_seals(struct dk_cursor *p)
{
	struct dk_header *h = p->header;
	dk_err err;

	dk_cursor_at(p, DK_PART_HEADER, p->pos);
	p->end = DK_HEADER_MAX_BYTES;
	p->end_err = DK_ERR_HEADER_TOO_LARGE;
	err = dk_cursor_take(p, DK_COMMITMENT_BYTES, &h->key_commitment);
	if (err != DK_OK)
		return err;
	h->creator_signature = p->pos;
	if (h->has_creator) {
		err = dk_cursor_take(p, DK_CREATOR_SIGNATURE_BYTES, &h->creator_signature);
		if (err != DK_OK)
			return err;
	}
	return dk_cursor_take(p, DK_HEADER_MAC_BYTES, &h->header_mac);
}

static dk_err
metadata_length(struct dk_cursor *p)
{
	uint32_t len;
	dk_err err;

	err = dk_cursor_u32(p, 4, &len);
	if (err != DK_OK)
		return err;
	if (len != 0 && (len < DK_METADATA_MIN_BYTES || len > DK_METADATA_MAX_BYTES))
		return DK_ERR_METADATA_LENGTH;
	p->header->metadata_len = len;
	return DK_OK;
}

static dk_err
set_lengths(struct dk_cursor *p)
{
	dk_err err;

	for (unsigned i = 0; i < 2; i++) {
		err = dk_cursor_u32(p, 4, &p->set_len[i]);
		if (err != DK_OK)
			return err;
		if (p->set_len[i] < SET_MIN_BYTES || p->set_len[i] > DK_HEADER_MAX_BYTES)
			return DK_ERR_SET_LENGTH;
	}
	return DK_OK;
}

static dk_err
parse_tail_lengths(struct dk_cursor *p)
{
	uint32_t end;
	dk_err err;

	dk_cursor_at(p, DK_PART_LENGTHS, p->pos);
	err = metadata_length(p);
	if (err != DK_OK)
		return err;
	err = set_lengths(p);
	if (err != DK_OK)
		return err;
	/* At most 889 + 4,096 + 2 * 262,144: far from 2^32. */
	end = p->pos + p->header->metadata_len + p->set_len[0] + p->set_len[1];
	end = (end + DK_HEADER_UNIT_BYTES - 1) / DK_HEADER_UNIT_BYTES * DK_HEADER_UNIT_BYTES;
	if (end > DK_HEADER_MAX_BYTES)
		return DK_ERR_HEADER_TOO_LARGE;
	p->header->block_len = end;
	return DK_OK;
}

static dk_err
parse_padding(struct dk_cursor *p)
{
	uint32_t len = p->header->block_len - p->pos;
	uint32_t start;
	dk_err err;

	dk_cursor_at(p, DK_PART_PADDING, p->pos);
	p->end = p->header->block_len;
	err = dk_cursor_take(p, len, &start);
	if (err != DK_OK)
		return err;
	for (uint32_t i = 0; i < len; i++) {
		p->where->offset = start + i;
		if (p->data[start + i] != 0)
			return DK_ERR_PADDING;
	}
	return DK_OK;
}

static dk_err
parse_lengths(struct dk_cursor *p)
{
	dk_err err;

	err = dk_header_core(p);
	if (err != DK_OK)
		return err;
	err = parse_seals(p);
	if (err != DK_OK)
		return err;
	return parse_tail_lengths(p);
}

static dk_err
parse_rest(struct dk_cursor *p)
{
	dk_err err;

	dk_cursor_at(p, DK_PART_METADATA, p->pos);
	err = dk_cursor_take(p, p->header->metadata_len, &p->header->metadata);
	if (err != DK_OK)
		return err;
	for (uint32_t side = 0; side < 2; side++) {
		err = dk_header_set(p, side);
		if (err != DK_OK)
			return err;
	}
	err = parse_padding(p);
	if (err != DK_OK)
		return err;
	return dk_rule_two_holders(p->data, p->header, p->where);
}

static void
cursor_init(struct dk_cursor *p, const uint8_t *data, size_t len, struct dk_header *header,
    struct dk_header_error *where)
{
	/* The block ends within this, so that no offset exceeds 32 bits. */
	*where = (struct dk_header_error){ 0 };
	*p = (struct dk_cursor){
		.data = data,
		.len = len > DK_HEADER_MAX_BYTES ? DK_HEADER_MAX_BYTES : (uint32_t)len,
		.end = DK_HEADER_MAX_BYTES,
		.end_err = DK_ERR_HEADER_TOO_LARGE,
		.header = header,
		.where = where,
	};
}

uint32_t
dk_header_need(const uint8_t *data, size_t len)
{
	struct dk_header header = { 0 };
	struct dk_header_error where;
	struct dk_cursor p;

	cursor_init(&p, data, len, &header, &where);
	if (parse_lengths(&p) != DK_OK)
		return DK_HEADER_UNIT_BYTES;
	return header.block_len;
}

dk_err
dk_header_parse(const uint8_t *data, size_t len, struct dk_header *ret_header,
    struct dk_header_error *ret_error)
{
	struct dk_header_error where;
	struct dk_cursor p;
	dk_err err;

	cursor_init(&p, data, len, ret_header, &where);
	err = parse_lengths(&p);
	if (err == DK_OK)
		err = parse_rest(&p);
	if (err != DK_OK)
		*ret_error = where;
	return err;
}

dk_err
dk_header_parse_side(const uint8_t *data, size_t core_len, size_t set_len, dk_side side,
    struct dk_header *ret_header)
{
	uint32_t index = side == DK_SIDE_PROVIDER ? 1 : 0;
	struct dk_header_error where;
	struct dk_cursor p;
	dk_err err;

	if (core_len > DK_CORE_MAX_BYTES)
		return DK_ERR_CORE_LENGTH;
	if (set_len < SET_MIN_BYTES || set_len > DK_HEADER_MAX_BYTES - core_len)
		return DK_ERR_SET_LENGTH;
	cursor_init(&p, data, core_len + set_len, ret_header, &where);
	err = dk_header_core(&p);
	if (err != DK_OK)
		return err;
	if (ret_header->core_len != core_len)
		return DK_ERR_CORE_LENGTH;
	p.set_len[index] = (uint32_t)set_len;
	return dk_header_set(&p, index);
}
