/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base32.h"

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

char
dk_base32_char(unsigned value)
{
	return alphabet[value & 31];
}

static char
plain(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == 'O')
		return '0';
	return c == 'I' || c == 'L' ? '1' : c;
}

int
dk_base32_value(char c)
{
	char want = plain(c);

	for (int i = 0; alphabet[i]; i++)
		if (alphabet[i] == want)
			return i;
	return -1;
}

void
dk_base32_encode(const uint8_t *data, size_t len, char *out)
{
	uint32_t bits = 0;
	unsigned held = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | data[i];
		for (held += 8; held >= 5; held -= 5)
			*out++ = dk_base32_char(bits >> (held - 5));
	}
	if (held > 0)
		*out = dk_base32_char(bits << (5 - held));
}

bool
dk_base32_decode(const char *text, size_t chars, uint8_t *out, size_t cap, size_t *ret_len)
{
	size_t len = chars * 5 / 8;
	size_t done = 0;
	uint32_t bits = 0;
	unsigned held = 0;

	if (len > cap || DK_BASE32_CHARS(len) != chars)
		return false;
	for (size_t i = 0; i < chars; i++) {
		int value = dk_base32_value(text[i]);

		if (value < 0)
			return false;
		bits = bits << 5 | (uint32_t)value;
		held += 5;
		if (held >= 8) {
			held -= 8;
			out[done++] = (uint8_t)(bits >> held);
		}
	}
	if ((bits & ((1u << held) - 1)) != 0)
		return false;
	*ret_len = len;
	return true;
}
