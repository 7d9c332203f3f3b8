/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts.h"

/*@ assigns \nothing; */
static dk_err type_known(uint32_t type);

/*@ assigns \nothing;
    ensures \result ==> len <= DK_KMS_BODY_MAX_BYTES;
*/
static bool body_len_ok(uint32_t type, uint32_t len);

/*@ requires cursor(p) && result(p, ret_offset);
    assigns p->pos, p->where.offset, *ret_offset;
    ensures \result == DK_OK ==>
      cursor(p) && *ret_offset == \old(p->pos) &&
      p->pos == \old(p->pos) + DK_CUSTODIAN_BYTES;
*/
static dk_err custodian(struct dk_cursor *p, uint32_t *ret_offset);

/*@ predicate stanza_of(struct dk_cursor *p, struct dk_stanza *st) =
      \valid(st) && \base_addr(st) == \base_addr(p->header);
    predicate set_of(struct dk_cursor *p, struct dk_set *s) =
      \valid(s) && \base_addr(s) == \base_addr(p->header);
*/

/*@ requires cursor(p) && stanza_of(p, st);
    assigns p->pos, p->where.offset, st->type, st->body_len, st->key_id, st->custodian;
    ensures \result == DK_OK ==>
      cursor(p) && p->pos >= \old(p->pos) && seen(p, st->key_id, 32) &&
      seen(p, st->custodian, DK_CUSTODIAN_BYTES) && st->body_len <= DK_KMS_BODY_MAX_BYTES;
*/
static dk_err stanza_head(struct dk_cursor *p, struct dk_stanza *st);

/*@ requires cursor(p) && result(p, ret_offset) && len <= DK_KMS_BODY_MAX_BYTES;
    assigns p->pos, p->where.offset, *ret_offset;
    ensures \result == DK_OK ==> cursor(p) && p->pos == \old(p->pos) + len;
*/
static dk_err stanza_body(struct dk_cursor *p, bool is_kms, uint32_t len, uint32_t *ret_offset);

/*@ requires cursor(p) && set_of(p, set) && index < DK_STANZAS_MAX;
    requires ids_within(set, index, p->pos) && names_within(set, index, p->pos);
    assigns p->pos, p->where.part, p->where.offset, p->where.index,
      set->stanza[index].type, set->stanza[index].body_len, set->stanza[index].key_id,
      set->stanza[index].custodian, set->stanza[index].body;
    ensures \result == DK_OK ==> cursor(p) && p->pos >= \old(p->pos);
    ensures \result == DK_OK ==> ids_within(set, index + 1, p->pos);
    ensures \result == DK_OK ==> names_within(set, index + 1, p->pos);
*/
static dk_err parse_stanza(struct dk_cursor *p, struct dk_set *set, uint32_t index);

/*@ requires cursor(p) && set_of(p, set) && index < DK_FORMERS_MAX;
    requires p->pos == set->formers + index * DK_FORMER_BYTES;
    assigns p->pos, p->where.part, p->where.offset, p->where.index;
    ensures \result == DK_OK ==> cursor(p) && p->pos == \old(p->pos) + DK_FORMER_BYTES;
*/
static dk_err parse_former(struct dk_cursor *p, struct dk_set *set, uint32_t index);

/*@ requires cursor(p) && set_of(p, set) && side < 2;
    assigns p->pos, p->where.offset, set->epoch, set->stanza_count, set->former_count;
    ensures \result == DK_OK ==> cursor(p) && p->pos >= \old(p->pos) && counts_ok(set);
*/
static dk_err set_head(struct dk_cursor *p, struct dk_set *set, uint32_t side);

/*@ requires cursor(p) && set_of(p, set) && counts_ok(set);
    assigns p->pos, p->where.part, p->where.offset, p->where.index,
      set->stanza[0 .. DK_STANZAS_MAX - 1];
    ensures \result == DK_OK ==> cursor(p) && p->pos >= \old(p->pos);
    ensures \result == DK_OK ==> ids_within(set, set->stanza_count, p->pos);
    ensures \result == DK_OK ==> names_within(set, set->stanza_count, p->pos);
*/
static dk_err set_stanzas(struct dk_cursor *p, struct dk_set *set);

/*@ requires cursor(p) && set_of(p, set) && counts_ok(set);
    requires ids_within(set, set->stanza_count, p->pos);
    requires names_within(set, set->stanza_count, p->pos);
    assigns p->pos, p->where.part, p->where.offset, p->where.index, set->formers;
    ensures \result == DK_OK ==> cursor(p) && p->pos >= \old(p->pos);
    ensures \result == DK_OK ==> counts_ok(set);
    ensures \result == DK_OK ==> ids_within(set, set->stanza_count, p->pos);
    ensures \result == DK_OK ==> names_within(set, set->stanza_count, p->pos);
    ensures \result == DK_OK ==> formers_within(set, set->former_count, p->pos);
*/
static dk_err set_formers(struct dk_cursor *p, struct dk_set *set);

/*@ requires cursor(p) && set_of(p, set) && set_within(set, p->pos);
    assigns p->pos, p->where.part, p->where.offset, set->mac;
    ensures \result == DK_OK ==> cursor(p) && p->pos >= \old(p->pos) && p->pos == p->end;
    ensures \result == DK_OK ==> set_within(set, p->pos);
*/
static dk_err set_mac(struct dk_cursor *p, struct dk_set *set);

#include "format/header_set.c"
