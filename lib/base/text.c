/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

static bool
is_continuation(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/*
 * Length of the well-formed UTF-8 sequence at text (RFC 3629 section 4), or 0.
 * The bounds on the second byte are what excludes overlong forms, surrogates
 * and everything above U+10FFFF.
 */
static size_t
sequence_length(const uint8_t *text, size_t len)
{
	uint8_t lead = text[0];
	uint8_t low = 0x80;
	uint8_t high = 0xbf;
	size_t need;

	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		need = 2;
	else if (lead >= 0xe0 && lead <= 0xef)
		need = 3;
	else if (lead >= 0xf0 && lead <= 0xf4)
		need = 4;
	else
		return 0;
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;

	if (len < need || text[1] < low || text[1] > high)
		return 0;
	if (need >= 3 && !is_continuation(text[2]))
		return 0;
	if (need == 4 && !is_continuation(text[3]))
		return 0;
	return need;
}

/* U+0000 to U+001F and U+007F to U+009F, at a well-formed sequence. */
static bool
is_control(const uint8_t *text, size_t sequence)
{
	if (sequence == 1)
		return text[0] < 0x20 || text[0] == 0x7f;
	return sequence == 2 && text[0] == 0xc2 && text[1] < 0xa0;
}

bool
dk_text_valid(const uint8_t *text, size_t len)
{
	size_t pos = 0;

	/*@ loop invariant pos <= len;
	    loop assigns pos;
	    loop variant len - pos; */
	while (pos < len) {
		size_t n = sequence_length(text + pos, len - pos);

		if (n == 0 || is_control(text + pos, n))
			return false;
		pos += n;
	}
	return true;
}

static bool
is_custodian_byte(uint8_t c)
{
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
		return true;
	return c == '.' || c == '_' || c == ':' || c == '/' || c == '@' || c == '-';
}

bool
dk_custodian_valid(const uint8_t field[DK_CUSTODIAN_BYTES])
{
	size_t n = 0;

	/*@ loop invariant n <= DK_CUSTODIAN_BYTES;
	    loop assigns n;
	    loop variant DK_CUSTODIAN_BYTES - n; */
	while (n < DK_CUSTODIAN_BYTES && is_custodian_byte(field[n]))
		n++;
	if (n == 0)
		return false;
	/*@ loop invariant n <= DK_CUSTODIAN_BYTES;
	    loop assigns n;
	    loop variant DK_CUSTODIAN_BYTES - n; */
	while (n < DK_CUSTODIAN_BYTES) {
		if (field[n] != 0)
			return false;
		n++;
	}
	return true;
}

bool
dk_custodian_from_string(const char *s, uint8_t ret_field[DK_CUSTODIAN_BYTES])
{
	size_t n = 0;

	while (n < DK_CUSTODIAN_BYTES && is_custodian_byte((uint8_t)s[n]))
		n++;
	if (n == 0 || s[n] != 0)
		return false;

	for (size_t i = 0; i < DK_CUSTODIAN_BYTES; i++)
		ret_field[i] = i < n ? (uint8_t)s[i] : 0;
	return true;
}

static char
hex_digit(unsigned v)
{
	return (char)(v < 10 ? '0' + v : 'a' + (v - 10));
}

void
dk_hex(const uint8_t *data, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = hex_digit(data[i] >> 4);
		out[2 * i + 1] = hex_digit(data[i] & 0x0fu);
	}
	out[2 * len] = 0;
}

/* Value of a hex digit, or 16. */
static unsigned
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

bool
dk_unhex(const char *s, uint8_t *out, size_t len)
{
	/* Checked first, so that out is untouched unless all of s is right. */
	for (size_t i = 0; i < len; i++) {
		if (hex_value(s[2 * i]) > 15 || hex_value(s[2 * i + 1]) > 15)
			return false;
	}
	if (s[2 * len] != 0)
		return false;

	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)((hex_value(s[2 * i]) << 4) | hex_value(s[2 * i + 1]));
	return true;
}
