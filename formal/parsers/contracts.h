/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the header parser promise each other, in ACSL. Each
 * contract is proved in the file that defines the function and relied on in the
 * others. formal/README.md says how to read this.
 */
#ifndef FORMAL_PARSERS_CONTRACTS_H
#define FORMAL_PARSERS_CONTRACTS_H

#include "format/header_cursor.h"
#include "format/header_rules.h"

/*
 * What is written, field by field: a prover then sees single stores, which is
 * what it is good at, and no memory of unknown content.
 */
#define WHERE_OF(p) \
	(p)->where.part, (p)->where.side, (p)->where.index, (p)->where.offset
#define CORE_OF(h) \
	(h)->core_len, (h)->object_id, (h)->salt, (h)->created, (h)->segment_len, \
	(h)->share_commitment[0], (h)->share_commitment[1], (h)->metadata_digest, \
	(h)->tenant, (h)->tenant_len, (h)->label, (h)->label_len, (h)->has_creator, \
	(h)->creator_id

/*@
  // A cursor never leaves its input, and never its container.
  predicate in_bounds(struct dk_cursor *p) =
    p->pos <= p->len <= DK_HEADER_MAX_BYTES &&
    p->pos <= p->end <= 2 * DK_HEADER_MAX_BYTES && p->end_err != DK_OK &&
    \valid_read(p->data + (0 .. p->len - 1));

  // Three different objects: writing one leaves the others as they are.
  predicate apart(struct dk_cursor *p) =
    \valid(p) && \valid(p->header) &&
    \base_addr(p) != \base_addr(p->header) &&
    \base_addr(p) != \base_addr(p->data) &&
    \base_addr(p->header) != \base_addr(p->data);

  predicate cursor(struct dk_cursor *p) = apart(p) && in_bounds(p);

  // A place for a result that is no part of the cursor.
  predicate result(struct dk_cursor *p, uint32_t *q) =
    \valid(q) && \base_addr(q) != \base_addr(p) &&
    \base_addr(q) != \base_addr(p->data);
  predicate result_u64(struct dk_cursor *p, uint64_t *q) =
    \valid(q) && \base_addr(q) != \base_addr(p) &&
    \base_addr(q) != \base_addr(p->data);

  // 256^n
  logic integer range(integer n) =
    n == 0 ? 1 : n == 1 ? 0x100 : n == 2 ? 0x10000 : n == 3 ? 0x1000000 :
    n == 4 ? 0x100000000 : n == 5 ? 0x10000000000 : n == 6 ? 0x1000000000000 :
    n == 7 ? 0x100000000000000 : 0x10000000000000000;

  // len bytes at offset lie in front of the cursor.
  predicate seen(struct dk_cursor *p, integer offset, integer len) =
    0 <= offset && offset + len <= p->pos;
*/

/*@ requires apart(p);
    assigns p->where.part, p->where.offset;
*/
void dk_cursor_at(struct dk_cursor *p, enum dk_header_part part, size_t offset);

/*@ requires cursor(p);
    requires result(p, ret_offset);
    assigns p->pos, p->where.offset, *ret_offset;
    ensures cursor(p);
    ensures \result == DK_OK ==>
      *ret_offset == \old(p->pos) && p->pos == \old(p->pos) + n;
    ensures \result != DK_OK ==>
      *ret_offset == \old(*ret_offset) && p->pos == \old(p->pos);
*/
dk_err dk_cursor_take(struct dk_cursor *p, size_t n, uint32_t *ret_offset);

/*@ requires cursor(p);
    requires result_u64(p, ret_value);
    requires n <= 8;
    assigns p->pos, p->where.offset, *ret_value;
    ensures cursor(p);
    ensures \result == DK_OK ==>
      *ret_value < range(n) && p->pos == \old(p->pos) + n;
    ensures \result != DK_OK ==> p->pos == \old(p->pos);
*/
dk_err dk_cursor_number(struct dk_cursor *p, uint32_t n, uint64_t *ret_value);

