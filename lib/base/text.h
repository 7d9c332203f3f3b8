/* SPDX-License-Identifier: Apache-2.0 */
/* Text rules of spec/envelope.md sections 3.1 and 6.1, and hexadecimal. */
#ifndef DK_BASE_TEXT_H
#define DK_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DK_CUSTODIAN_BYTES 48

/* UTF-8 without control characters; the empty text is valid. */
bool dk_text_valid(const uint8_t *text, size_t len);
/* 1 to 48 bytes of a-z 0-9 . _ : / @ -, then zero bytes up to 48. */
bool dk_custodian_valid(const uint8_t field[DK_CUSTODIAN_BYTES]);
/* Fill the zero-padded field from a string; false if it is not valid. */
bool dk_custodian_from_string(const char *s, uint8_t ret_field[DK_CUSTODIAN_BYTES]);

/* For people to read: what is not UTF-8, control characters, marks that turn the direction of
 * writing, the backslash and the ASCII characters of also become \xHH for each byte. What does
 * not fit ends with "..."; cap is at least 8. Returns out. */
const char *dk_text_show(const char *text, size_t len, const char *also, char *out, size_t cap);

/* Lower-case hex and a NUL: out has room for 2 * len + 1 bytes. */
void dk_hex(const uint8_t *data, size_t len, char *out);
/* Exactly 2 * len hex digits of either case and a NUL; false otherwise. */
bool dk_unhex(const char *s, uint8_t *out, size_t len);

#endif
