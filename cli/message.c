/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 2048
#define NAME_BYTES 1024
#define SEQUENCE_MAX_BYTES 4

#define CLEAR_LINE "\r\033[K"

static bool quiet;

/* Of standard error: threads tell what failed while the status is drawn. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool status_shown;

void
message_set_quiet(bool on)
{
	quiet = on;
}

bool
message_quiet(void)
{
	return quiet;
}

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
message_escape(const char *text, size_t len, char *out, size_t cap)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *in = (const unsigned char *)text;
	size_t room = cap - sizeof("...");
	size_t used = 0;

	for (size_t i = 0; i < len;) {
		unsigned n = plain_bytes(in + i, len - i);
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

/* There is nobody left to tell when this fails. */
static void
put(const char *text, size_t len)
{
	if (write(STDERR_FILENO, text, len) < 0)
		return;
}

void
message_status(const char *text)
{
	char line[256];
	int n = snprintf(line, sizeof(line), CLEAR_LINE "%s", text ? text : "");

	(void)pthread_mutex_lock(&lock);
	if ((text || status_shown) && n > 0 && (size_t)n < sizeof(line))
		put(line, (size_t)n);
	status_shown = text != NULL;
	(void)pthread_mutex_unlock(&lock);
}

/* One write for the whole line, so that lines of two processes do not mix. */
static void
put_line(const char *mark, const char *name, const char *text)
{
	char escaped_name[NAME_BYTES];
	char escaped[LINE_BYTES];
	char line[NAME_BYTES + LINE_BYTES + 64];
	int n;

	(void)message_escape(
	    name ? name : "", name ? strlen(name) : 0, escaped_name, sizeof(escaped_name));
	(void)message_escape(text, strlen(text), escaped, sizeof(escaped));
	n = snprintf(
	    line, sizeof(line), "%s%s%s%s\n", mark, escaped_name, name ? ": " : "", escaped);
	if (n < 0 || (size_t)n >= sizeof(line))
		return;
	message_status(NULL);
	put(line, (size_t)n);
}

__attribute__((format(printf, 3, 0))) static void
put_format(const char *mark, const char *name, const char *format, va_list args)
{
	char text[LINE_BYTES];
	int kept = errno;

	if (vsnprintf(text, sizeof(text), format, args) < 0)
		text[0] = '\0';
	put_line(mark, name, text);
	errno = kept;
}

void
message_fail(const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_format("doublekey: ", name, format, args);
	va_end(args);
}

void
message_warn(const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_format("doublekey: warning: ", name, format, args);
	va_end(args);
}

void
message_note(const char *format, ...)
{
	va_list args;

	if (quiet)
		return;
	va_start(args, format);
	put_format("", NULL, format, args);
	va_end(args);
}

void
message_err(const char *name, dk_err err, const struct dk_place *place)
{
	bool system = err == DK_ERR_READ || err == DK_ERR_WRITE;
	bool placed = place && place->text[0] != '\0';

	message_fail(name, "%s%s%s (%s%s%s)", dk_err_text(err), system ? ": " : "",
	    system ? strerror(errno) : "", dk_err_name(err), placed ? " at " : "",
	    placed ? place->text : "");
}
