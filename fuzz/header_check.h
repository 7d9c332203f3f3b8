/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold for every header that the parser accepts. */
#ifndef FUZZ_HEADER_CHECK_H
#define FUZZ_HEADER_CHECK_H

#include "format/header.h"

/* All fields of the core header lie one behind the other and are allowed. */
void check_core(const struct dk_header *h);
/* The same for one set that must end at end. */
void check_set(const uint8_t *data, const struct dk_set *set, uint32_t end);
/*
 * Write the core header and the set again, from the parsed numbers and the
 * fields that the offsets point to, and compare: one encoding for one content.
 */
void check_core_again(const uint8_t *data, const struct dk_header *h);
void check_set_again(const uint8_t *data, const struct dk_set *set, unsigned side);

#endif
