/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/console/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/console/message.h"

#define SHORT_MAX_CHARS 64

int
usage_error(const char *command, const char *format, ...)
{
	char text[1024];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0)
		text[0] = '\0';
	message_fail(command, "%s", text);
	message_fail(
	    command, "try 'doublekey%s%s --help'", command ? " " : "", command ? command : "");
	return STATUS_USAGE;
}

int
options_print(const char *text)
{
	if (fputs(text, stdout) == EOF || fflush(stdout) == EOF) {
		message_err("standard output", DK_ERR_WRITE, NULL);
		return STATUS_FAILED;
	}
	return STATUS_OK;
}

/* The option as the user wrote it, without an argument that follows "=". */
static int
bad_option(const struct options *options, int code, char **argv)
{
	const char *word = argv[optind - 1];
	char letter[3] = { '-', (char)optopt, '\0' };
	bool is_long = strncmp(word, "--", 2) == 0;
	int len;

	if (!is_long)
		word = letter;
	len = (int)strcspn(word, "=");
	if (code == ':')
		return usage_error(options->command, "option '%.*s' needs a value", len, word);
	if (is_long && optopt != 0)
		return usage_error(options->command, "option '%.*s' takes no value", len, word);
	if (options->command && (optopt == 'p' || strncmp(word, "--profile", 9) == 0))
		return usage_error(options->command,
		    "a profile stands before the command: doublekey -p NAME %s", options->command);
	return usage_error(options->command, "no option '%.*s'", len, word);
}

static int
stop(struct options *options, int status)
{
	options->status = status;
	return OPTIONS_STOP;
}

int
options_next(struct options *options, int argc, char **argv)
{
	char letters[SHORT_MAX_CHARS];
	int n = snprintf(letters, sizeof(letters), "%s:hq%s", options->leading ? "+" : "",
	    options->short_options);
	int code;

	if (n < 0 || (size_t)n >= sizeof(letters))
		return stop(options, STATUS_FAILED);
	if (!options->started) {
		optind = 0; /* glibc: start anew */
		options->started = true;
	}
	for (;;) {
		code = getopt_long(argc, argv, letters, options->option, NULL);
		switch (code) {
		case -1:
			return OPTIONS_END;
		case 'q':
			message_set_quiet(true);
			break;
		case 'h':
		case OPTION_HELP:
			options->help_wanted = true;
			return stop(options, options->help ? options_print(options->help) : 0);
		case ':':
		case '?':
			return stop(options, bad_option(options, code, argv));
		default:
			return code;
		}
	}
}

bool
options_all(
    struct options *options, int argc, char **argv, int (*take)(void *ctx, int code), void *ctx)
{
	int code;

	options->status = STATUS_OK;
	while ((code = options_next(options, argc, argv)) != OPTIONS_END) {
		if (code == OPTIONS_STOP)
			return false;
		options->status = take(ctx, code);
		if (options->status != STATUS_OK)
			return false;
	}
	return true;
}

bool
options_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		unsigned digit = (unsigned)(*text - '0');

		if (*text < '0' || *text > '9' || v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (v < min || v > max)
		return false;
	*ret = v;
	return true;
}

bool
option_list_add(struct option_list *list, const char *item)
{
	const char **grown = reallocarray(list->item, list->count + 1, sizeof(*grown));

	if (!grown) {
		message_err(NULL, DK_ERR_NOMEM, NULL);
		return false;
	}
	list->item = grown;
	list->item[list->count++] = item;
	return true;
}

void
option_list_clear(struct option_list *list)
{
	free(list->item);
	list->item = NULL;
	list->count = 0;
}
