/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the bytes, in the order of spec/envelope.md section 9 step 1,
 * so that the error is that of the first wrong field. Rules over both sets
 * come last (header_rules.c).
 */
#include "format/header.h"

#include "base/bytes.h"
#include "format/header_rules.h"

#define LENGTHS_BYTES 12u
#define SET_MIN_BYTES (DK_SET_HEAD_BYTES + DK_SET_MAC_BYTES)

struct parser {
	struct dk_reader_buf rd;
	struct dk_header *header;
	struct dk_header_error *where;
	uint32_t set_len[2];
};

static void
at(struct parser *p, enum dk_header_part part, size_t offset)
{
	p->where->part = part;
	p->where->offset = (uint32_t)offset;
}

static const uint8_t magic[8] = { 0x89, 'D', 'K', 'E', 'Y', 0x0d, 0x0a, 0x1a };

static bool
magic_ok(const uint8_t *data)
{
	for (unsigned i = 0; i < sizeof(magic); i++)
		if (data[i] != magic[i])
			return false;
	return true;
}

static bool
segment_len_ok(uint32_t len)
{
	return len == 4096 || len == 65536 || len == 1048576;
}

/* Fields of the fixed part, up to the tenant length at offset 188. */
static dk_err
core_fixed(struct parser *p)
{
	struct dk_header *h = p->header;
	struct dk_reader_buf *rd = &p->rd;
	const uint8_t *bytes;

	at(p, DK_PART_CORE, 0);
	bytes = dk_rd_bytes(rd, sizeof(magic));
	if (bytes && !magic_ok(bytes))
		return DK_ERR_MAGIC;
	at(p, DK_PART_CORE, 8);
	if (dk_rd_u16(rd) != 1)
		return rd->failed ? DK_ERR_TRUNCATED : DK_ERR_VERSION;
	at(p, DK_PART_CORE, 10);
	if (dk_rd_u16(rd) != 1)
		return rd->failed ? DK_ERR_TRUNCATED : DK_ERR_SUITE;
	at(p, DK_PART_CORE, 12);
	h->core_len = dk_rd_u32(rd);
	if (!rd->failed && (h->core_len < DK_CORE_MIN_BYTES || h->core_len > DK_CORE_MAX_BYTES))
		return DK_ERR_CORE_LENGTH;
	h->object_id = (uint32_t)rd->pos;
	(void)dk_rd_bytes(rd, 16);
	h->salt = (uint32_t)rd->pos;
	(void)dk_rd_bytes(rd, 32);
	at(p, DK_PART_CORE, rd->pos);
	h->created = dk_rd_u64(rd);
	if (!rd->failed && h->created >= DK_CREATED_MAX_S)
		return DK_ERR_TEXT;
	at(p, DK_PART_CORE, rd->pos);
	h->segment_len = dk_rd_u32(rd);
	if (!rd->failed && !segment_len_ok(h->segment_len))
		return DK_ERR_SEGMENT_LENGTH;
	h->share_commitment[0] = (uint32_t)rd->pos;
	(void)dk_rd_bytes(rd, DK_COMMITMENT_BYTES);
	h->share_commitment[1] = (uint32_t)rd->pos;
	(void)dk_rd_bytes(rd, DK_COMMITMENT_BYTES);
	h->metadata_digest = (uint32_t)rd->pos;
	(void)dk_rd_bytes(rd, 48);
	at(p, DK_PART_CORE, rd->pos);
	return rd->failed ? DK_ERR_TRUNCATED : DK_OK;
}

static dk_err
core_text(struct parser *p, uint32_t *ret_offset, uint32_t *ret_len)
{
	const uint8_t *text;

	at(p, DK_PART_CORE, p->rd.pos);
	*ret_len = dk_rd_u8(&p->rd);
	*ret_offset = (uint32_t)p->rd.pos;
	text = dk_rd_bytes(&p->rd, *ret_len);
	if (!text)
		return DK_ERR_TRUNCATED;
	return dk_text_valid(text, *ret_len) ? DK_OK : DK_ERR_TEXT;
}

