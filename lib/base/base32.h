/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base32 for people, spec/key-backup.md section 5: 0-9 and A-Z without I, L, O
 * and U; reading takes lower case, O for 0, and I and L for 1.
 */
#ifndef DK_BASE_BASE32_H
#define DK_BASE_BASE32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters for len bytes. */
#define DK_BASE32_CHARS(len) (((len)*8 + 4) / 5)

/* Character for a number below 32, and back; -1: no such character. */
char dk_base32_char(unsigned value);
int dk_base32_value(char c);

/* Writes DK_BASE32_CHARS(len) characters and no NUL. */
void dk_base32_encode(const uint8_t *data, size_t len, char *out);
/* The bytes of exactly chars characters; false if a character is none, the number
 * of characters is that of no length, or unused bits are not zero. */
bool dk_base32_decode(const char *text, size_t chars, uint8_t *out, size_t cap, size_t *ret_len);

#endif
