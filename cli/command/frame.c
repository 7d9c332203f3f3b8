/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command/frame.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <doublekey/doublekey.h>

#include "cli/console/message.h"
#include "cli/console/options.h"
#include "cli/files/output.h"

static const char *profile;

const char *
frame_profile(void)
{
	return profile;
}

static const struct command *
find(const struct command *commands, const char *name)
{
	for (; commands->name; commands++)
		if (strcmp(commands->name, name) == 0)
			return commands;
	return NULL;
}

static int
flush(bool ok)
{
	if (ok && fflush(stdout) == 0)
		return STATUS_OK;
	message_err("standard output", DK_ERR_WRITE, NULL);
	return STATUS_FAILED;
}

static int
print_version(void)
{
	return flush(printf("doublekey %s\nlibdoublekey %s\nlibcrypto %s\n", DK_VERSION,
			 dk_version(), dk_crypto_version()) > 0);
}

static int
print_help(const struct command *commands)
{
	bool ok = printf("usage: doublekey [-p PROFILE] [--quiet] COMMAND [OPTION...]\n"
			 "\n"
			 "Encrypts so that two independent keys must both be used to read.\n"
			 "\n") > 0;

	for (; commands->name; commands++)
		ok = printf("  %-10s %s\n", commands->name, commands->summary) > 0 && ok;
	ok = printf("\n"
		    "  -p, --profile NAME  take the keys from this profile\n"
		    "  -q, --quiet         no notes and no progress, errors only\n"
		    "      --version       print the versions of doublekey and its libraries\n"
		    "  -h, --help          this text; 'doublekey COMMAND --help' for a command\n") >
		0 &&
	    ok;
	return flush(ok);
}

/* Options before the command. '+' in the letters ends them at the command. */
static int
own_options(const struct command *commands, int argc, char **argv, bool *ret_done)
{
	enum { VERSION = OPTION_OWN };
	static const struct option table[] = {
		{ "profile", required_argument, NULL, 'p' },
		{ "version", no_argument, NULL, VERSION },
		OPTIONS_COMMON,
	};
	struct options options = { .short_options = "p:", .option = table, .leading = true };

	*ret_done = true;
	for (;;) {
		switch (options_next(&options, argc, argv)) {
		case OPTIONS_END:
			*ret_done = false;
			return STATUS_OK;
		case OPTIONS_STOP:
			return options.help_wanted ? print_help(commands) : options.status;
		case 'p':
			profile = optarg;
			break;
		case VERSION:
			return print_version();
		}
	}
}

int
frame_run(const struct command *commands, int argc, char **argv)
{
	static const struct rlimit no_core = { 0, 0 };
	const struct command *command;
	bool done;
	int status;

	/* Keys are in memory; a core file would put them on disk. */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	output_init();
	status = own_options(commands, argc, argv, &done);
	if (done)
		return status;
	if (optind >= argc)
		return usage_error(NULL, "no command given");
	command = find(commands, argv[optind]);
	if (!command)
		return usage_error(NULL, "no command '%s'", argv[optind]);
	return command->run(argc - optind, argv + optind);
}

int
frame_run_sub(
    const char *command, const struct command *commands, const char *help, int argc, char **argv)
{
	const struct command *sub;

	if (argc < 2)
		return usage_error(command, "which of its commands?");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return options_print(help);
	sub = find(commands, argv[1]);
	if (!sub)
		return usage_error(command, "no command '%s'", argv[1]);
	return sub->run(argc - 1, argv + 1);
}
