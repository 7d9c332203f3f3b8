/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts.h"

/*@ requires cursor(p) && p->pos == 0;
    assigns p->pos, p->where.offset;
    ensures \result == DK_OK ==> cursor(p) && p->pos == DK_MAGIC_BYTES;
*/
static dk_err core_magic(struct dk_cursor *p);

/*@ assigns \nothing; */
static bool segment_len_ok(uint32_t len);

/*@ requires cursor(p) && p->pos == 0;
    assigns p->pos, p->end, p->end_err, p->where.offset, p->header->core_len;
    ensures \result == DK_OK ==>
      cursor(p) && p->pos == 16 && p->end == p->header->core_len <= DK_CORE_MAX_BYTES;
*/
static dk_err core_start(struct dk_cursor *p);

/*@ requires cursor(p);
    assigns p->pos, p->where.offset, p->header->share_commitment[0],
      p->header->share_commitment[1], p->header->metadata_digest;
    ensures \result == DK_OK ==>
      cursor(p) && p->pos >= \old(p->pos) &&
      seen(p, p->header->share_commitment[0], 32) &&
      seen(p, p->header->share_commitment[1], 32) &&
      seen(p, p->header->metadata_digest, 48);
*/
static dk_err core_commitments(struct dk_cursor *p);

/*@ requires cursor(p);
    assigns p->pos, p->where.offset, p->header->object_id, p->header->salt,
      p->header->created, p->header->segment_len, p->header->share_commitment[0],
      p->header->share_commitment[1], p->header->metadata_digest;
    ensures \result == DK_OK ==> cursor(p);
    ensures \result == DK_OK ==>
      seen(p, p->header->object_id, 16) && seen(p, p->header->salt, 32);
    ensures \result == DK_OK ==>
      seen(p, p->header->share_commitment[0], 32) &&
      seen(p, p->header->share_commitment[1], 32) &&
      seen(p, p->header->metadata_digest, 48);
*/
static dk_err core_fixed(struct dk_cursor *p);

/*@ requires cursor(p);
    requires result(p, ret_offset) && result(p, ret_len) && ret_offset != ret_len;
    assigns p->pos, p->where.offset, *ret_offset, *ret_len;
    ensures \result == DK_OK ==>
      cursor(p) && p->pos >= \old(p->pos) && seen(p, *ret_offset, *ret_len) &&
      *ret_len <= DK_TEXT_MAX_BYTES;
*/
static dk_err core_text(struct dk_cursor *p, uint32_t *ret_offset, uint32_t *ret_len);

/*@ requires cursor(p);
    assigns p->pos, WHERE_OF(p), p->header->tenant, p->header->tenant_len, p->header->label,
      p->header->label_len, p->header->has_creator, p->header->creator_id;
    ensures \result == DK_OK ==> cursor(p);
    ensures \result == DK_OK ==> \old(p->pos) <= p->pos == p->header->core_len;
    ensures \result == DK_OK ==>
      seen(p, p->header->tenant, p->header->tenant_len) &&
      p->header->tenant_len <= DK_TEXT_MAX_BYTES;
    ensures \result == DK_OK ==>
      seen(p, p->header->label, p->header->label_len) &&
      p->header->label_len <= DK_TEXT_MAX_BYTES;
    ensures \result == DK_OK && p->header->has_creator ==>
      seen(p, p->header->creator_id, 32);
*/
static dk_err core_variable(struct dk_cursor *p);

#include "format/header_core.c"