static dk_err
core_variable(struct parser *p)
{
	struct dk_header *h = p->header;
	dk_err err;
	uint8_t flag;

	err = core_text(p, &h->tenant, &h->tenant_len);
	if (err != DK_OK)
		return err;
	err = core_text(p, &h->label, &h->label_len);
	if (err != DK_OK)
		return err;
	at(p, DK_PART_CORE, p->rd.pos);
	flag = dk_rd_u8(&p->rd);
	if (flag > 1)
		return DK_ERR_CREATOR_FLAG;
	h->has_creator = flag == 1;
	h->creator_id = (uint32_t)p->rd.pos;
	if (h->has_creator)
		(void)dk_rd_bytes(&p->rd, DK_COMMITMENT_BYTES);
	if (p->rd.failed)
		return DK_ERR_TRUNCATED;
	at(p, DK_PART_CORE, 12);
	return p->rd.pos == h->core_len ? DK_OK : DK_ERR_CORE_LENGTH;
}

/* Commitment, signature, MAC, and the three lengths. */
static dk_err
tail_lengths(struct parser *p)
{
	struct dk_header *h = p->header;
	struct dk_reader_buf *rd = &p->rd;
	uint64_t end;

	at(p, DK_PART_HEADER, rd->pos);
	h->key_commitment = (uint32_t)rd->pos;
	(void)dk_rd_bytes(rd, DK_COMMITMENT_BYTES);
	h->creator_signature = (uint32_t)rd->pos;
	if (h->has_creator)
		(void)dk_rd_bytes(rd, DK_CREATOR_SIGNATURE_BYTES);
	h->header_mac = (uint32_t)rd->pos;
	(void)dk_rd_bytes(rd, DK_HEADER_MAC_BYTES);
	if (rd->failed)
		return DK_ERR_TRUNCATED;
	at(p, DK_PART_LENGTHS, rd->pos);
	h->metadata_len = dk_rd_u32(rd);
	if (!rd->failed && h->metadata_len != 0 &&
	    (h->metadata_len < DK_METADATA_MIN_BYTES || h->metadata_len > DK_METADATA_MAX_BYTES))
		return DK_ERR_METADATA_LENGTH;
	for (unsigned i = 0; i < 2; i++) {
		at(p, DK_PART_LENGTHS, rd->pos);
		p->set_len[i] = dk_rd_u32(rd);
		if (!rd->failed &&
		    (p->set_len[i] < SET_MIN_BYTES || p->set_len[i] > DK_HEADER_MAX_BYTES))
			return DK_ERR_SET_LENGTH;
	}
	if (rd->failed)
		return DK_ERR_TRUNCATED;
	end = rd->pos + (uint64_t)h->metadata_len + p->set_len[0] + p->set_len[1];
	end = (end + DK_HEADER_UNIT_BYTES - 1) / DK_HEADER_UNIT_BYTES * DK_HEADER_UNIT_BYTES;
	if (end > DK_HEADER_MAX_BYTES)
		return DK_ERR_HEADER_TOO_LARGE;
	h->block_len = (uint32_t)end;
	return DK_OK;
}

/* The one body length that a type allows, or 0 where it depends on the key. */
static dk_err
stanza_shape(uint16_t type, uint16_t body_len)
{
	switch (type) {
	case DK_STANZA_P256:
		return body_len == 65 + 48 ? DK_OK : DK_ERR_STANZA_LENGTH;
	case DK_STANZA_P384:
		return body_len == 97 + 48 ? DK_OK : DK_ERR_STANZA_LENGTH;
	case DK_STANZA_RSA_OAEP:
		return body_len >= 384 + 48 && body_len <= 1024 + 48 ? DK_OK : DK_ERR_STANZA_LENGTH;
	case DK_STANZA_P256_MLKEM768:
	case DK_STANZA_KMS:
		return DK_ERR_STANZA_RESERVED;
	default:
		return DK_ERR_STANZA_TYPE;
	}
}

