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
	h->creator_signature = (uint32_t)p->pos;
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
set_length(struct dk_cursor *p, uint32_t side)
{
	uint32_t len;
	dk_err err;

	err = dk_cursor_u32(p, 4, &len);
	if (err != DK_OK)
		return err;
	if (len < SET_MIN_BYTES || len > DK_HEADER_MAX_BYTES)
		return DK_ERR_SET_LENGTH;
	p->set_len[side] = len;
	return DK_OK;
}

/* To whole units. */
static size_t
round_up(size_t len)
{
	return (len + DK_HEADER_UNIT_BYTES - 1) / DK_HEADER_UNIT_BYTES * DK_HEADER_UNIT_BYTES;
}

static dk_err
parse_tail_lengths(struct dk_cursor *p)
{
	size_t end;
	dk_err err;

	dk_cursor_at(p, DK_PART_LENGTHS, p->pos);
	err = metadata_length(p);
	if (err != DK_OK)
		return err;
	err = set_length(p, 0);
	if (err != DK_OK)
		return err;
	err = set_length(p, 1);
	if (err != DK_OK)
		return err;
	end = p->pos + p->header->metadata_len + p->set_len[0] + p->set_len[1];
	end = round_up(end);
	if (end > DK_HEADER_MAX_BYTES)
		return DK_ERR_HEADER_TOO_LARGE;
	p->header->block_len = (uint32_t)end;
	return DK_OK;
}

static dk_err
parse_padding(struct dk_cursor *p)
{
	size_t len = p->header->block_len - p->pos;
	uint32_t start;
	dk_err err;

	dk_cursor_at(p, DK_PART_PADDING, p->pos);
	p->end = p->header->block_len;
	err = dk_cursor_take(p, len, &start);
	if (err != DK_OK)
		return err;
	/*@ loop invariant i <= len;
	    loop assigns i, p->where.offset;
	    loop variant len - i; */
	for (uint32_t i = 0; i < len; i++) {
		p->where.offset = start + i;
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
parse_sets(struct dk_cursor *p)
{
	dk_err err;

	err = dk_header_set(p, 0);
	if (err != DK_OK)
		return err;
	return dk_header_set(p, 1);
}

static dk_err
parse_rest(struct dk_cursor *p)
{
	dk_err err;

	dk_cursor_at(p, DK_PART_METADATA, p->pos);
	err = dk_cursor_take(p, p->header->metadata_len, &p->header->metadata);
	if (err != DK_OK)
		return err;
	err = parse_sets(p);
	if (err != DK_OK)
		return err;
	return parse_padding(p);
}

static void
cursor_init(struct dk_cursor *p, const uint8_t *data, size_t len, struct dk_header *header)
{
	/* The block ends within this, so that no offset exceeds 32 bits. */
	*p = (struct dk_cursor){
		.data = data,
		.len = len > DK_HEADER_MAX_BYTES ? DK_HEADER_MAX_BYTES : len,
		.end = DK_HEADER_MAX_BYTES,
		.end_err = DK_ERR_HEADER_TOO_LARGE,
		.header = header,
	};
}

uint32_t
dk_header_need(const uint8_t *data, size_t len)
{
	struct dk_header header;
	struct dk_cursor p;

	cursor_init(&p, data, len, &header);
	if (parse_lengths(&p) != DK_OK)
		return DK_HEADER_UNIT_BYTES;
	return header.block_len;
}

dk_err
dk_header_parse(const uint8_t *data, size_t len, struct dk_header *ret_header,
    struct dk_header_error *ret_error)
{
	struct dk_cursor p;
	dk_err err;

	cursor_init(&p, data, len, ret_header);
	err = parse_lengths(&p);
	if (err == DK_OK)
		err = parse_rest(&p);
	if (err == DK_OK)
		err = dk_rule_two_holders(data, ret_header, &p.where);
	if (err != DK_OK)
		*ret_error = p.where;
	return err;
}

dk_err
dk_header_parse_side(const uint8_t *data, size_t core_len, size_t set_len, dk_side side,
    struct dk_header *ret_header)
{
	uint32_t index = side == DK_SIDE_PROVIDER ? 1 : 0;
	struct dk_cursor p;
	dk_err err;

	if (core_len > DK_CORE_MAX_BYTES)
		return DK_ERR_CORE_LENGTH;
	if (set_len < SET_MIN_BYTES || set_len > DK_HEADER_MAX_BYTES - core_len)
		return DK_ERR_SET_LENGTH;
	cursor_init(&p, data, core_len + set_len, ret_header);
	err = dk_header_core(&p);
	if (err != DK_OK)
		return err;
	if (ret_header->core_len != core_len)
		return DK_ERR_CORE_LENGTH;
	p.set_len[index] = set_len;
	return dk_header_set(&p, index);
}
