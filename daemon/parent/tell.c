/* SPDX-License-Identifier: Apache-2.0 */
#include "parent/tell.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define NAME_BYTES 1024
#define TEXT_BYTES 2048

__attribute__((format(printf, 3, 0))) static void
put(const char *name, const char *code, const char *format, va_list args)
{
	char text[TEXT_BYTES], safe[TEXT_BYTES], safe_name[NAME_BYTES] = "";

	if (vsnprintf(text, sizeof(text), format, args) < 0)
		text[0] = '\0';
	(void)dk_text_show(text, strlen(text), "", safe, sizeof(safe));
	if (name)
		(void)dk_text_show(name, strlen(name), "", safe_name, sizeof(safe_name));
	(void)fprintf(stderr, "doublekeyd: %s%s%s%s%s%s\n", safe_name, name ? ": " : "", safe,
	    code ? " (" : "", code ? code : "", code ? ")" : "");
}

void
tell(const char *name, const char *code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put(name, code, format, args);
	va_end(args);
}

int
tell_usage(const char *command, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put(command, NULL, format, args);
	va_end(args);
	tell(command, NULL, "try 'doublekeyd --help'");
	return 2;
}
