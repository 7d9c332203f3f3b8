/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of a command, GNU style. A command names its own options and calls
 * options_next() until it returns OPTIONS_END; --help, --quiet and usage errors
 * are the same for all commands and are dealt with in here.
 */
#ifndef DK_CLI_OPTIONS_H
#define DK_CLI_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At the end of each command's option table, in place of the empty row. */
/* clang-format off */
#define OPTIONS_COMMON \
	{ "help", no_argument, NULL, OPTION_HELP }, \
	{ "quiet", no_argument, NULL, 'q' }, \
	{ NULL, 0, NULL, 0 }
/* clang-format on */

/* Codes for options without a short form start here. */
enum { OPTION_HELP = 256, OPTION_OWN = 512 };

enum { OPTIONS_END = -1, OPTIONS_STOP = -2 };

struct options {
	const char *command;         /* "keygen", or "key split"; NULL: doublekey itself */
	const char *help;            /* the text of --help */
	const char *short_options;   /* as for getopt, without h and q */
	const struct option *option; /* ends in OPTIONS_COMMON */
	bool leading;                /* stop at the first operand */
	int status;                  /* exit status behind OPTIONS_STOP, and of options_all() */
	bool help_wanted;            /* --help, and help is NULL: the caller prints it */
	bool started;
};

/*
 * Code of the next option, whose argument is in optarg; OPTIONS_END, with the
 * first operand at optind; or OPTIONS_STOP: help was printed or an error told,
 * and the command returns status.
 */
int options_next(struct options *options, int argc, char **argv);

/*
 * Every option goes to take(), which returns STATUS_OK to go on. False: the
 * command returns status.
 */
bool options_all(
    struct options *options, int argc, char **argv, int (*take)(void *ctx, int code), void *ctx);

/*
 * Tell a usage error with a hint to --help. command is NULL for doublekey
 * itself. Returns STATUS_USAGE.
 */
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Print text on standard output. Returns the exit status. */
int options_print(const char *text);

/* Decimal digits and nothing else, from min to max; false otherwise. */
bool options_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret);

/* Arguments of an option that may be repeated. */
struct option_list {
	const char **item;
	size_t count;
};
/* item is borrowed. False: out of memory, told already. */
bool option_list_add(struct option_list *list, const char *item);
void option_list_clear(struct option_list *list);

#endif
