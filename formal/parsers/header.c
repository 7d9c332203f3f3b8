/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts.h"

/*@ requires cursor(p);
    assigns p->pos, p->end, p->end_err, p->where.part, p->where.offset,
      p->header->key_commitment, p->header->creator_signature, p->header->header_mac;
    ensures \result == DK_OK ==> cursor(p) && p->pos >= \old(p->pos);
    ensures \result == DK_OK ==> seals_within(p->header, p->pos);
*/
static dk_err parse_seals(struct dk_cursor *p);

/*@ requires cursor(p);
    assigns p->pos, p->where.offset, p->header->metadata_len;
    ensures \result == DK_OK ==>
      cursor(p) && p->pos >= \old(p->pos) &&
      p->header->metadata_len <= DK_METADATA_MAX_BYTES;
*/
static dk_err metadata_length(struct dk_cursor *p);

/*@ requires cursor(p) && side < 2;
    assigns p->pos, p->where.offset, p->set_len[side];
    ensures \result == DK_OK ==>
      cursor(p) && p->pos >= \old(p->pos) && p->set_len[side] <= DK_HEADER_MAX_BYTES;
*/
static dk_err set_length(struct dk_cursor *p, uint32_t side);

/*@ requires len <= 4 * DK_HEADER_MAX_BYTES;
    assigns \nothing;
    ensures len <= \result < len + DK_HEADER_UNIT_BYTES && whole_units(\result);
*/
static size_t round_up(size_t len);

/*@ requires cursor(p);
    assigns p->pos, p->where.part, p->where.offset, p->header->metadata_len,
      p->set_len[0], p->set_len[1], p->header->block_len;
    ensures \result == DK_OK ==> cursor(p) && p->pos >= \old(p->pos);
    ensures \result == DK_OK ==> lengths_fit(p);
    ensures \result == DK_OK ==> whole_units(p->header->block_len);
    ensures \result == DK_OK ==> p->header->block_len <= DK_HEADER_MAX_BYTES;
*/
static dk_err parse_tail_lengths(struct dk_cursor *p);

/*@ requires cursor(p) && p->pos <= p->header->block_len <= DK_HEADER_MAX_BYTES;
    assigns p->pos, p->end, p->where.part, p->where.offset;
    ensures \result == DK_OK ==> cursor(p) && p->pos == p->header->block_len;
*/
static dk_err parse_padding(struct dk_cursor *p);

/*@ requires cursor(p) && p->pos == 0;
    assigns p->pos, p->end, p->end_err, WHERE_OF(p), CORE_OF(p->header),
      p->header->key_commitment, p->header->creator_signature, p->header->header_mac,
      p->header->metadata_len, p->header->block_len, p->set_len[0], p->set_len[1];
    ensures \result == DK_OK ==> cursor(p);
    ensures \result == DK_OK ==> lengths_fit(p);
    ensures \result == DK_OK ==> whole_units(p->header->block_len);
    ensures \result == DK_OK ==> p->pos > 0;
    ensures \result == DK_OK ==> p->header->block_len <= DK_HEADER_MAX_BYTES;
*/
static dk_err parse_lengths(struct dk_cursor *p);

/*@ requires cursor(p) && p->pos + p->set_len[0] + p->set_len[1] <= DK_HEADER_MAX_BYTES;
    requires p->set_len[0] <= DK_HEADER_MAX_BYTES && p->set_len[1] <= DK_HEADER_MAX_BYTES;
    assigns p->pos, p->end, p->end_err, WHERE_OF(p), p->header->set[0], p->header->set[1];
    ensures \result == DK_OK ==> cursor(p);
    ensures \result == DK_OK ==>
      p->pos == \old(p->pos) + p->set_len[0] + p->set_len[1];
    ensures \result == DK_OK ==> counts_ok(&p->header->set[0]);
    ensures \result == DK_OK ==>
      ids_within(&p->header->set[0], p->header->set[0].stanza_count, p->pos);
    ensures \result == DK_OK ==>
      names_within(&p->header->set[0], p->header->set[0].stanza_count, p->pos);
    ensures \result == DK_OK ==>
      formers_within(&p->header->set[0], p->header->set[0].former_count, p->pos);
    ensures \result == DK_OK ==> set_within(&p->header->set[1], p->pos);
*/
static dk_err parse_sets(struct dk_cursor *p);

/*@ requires cursor(p) && lengths_fit(p) && p->pos > 0;
    assigns p->pos, p->end, p->end_err, WHERE_OF(p), p->header->metadata,
      p->header->set[0], p->header->set[1];
    ensures \result == DK_OK ==> cursor(p);
    ensures \result == DK_OK ==> p->pos == p->header->block_len;
    ensures \result == DK_OK ==> p->header->block_len <= p->len;
    ensures \result == DK_OK ==> p->header->block_len <= DK_HEADER_MAX_BYTES;
    ensures \result == DK_OK ==>
      p->header->metadata + p->header->metadata_len <= p->header->block_len;
    ensures \result == DK_OK ==> set_within(&p->header->set[0], p->header->block_len);
    ensures \result == DK_OK ==> set_within(&p->header->set[1], p->header->block_len);
*/
static dk_err parse_rest(struct dk_cursor *p);

/*@ requires \valid(p) && \valid(header);
    requires \valid_read(data + (0 .. len - 1));
    requires \base_addr(p) != \base_addr(header) && \base_addr(p) != \base_addr(data) &&
      \base_addr(header) != \base_addr(data);
    assigns *p;
    ensures cursor(p) && p->pos == 0 && p->header == header && p->data == data;
    ensures p->len <= len;
*/
static void cursor_init(
    struct dk_cursor *p, const uint8_t *data, size_t len, struct dk_header *header);

#include "format/header.c"
