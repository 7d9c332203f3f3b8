/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts.h"

/*@ assigns \nothing; */
static bool is_continuation(uint8_t c);

/*@ requires len >= 1 && \valid_read(text + (0 .. len - 1));
    assigns \nothing;
    ensures \result <= len && \result <= 4;
*/
static size_t sequence_length(const uint8_t *text, size_t len);

/*@ requires 1 <= sequence && \valid_read(text + (0 .. sequence - 1));
    assigns \nothing;
*/
static bool is_control(const uint8_t *text, size_t sequence);

/*@ assigns \nothing; */
static bool is_custodian_byte(uint8_t c);

#include "base/text.c"
