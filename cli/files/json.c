/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/files/json.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

#define REPLACEMENT "\xef\xbf\xbd"

static size_t
sequence_bytes(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xe0)
		return 2;
	return first < 0xf0 ? 3 : 4;
}

static void
put_plain(FILE *out, const char *text, size_t len)
{
	if (len == 1 && (*text == '"' || *text == '\\'))
		(void)putc('\\', out);
	(void)fwrite(text, 1, len, out);
}

static void
put_string(FILE *out, const char *text)
{
	size_t left = strlen(text);

	(void)putc('"', out);
	while (left > 0) {
		unsigned char c = (unsigned char)*text;
		size_t n = sequence_bytes(c);

		if (n <= left && dk_text_valid((const uint8_t *)text, n)) {
			put_plain(out, text, n);
		} else if (c < 0x80) {
			n = 1;
			(void)fprintf(out, "\\u%04x", c);
		} else if (c == 0xc2 && left > 1 && ((unsigned char)text[1] & 0xc0) == 0x80) {
			/* C1 control characters are UTF-8, though no text of ours. */
			n = 2;
			(void)fprintf(out, "\\u%04x", (unsigned char)text[1]);
		} else {
			n = 1;
			(void)fputs(REPLACEMENT, out);
		}
		text += n;
		left -= n;
	}
	(void)putc('"', out);
}

static void
begin(struct json *json, const char *name)
{
	if (json->comma)
		(void)putc(',', json->out);
	json->comma = true;
	if (!name)
		return;
	put_string(json->out, name);
	(void)putc(':', json->out);
}

void
json_open(struct json *json, const char *name, char bracket)
{
	begin(json, name);
	(void)putc(bracket, json->out);
	json->comma = false;
}

void
json_close(struct json *json, char bracket)
{
	(void)putc(bracket, json->out);
	json->comma = true;
}

void
json_string(struct json *json, const char *name, const char *value)
{
	begin(json, name);
	put_string(json->out, value);
}

void
json_number(struct json *json, const char *name, uint64_t value)
{
	begin(json, name);
	(void)fprintf(json->out, "%" PRIu64, value);
}

void
json_bool(struct json *json, const char *name, bool value)
{
	begin(json, name);
	(void)fputs(value ? "true" : "false", json->out);
}

void
json_null(struct json *json, const char *name)
{
	begin(json, name);
	(void)fputs("null", json->out);
}
