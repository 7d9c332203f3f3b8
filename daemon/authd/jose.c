/* SPDX-License-Identifier: Apache-2.0 */
#include "authd/jose.h"

#include <string.h>

#include "base/text.h"

static int
digit(char c)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

bool
jose_decode(const char *text, size_t len, uint8_t *out, size_t cap, size_t *ret_len)
{
	unsigned bits = 0, held = 0;
	size_t n = 0;

	if (len % 4 == 1)
		return false;
	for (size_t i = 0; i < len; i++) {
		int d = digit(text[i]);

		if (d < 0)
			return false;
		bits = (bits << 6 | (unsigned)d) & 0xffff;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		if (n == cap)
			return false;
		out[n++] = (uint8_t)(bits >> held);
	}
	*ret_len = n;
	return (bits & ((1u << held) - 1)) == 0;
}

/* The parser recurses, so its depth is known before it starts. */
static bool
shallow(const uint8_t *text, size_t len, unsigned max)
{
	unsigned depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = text[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++;
		else if (!quoted && (c == '}' || c == ']') && depth > 0)
			depth--;
		if (depth > max)
			return false;
	}
	return true;
}

json_t *
jose_object_within(const uint8_t *text, size_t len, unsigned depth)
{
	json_t *json;

	if (!shallow(text, len, depth))
		return NULL;
	json = json_loadb((const char *)text, len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

json_t *
jose_object(const uint8_t *text, size_t len)
{
	return jose_object_within(text, len, JOSE_DEPTH_MAX);
}

const char *
jose_text(const json_t *object, const char *name, size_t min, size_t max)
{
	const json_t *value = json_object_get(object, name);
	const char *text = json_string_value(value);
	size_t len = text ? json_string_length(value) : 0;

	if (!text || len < min || len > max || !dk_text_valid((const uint8_t *)text, len))
		return NULL;
	return text;
}