/* rd is confined to the set, so that running out of bytes is DK_ERR_SET_LENGTH. */
static dk_err
set_stanza(struct parser *p, struct dk_reader_buf *rd, struct dk_set *set, uint32_t index)
{
	struct dk_stanza *st = &set->stanza[index];
	const uint8_t *custodian;
	dk_err err;

	at(p, DK_PART_STANZA, set->offset + rd->pos);
	p->where->index = index;
	st->type = dk_rd_u16(rd);
	st->body_len = dk_rd_u16(rd);
	if (rd->failed)
		return DK_ERR_SET_LENGTH;
	err = stanza_shape(st->type, st->body_len);
	if (err != DK_OK)
		return err;
	st->key_id = (uint32_t)(set->offset + rd->pos);
	(void)dk_rd_bytes(rd, 32);
	st->custodian = (uint32_t)(set->offset + rd->pos);
	custodian = dk_rd_bytes(rd, DK_CUSTODIAN_BYTES);
	st->body = (uint32_t)(set->offset + rd->pos);
	(void)dk_rd_bytes(rd, st->body_len);
	if (rd->failed || !custodian)
		return DK_ERR_SET_LENGTH;
	if (!dk_custodian_valid(custodian))
		return DK_ERR_TEXT;
	return dk_rule_new_stanza(p->rd.data, set, index) ? DK_OK : DK_ERR_STANZA_DUPLICATE;
}

static dk_err
set_former(struct parser *p, struct dk_reader_buf *rd, struct dk_set *set, uint32_t index)
{
	const uint8_t *custodian;
	uint16_t type;

	at(p, DK_PART_FORMER, set->offset + rd->pos);
	p->where->index = index;
	type = dk_rd_u16(rd);
	(void)dk_rd_bytes(rd, 32);
	custodian = dk_rd_bytes(rd, DK_CUSTODIAN_BYTES);
	if (rd->failed || !custodian)
		return DK_ERR_SET_LENGTH;
	if (type == DK_STANZA_P256_MLKEM768 || type == DK_STANZA_KMS)
		return DK_ERR_STANZA_RESERVED;
	if (type < DK_STANZA_P256 || type > DK_STANZA_RSA_OAEP)
		return DK_ERR_STANZA_TYPE;
	if (!dk_custodian_valid(custodian))
		return DK_ERR_TEXT;
	return dk_rule_former_order(p->rd.data, set, index) ? DK_OK : DK_ERR_FORMER;
}

/* Side, epoch and the two counts. */
static dk_err
set_head(struct parser *p, struct dk_reader_buf *rd, struct dk_set *set, uint32_t side)
{
	at(p, DK_PART_SET, set->offset);
	if (dk_rd_u8(rd) != side + 1)
		return DK_ERR_SIDE;
	at(p, DK_PART_SET, set->offset + rd->pos);
	set->epoch = dk_rd_u32(rd);
	if (set->epoch == 0)
		return DK_ERR_EPOCH;
	at(p, DK_PART_SET, set->offset + rd->pos);
	set->stanza_count = dk_rd_u8(rd);
	if (set->stanza_count == 0 || set->stanza_count > DK_STANZAS_MAX)
		return DK_ERR_STANZA_COUNT;
	at(p, DK_PART_SET, set->offset + rd->pos);
	set->former_count = dk_rd_u16(rd);
	return set->former_count <= DK_FORMERS_MAX ? DK_OK : DK_ERR_FORMER;
}

