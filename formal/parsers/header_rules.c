/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts.h"

/*@ requires \valid_read(a + (0 .. len - 1)) && \valid_read(b + (0 .. len - 1));
    assigns \nothing;
*/
static int compare(const uint8_t *a, const uint8_t *b, uint32_t len);

/*@ requires \valid_read(set) && index < DK_FORMERS_MAX;
    requires set->formers + (index + 1) * DK_FORMER_BYTES <= DK_HEADER_MAX_BYTES;
    assigns \nothing;
    ensures \result == set->formers + index * DK_FORMER_BYTES + 2;
*/
static uint32_t former_id(const struct dk_set *set, uint32_t index);

/*@ requires \valid_read(set) && \valid(ret_id) && \valid(ret_custodian);
    requires \separated(set, ret_id, ret_custodian);
    requires set->stanza_count <= DK_STANZAS_MAX && set->former_count <= DK_FORMERS_MAX;
    requires formers_within(set, set->former_count, DK_HEADER_MAX_BYTES);
    requires n < set->stanza_count + set->former_count;
    assigns *ret_id, *ret_custodian;
    ensures n < set->stanza_count ==>
      *ret_id == set->stanza[n].key_id && *ret_custodian == set->stanza[n].custodian;
    ensures n >= set->stanza_count ==>
      *ret_id == set->formers + (n - set->stanza_count) * DK_FORMER_BYTES + 2 &&
      *ret_custodian == *ret_id + 32;
*/
static void holder(const struct dk_set *set, uint32_t n, uint32_t *ret_id, uint32_t *ret_custodian);

#include "format/header_rules.c"
