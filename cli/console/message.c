/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/console/message.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "client/client.h"

#define LINE_BYTES 2048
#define NAME_BYTES 1024

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

const char *
message_escape(const char *text, size_t len, char *out, size_t cap)
{
	return dk_text_show(text, len, "", out, cap);
}

static struct {
	const char *name, *shown;
} copies[MESSAGE_COPIES_MAX];
static size_t copy_count;

void
message_copy_of(const char *name, const char *shown)
{
	if (copy_count == MESSAGE_COPIES_MAX)
		return;
	copies[copy_count].name = name;
	copies[copy_count++].shown = shown;
}

/* Into out if it is one below such a name. */
static const char *
name_for_people(const char *name, char out[NAME_BYTES])
{
	for (size_t i = 0; i < copy_count; i++) {
		size_t len = strlen(copies[i].name);

		if (strncmp(copies[i].name, name, len) != 0)
			continue;
		if (name[len] == '\0')
			return copies[i].shown;
		if (name[len] == '/') {
			(void)snprintf(out, NAME_BYTES, "%s%s", copies[i].shown, name + len);
			return out;
		}
	}
	return name;
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
	char escaped_name[NAME_BYTES], below[NAME_BYTES];
	char escaped[LINE_BYTES];
	char line[NAME_BYTES + LINE_BYTES + 64];
	int n;

	if (name)
		name = name_for_people(name, below);
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
	message_err_at(name, err, place ? place->text : "");
}

void
message_err_at(const char *name, dk_err err, const char *where)
{
	bool system = err == DK_ERR_READ || err == DK_ERR_WRITE;
	bool placed = where[0] != '\0';
	char why[DK_CLIENT_WHY_BYTES] = "";

	if (system)
		(void)snprintf(why, sizeof(why), "%s", strerror(errno));
	else if (err == DK_ERR_SERVICE_UNREACHABLE)
		dk_client_why(why);
	message_fail(name, "%s%s%s (%s%s%s)", dk_err_text(err), why[0] != '\0' ? ": " : "", why,
	    dk_err_name(err), placed ? " at " : "", where);
}