static dk_err
parse_set(struct parser *p, uint32_t side)
{
	struct dk_set *set = &p->header->set[side];
	struct dk_reader_buf rd;
	const uint8_t *bytes;
	dk_err err;

	p->where->side = side;
	at(p, DK_PART_SET, p->rd.pos);
	set->offset = (uint32_t)p->rd.pos;
	set->len = p->set_len[side];
	bytes = dk_rd_bytes(&p->rd, set->len);
	if (!bytes)
		return DK_ERR_TRUNCATED;
	dk_rd_init(&rd, bytes, set->len);
	err = set_head(p, &rd, set, side);
	if (err != DK_OK)
		return err;
	for (uint32_t i = 0; i < set->stanza_count; i++) {
		err = set_stanza(p, &rd, set, i);
		if (err != DK_OK)
			return err;
	}
	set->formers = (uint32_t)(set->offset + rd.pos);
	for (uint32_t i = 0; i < set->former_count; i++) {
		err = set_former(p, &rd, set, i);
		if (err != DK_OK)
			return err;
	}
	at(p, DK_PART_SET, set->offset);
	set->mac = (uint32_t)(set->offset + rd.pos);
	return dk_rd_left(&rd) == DK_SET_MAC_BYTES ? DK_OK : DK_ERR_SET_LENGTH;
}

static dk_err
parse_padding(struct parser *p)
{
	const uint8_t *pad;
	size_t len = p->header->block_len - p->rd.pos;
	size_t start = p->rd.pos;

	at(p, DK_PART_PADDING, start);
	pad = dk_rd_bytes(&p->rd, len);
	if (!pad)
		return DK_ERR_TRUNCATED;
	for (size_t i = 0; i < len; i++) {
		at(p, DK_PART_PADDING, start + i);
		if (pad[i] != 0)
			return DK_ERR_PADDING;
	}
	return DK_OK;
}

static dk_err
parse_lengths(struct parser *p)
{
	dk_err err;

	err = core_fixed(p);
	if (err != DK_OK)
		return err;
	err = core_variable(p);
	if (err != DK_OK)
		return err;
	return tail_lengths(p);
}

static dk_err
parse_rest(struct parser *p)
{
	dk_err err;

	at(p, DK_PART_METADATA, p->rd.pos);
	p->header->metadata = (uint32_t)p->rd.pos;
	if (!dk_rd_bytes(&p->rd, p->header->metadata_len))
		return DK_ERR_TRUNCATED;
	for (uint32_t side = 0; side < 2; side++) {
		err = parse_set(p, side);
		if (err != DK_OK)
			return err;
	}
	err = parse_padding(p);
	if (err != DK_OK)
		return err;
	return dk_rule_two_holders(p->rd.data, p->header, p->where);
}

static void
parser_init(struct parser *p, const uint8_t *data, size_t len, struct dk_header *header,
    struct dk_header_error *where)
{
	/* The block ends within this, so that no offset exceeds 32 bits. */
	if (len > DK_HEADER_MAX_BYTES)
		len = DK_HEADER_MAX_BYTES;
	dk_rd_init(&p->rd, data, len);
	p->header = header;
	p->where = where;
	p->set_len[0] = 0;
	p->set_len[1] = 0;
	*where = (struct dk_header_error){ 0 };
}

uint32_t
dk_header_need(const uint8_t *data, size_t len)
{
	struct dk_header header = { 0 };
	struct dk_header_error where;
	struct parser p;

	parser_init(&p, data, len, &header, &where);
	if (parse_lengths(&p) != DK_OK)
		return DK_HEADER_UNIT_BYTES;
	return header.block_len;
}

dk_err
dk_header_parse(const uint8_t *data, size_t len, struct dk_header *ret_header,
    struct dk_header_error *ret_error)
{
	struct dk_header_error where;
	struct parser p;
	dk_err err;

	parser_init(&p, data, len, ret_header, &where);
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
	struct parser p;
	dk_err err;

	if (core_len > DK_CORE_MAX_BYTES)
		return DK_ERR_CORE_LENGTH;
	if (set_len < SET_MIN_BYTES || set_len > DK_HEADER_MAX_BYTES - core_len)
		return DK_ERR_SET_LENGTH;
	parser_init(&p, data, core_len, ret_header, &where);
	err = core_fixed(&p);
	if (err != DK_OK)
		return err;
	err = core_variable(&p);
	if (err != DK_OK)
		return err;
	if (ret_header->core_len != core_len)
		return DK_ERR_CORE_LENGTH;
	p.rd.len = core_len + set_len;
	p.set_len[index] = (uint32_t)set_len;
	return parse_set(&p, index);
}