/*@ requires cursor(p);
    requires result(p, ret_value);
    requires n <= 4;
    assigns p->pos, p->where.offset, *ret_value;
    ensures cursor(p);
    ensures \result == DK_OK ==>
      *ret_value < range(n) && p->pos == \old(p->pos) + n;
    ensures \result != DK_OK ==> p->pos == \old(p->pos);
*/
dk_err dk_cursor_u32(struct dk_cursor *p, uint32_t n, uint32_t *ret_value);

/*@ predicate core_within(struct dk_header *h, integer n) =
      h->object_id + 16 <= n && h->salt + 32 <= n &&
      h->share_commitment[0] + 32 <= n && h->share_commitment[1] + 32 <= n &&
      h->metadata_digest + 48 <= n &&
      h->tenant + h->tenant_len <= n && h->tenant_len <= DK_TEXT_MAX_BYTES &&
      h->label + h->label_len <= n && h->label_len <= DK_TEXT_MAX_BYTES &&
      (h->has_creator ==> h->creator_id + 32 <= n);
*/

/*@ requires cursor(p) && p->pos == 0;
    assigns p->pos, p->end, p->end_err, WHERE_OF(p), CORE_OF(p->header);
    ensures \result == DK_OK ==>
      cursor(p) && core_within(p->header, p->header->core_len) &&
      0 < p->pos == p->header->core_len <= DK_CORE_MAX_BYTES;
*/
dk_err dk_header_core(struct dk_cursor *p);

/*@ requires \valid_read(text + (0 .. len - 1));
    assigns \nothing;
*/
bool dk_text_valid(const uint8_t *text, size_t len);

/*@ requires \valid_read(field + (0 .. DK_CUSTODIAN_BYTES - 1));
    assigns \nothing;
*/
bool dk_custodian_valid(const uint8_t field[DK_CUSTODIAN_BYTES]);

/*@ // The first count stanzas, and formers, lie in the first n bytes.
    predicate ids_within(struct dk_set *s, integer count, integer n) =
      \forall integer k; 0 <= k < count ==> s->stanza[k].key_id + 32 <= n;
    predicate names_within(struct dk_set *s, integer count, integer n) =
      \forall integer k; 0 <= k < count ==>
        s->stanza[k].custodian + DK_CUSTODIAN_BYTES <= n;
    predicate formers_within(struct dk_set *s, integer count, integer n) =
      s->formers + count * DK_FORMER_BYTES <= n;
    predicate counts_ok(struct dk_set *s) =
      s->stanza_count <= DK_STANZAS_MAX && s->former_count <= DK_FORMERS_MAX;
    predicate set_within(struct dk_set *s, integer n) =
      counts_ok(s) && ids_within(s, s->stanza_count, n) &&
      names_within(s, s->stanza_count, n) && formers_within(s, s->former_count, n);
*/

/*@ requires cursor(p) && side < 2 && p->set_len[side] <= DK_HEADER_MAX_BYTES;
    assigns p->pos, p->end, p->end_err, WHERE_OF(p), p->header->set[side];
    ensures \result == DK_OK ==> cursor(p);
    ensures \result == DK_OK ==> set_within(&p->header->set[side], p->pos);
    ensures \result == DK_OK ==> p->pos == \old(p->pos) + p->set_len[side];
*/
dk_err dk_header_set(struct dk_cursor *p, uint32_t side);

/*@ requires cursor(p) && len <= DK_KMS_BODY_MAX_BYTES;
    assigns p->pos, p->where.offset;
    ensures \result == DK_OK ==> cursor(p) && p->pos == \old(p->pos) + len;
*/
dk_err dk_header_kms(struct dk_cursor *p, uint32_t len);

