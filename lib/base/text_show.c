/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of others on a terminal or in a line of a log. */
#include <string.h>

#include "base/text.h"

#define SEQUENCE_MAX_BYTES 4

static bool
is_direction_mark(uint32_t c)
{
	return c == 0x061c || (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069);
}

static bool
is_plain(uint32_t c)
{
	return c >= 0x20 && c != '\\' && !(c >= 0x7f && c <= 0x9f) && !is_direction_mark(c);
}

static unsigned
sequence_bytes(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

/* Bytes of the printable UTF-8 sequence at text, or 0 if there is none. */
static unsigned
plain_bytes(const unsigned char *text, size_t len)
{
	static const unsigned char lead_mask[SEQUENCE_MAX_BYTES + 1] = { 0, 0x7f, 0x1f, 0x0f, 7 };
	static const uint32_t least[SEQUENCE_MAX_BYTES + 1] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned n = sequence_bytes(text[0]);
	uint32_t c;

	if (n == 0 || n > len)
		return 0;
	c = text[0] & lead_mask[n];
	for (unsigned i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (text[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || !is_plain(c))
		return 0;
	return n;
}

const char *
dk_text_show(const char *text, size_t len, const char *also, char *out, size_t cap)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *in = (const unsigned char *)text;
	size_t room = cap - sizeof("...");
	size_t used = 0;

	for (size_t i = 0; i < len;) {
		bool plain = in[i] == '\0' || !strchr(also, text[i]);
		unsigned n = plain ? plain_bytes(in + i, len - i) : 0;
		size_t need = n > 0 ? n : 4;

		if (need > room - used) {
			memcpy(out + used, "...", sizeof("..."));
			return out;
		}
		if (n > 0) {
			memcpy(out + used, in + i, n);
		} else {
			out[used] = '\\';
			out[used + 1] = 'x';
			out[used + 2] = digits[in[i] >> 4];
			out[used + 3] = digits[in[i] & 15];
		}
		used += need;
		i += n > 0 ? n : 1;
	}
	out[used] = '\0';
	return out;
}
