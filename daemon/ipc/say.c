/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ipc/child.h"

static const char *own_name = "doublekeyd";

void
say_as(const char *name)
{
	own_name = name;
}

/* One write for one line, so that lines of several processes do not mix. */
__attribute__((format(printf, 2, 0))) static void
write_line(enum say_level level, const char *format, va_list args)
{
	static const char *const levels[] = { "info", "warning", "error" };
	char line[512];
	int n, m;

	n = snprintf(line, sizeof(line), "%s: %s: ", own_name, levels[level]);
	if (n < 0 || (size_t)n >= sizeof(line))
		return;
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, args);
	if (m < 0)
		return;
	if ((size_t)m > sizeof(line) - (size_t)n - 2)
		m = (int)(sizeof(line) - (size_t)n - 2);
	/* Some of it others have said, a database server for one; it goes to terminals. */
	for (int i = n; i < n + m; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[n + m] = '\n';
	(void)!write(STDERR_FILENO, line, (size_t)(n + m + 1));
}

void
say(enum say_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(level, format, args);
	va_end(args);
}

void
say_fatal(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(SAY_ERROR, format, args);
	va_end(args);
	_exit(EXIT_FAILURE);
}
