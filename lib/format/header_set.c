/* SPDX-License-Identifier: Apache-2.0 */
/* One stanza set, spec/envelope.md section 6. */
#include "format/header_cursor.h"
#include "format/header_rules.h"

static dk_err
type_known(uint32_t type)
{
	switch (type) {
	case DK_STANZA_P256:
	case DK_STANZA_P384:
	case DK_STANZA_RSA_OAEP:
	case DK_STANZA_KMS:
		return DK_OK;
	case DK_STANZA_P256_MLKEM768:
		return DK_ERR_STANZA_RESERVED;
	default:
		return DK_ERR_STANZA_TYPE;
	}
}

static bool
body_len_ok(uint32_t type, uint32_t len)
{
	if (type == DK_STANZA_P256)
		return len == 65 + 48;
	if (type == DK_STANZA_P384)
		return len == 97 + 48;
	if (type == DK_STANZA_KMS)
		return len >= DK_KMS_BODY_MIN_BYTES && len <= DK_KMS_BODY_MAX_BYTES;
	return len >= 384 + 48 && len <= 1024 + 48;
}

static dk_err
custodian(struct dk_cursor *p, uint32_t *ret_offset)
{
	dk_err err;

	err = dk_cursor_take(p, DK_CUSTODIAN_BYTES, ret_offset);
	if (err != DK_OK)
		return err;
	return dk_custodian_valid(p->data + *ret_offset) ? DK_OK : DK_ERR_TEXT;
}

static dk_err
stanza_head(struct dk_cursor *p, struct dk_stanza *st)
{
	uint32_t value;
	dk_err err;

	err = dk_cursor_u32(p, 2, &value);
	if (err != DK_OK)
		return err;
	err = type_known(value);
	if (err != DK_OK)
		return err;
	st->type = (uint16_t)value;
	err = dk_cursor_u32(p, 2, &value);
	if (err != DK_OK)
		return err;
	if (!body_len_ok(st->type, value))
		return DK_ERR_STANZA_LENGTH;
	st->body_len = (uint16_t)value;
	err = dk_cursor_take(p, 32, &st->key_id);
	if (err != DK_OK)
		return err;
	return custodian(p, &st->custodian);
}

static dk_err
stanza_body(struct dk_cursor *p, bool is_kms, uint32_t len, uint32_t *ret_offset)
{
	if (!is_kms)
		return dk_cursor_take(p, len, ret_offset);
	*ret_offset = (uint32_t)p->pos;
	return dk_header_kms(p, len);
}

static dk_err
parse_stanza(struct dk_cursor *p, struct dk_set *set, uint32_t index)
{
	struct dk_stanza *st = &set->stanza[index];
	dk_err err;

	dk_cursor_at(p, DK_PART_STANZA, p->pos);
	p->where.index = index;
	err = stanza_head(p, st);
	if (err != DK_OK)
		return err;
	p->where.offset = st->key_id;
	if (!dk_rule_new_stanza(p->data, set, index))
		return DK_ERR_STANZA_DUPLICATE;
	return stanza_body(p, st->type == DK_STANZA_KMS, st->body_len, &st->body);
}

static dk_err
parse_former(struct dk_cursor *p, struct dk_set *set, uint32_t index)
{
	uint32_t type, id, name;
	dk_err err;

	dk_cursor_at(p, DK_PART_FORMER, p->pos);
	p->where.index = index;
	err = dk_cursor_u32(p, 2, &type);
	if (err != DK_OK)
		return err;
	err = type_known(type);
	if (err != DK_OK)
		return err;
	err = dk_cursor_take(p, 32, &id);
	if (err != DK_OK)
		return err;
	err = custodian(p, &name);
	if (err != DK_OK)
		return err;
	p->where.offset = id;
	return dk_rule_former_order(p->data, set, index) ? DK_OK : DK_ERR_FORMER;
}

/* Side, epoch and the two counts. */
static dk_err
set_head(struct dk_cursor *p, struct dk_set *set, uint32_t side)
{
	uint32_t value;
	dk_err err;

	err = dk_cursor_u32(p, 1, &value);
	if (err != DK_OK)
		return err;
	if (value != side + 1)
		return DK_ERR_SIDE;
	err = dk_cursor_u32(p, 4, &set->epoch);
	if (err != DK_OK)
		return err;
	if (set->epoch == 0)
		return DK_ERR_EPOCH;
	err = dk_cursor_u32(p, 1, &set->stanza_count);
	if (err != DK_OK)
		return err;
	if (set->stanza_count == 0 || set->stanza_count > DK_STANZAS_MAX)
		return DK_ERR_STANZA_COUNT;
	err = dk_cursor_u32(p, 2, &set->former_count);
	if (err != DK_OK)
		return err;
	return set->former_count <= DK_FORMERS_MAX ? DK_OK : DK_ERR_FORMER;
}

static dk_err
set_stanzas(struct dk_cursor *p, struct dk_set *set)
{
	dk_err err;

	/*@ loop invariant i <= set->stanza_count;
	    loop invariant cursor(p);
	    loop invariant p->pos >= \at(p->pos, LoopEntry);
	    loop invariant ids_within(set, i, p->pos);
	    loop invariant names_within(set, i, p->pos);
	    loop assigns i, err, p->pos, p->where.part, p->where.offset, p->where.index,
	      set->stanza[0 .. DK_STANZAS_MAX - 1];
	    loop variant set->stanza_count - i; */
	for (uint32_t i = 0; i < set->stanza_count; i++) {
		err = parse_stanza(p, set, i);
		if (err != DK_OK)
			return err;
	}
	return DK_OK;
}

static dk_err
set_formers(struct dk_cursor *p, struct dk_set *set)
{
	dk_err err;

	set->formers = (uint32_t)p->pos;
	/*@ loop invariant i <= set->former_count;
	    loop invariant cursor(p);
	    loop invariant p->pos == set->formers + i * DK_FORMER_BYTES;
	    loop assigns i, err, p->pos, p->where.part, p->where.offset, p->where.index;
	    loop variant set->former_count - i; */
	for (uint32_t i = 0; i < set->former_count; i++) {
		err = parse_former(p, set, i);
		if (err != DK_OK)
			return err;
	}
	return DK_OK;
}

/* The MAC ends the set. */
static dk_err
set_mac(struct dk_cursor *p, struct dk_set *set)
{
	dk_err err;

	dk_cursor_at(p, DK_PART_SET, p->pos);
	err = dk_cursor_take(p, DK_SET_MAC_BYTES, &set->mac);
	if (err != DK_OK)
		return err;
	return p->pos == p->end ? DK_OK : DK_ERR_SET_LENGTH;
}

dk_err
dk_header_set(struct dk_cursor *p, uint32_t side)
{
	struct dk_set *set = &p->header->set[side];
	dk_err err;

	dk_cursor_at(p, DK_PART_SET, p->pos);
	p->where.side = side;
	set->offset = (uint32_t)p->pos;
	set->len = (uint32_t)p->set_len[side];
	p->end = p->pos + p->set_len[side];
	p->end_err = DK_ERR_SET_LENGTH;
	err = set_head(p, set, side);
	if (err != DK_OK)
		return err;
	err = set_stanzas(p, set);
	if (err != DK_OK)
		return err;
	err = set_formers(p, set);
	if (err != DK_OK)
		return err;
	return set_mac(p, set);
}