/*@ requires \valid_read(set) && index < DK_STANZAS_MAX;
    requires \forall integer k; 0 <= k <= index ==>
      \valid_read(data + (0 .. set->stanza[k].key_id + 31));
    assigns \nothing;
*/
bool dk_rule_new_stanza(const uint8_t *data, const struct dk_set *set, uint32_t index);

/*@ requires \valid_read(set) && index < DK_FORMERS_MAX;
    requires set->formers + (index + 1) * DK_FORMER_BYTES <= DK_HEADER_MAX_BYTES;
    requires \valid_read(data + (0 .. set->formers + (index + 1) * DK_FORMER_BYTES - 1));
    assigns \nothing;
*/
bool dk_rule_former_order(const uint8_t *data, const struct dk_set *set, uint32_t index);

/*@ requires \valid_read(header) && \valid(where);
    requires \base_addr(where) != \base_addr(header);
    requires header->block_len <= DK_HEADER_MAX_BYTES;
    requires \valid_read(data + (0 .. header->block_len - 1));
    requires set_within(&header->set[0], header->block_len);
    requires set_within(&header->set[1], header->block_len);
    assigns where->part, where->offset;
    ensures set_within(&header->set[0], header->block_len);
    ensures set_within(&header->set[1], header->block_len);
*/
dk_err dk_rule_two_holders(const uint8_t *data, const struct dk_header *header,
    struct dk_header_error *where);

/*@ predicate seals_within(struct dk_header *h, integer n) =
      h->key_commitment + DK_COMMITMENT_BYTES <= n &&
      (h->has_creator ==> h->creator_signature + DK_CREATOR_SIGNATURE_BYTES <= n) &&
      h->header_mac + DK_HEADER_MAC_BYTES <= n;
    predicate lengths_fit(struct dk_cursor *p) =
      p->header->metadata_len <= DK_METADATA_MAX_BYTES &&
      p->set_len[0] <= DK_HEADER_MAX_BYTES && p->set_len[1] <= DK_HEADER_MAX_BYTES &&
      p->pos + p->header->metadata_len + p->set_len[0] + p->set_len[1] <=
        p->header->block_len <= DK_HEADER_MAX_BYTES;
    predicate whole_units(integer n) = n % DK_HEADER_UNIT_BYTES == 0;
*/

/*@ requires \valid_read(data + (0 .. len - 1));
    assigns \nothing;
    ensures \result <= DK_HEADER_MAX_BYTES;
    ensures whole_units(\result);
*/
uint32_t dk_header_need(const uint8_t *data, size_t len);

/*@ requires \valid_read(data + (0 .. len - 1));
    requires \valid(ret_header) && \valid(ret_error);
    requires \base_addr(ret_header) != \base_addr(data);
    assigns *ret_header, *ret_error;
    ensures \result == DK_OK ==> ret_header->block_len <= DK_HEADER_MAX_BYTES;
    ensures \result == DK_OK ==> ret_header->block_len <= len;
    ensures \result == DK_OK ==>
      ret_header->metadata + ret_header->metadata_len <= ret_header->block_len;
    ensures \result == DK_OK ==> set_within(&ret_header->set[0], ret_header->block_len);
    ensures \result == DK_OK ==> set_within(&ret_header->set[1], ret_header->block_len);
*/
dk_err dk_header_parse(const uint8_t *data, size_t len, struct dk_header *ret_header,
    struct dk_header_error *ret_error);

/*@ requires \valid_read(data + (0 .. core_len + set_len - 1));
    requires \valid(ret_header);
    requires \base_addr(ret_header) != \base_addr(data);
    assigns *ret_header;
    ensures \result == DK_OK ==>
      set_within(&ret_header->set[side == DK_SIDE_PROVIDER ? 1 : 0], core_len + set_len);
*/
dk_err dk_header_parse_side(const uint8_t *data, size_t core_len, size_t set_len,
    dk_side side, struct dk_header *ret_header);

#endif
