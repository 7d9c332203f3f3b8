/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules that compare elements of the stanza sets with each other,
 * spec/envelope.md sections 6.1 and 6.2. data is the header block; all offsets
 * in the structs were checked by the parser.
 */
#ifndef DK_FORMAT_HEADER_RULES_H
#define DK_FORMAT_HEADER_RULES_H

#include "format/header.h"

/* No stanza before index has its key id. */
bool dk_rule_new_stanza(const uint8_t *data, const struct dk_set *set, uint32_t index);
/* The former at index has a larger key id than the one before it. */
bool dk_rule_former_order(const uint8_t *data, const struct dk_set *set, uint32_t index);
/* No key and no custodian, current or former, stands on both sides. */
DK_MUST_USE dk_err dk_rule_two_holders(const uint8_t *data, const struct dk_header *header,
    struct dk_header_error *where);

#endif
