/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts.h"

/*@ requires \valid_read(data + (0 .. offset + len - 1));
    requires offset + len <= DK_HEADER_MAX_BYTES;
    assigns \nothing;
*/
static bool printable(const uint8_t *data, uint32_t offset, uint32_t len);

/*@ requires cursor(p) && 1 <= n <= 2 && end <= 2 * DK_HEADER_MAX_BYTES;
    assigns p->pos, p->where.offset;
    ensures \result == DK_OK ==> cursor(p) && \old(p->pos) <= p->pos <= end;
*/
static dk_err text(struct dk_cursor *p, uint32_t n, uint32_t min, uint32_t max, size_t end);

#include "format/header_kms.c"
