/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <doublekey/object.h>

#include "command.h"
#include "fileio.h"
#include "message.h"
#include "options.h"
#include "show.h"

static const char help[] =
    "usage: doublekey inspect [--json] FILE...\n"
    "\n"
    "Show what the header of each object says. This needs no key, and so nothing of it\n"
    "is verified. '-' is standard input.\n"
    "\n"
    "      --json   one JSON object for each FILE, each on a line of its own\n"
    "  -q, --quiet  errors only\n"
    "  -h, --help   this text\n";

/* Nothing is replaced here, so links and pipes do no harm. */
static int
open_any(const char *path, struct stat *ret_st)
{
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO)
	                                : open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, ret_st) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static bool
inspect(const char *path, bool json)
{
	const char *shown = strcmp(path, "-") == 0 ? "standard input" : path;
	struct dk_object_info *info = NULL;
	struct failure failure = { .err = DK_OK };
	struct file_source in;
	struct stat st;
	int fd = open_any(path, &st);

	if (fd < 0) {
		(void)failure_errno(&failure, "cannot open the file");
		failure_tell(shown, &failure);
		return false;
	}
	file_source_init(&in, fd, &st);
	failure.err = dk_inspect(&in.source, &info, &failure.place);
	if (failure.err != DK_OK) {
		file_explain(&failure, &in, NULL);
		failure_tell(shown, &failure);
	} else if (json) {
		show_json(stdout, path, info);
	} else {
		show_text(stdout, shown, info);
	}
	dk_object_info_free(info);
	(void)close(fd);
	return failure.err == DK_OK;
}

int
cmd_inspect(int argc, char **argv)
{
	enum { JSON = OPTION_OWN };
	static const struct option table[] = {
		{ "json", no_argument, NULL, JSON },
		OPTIONS_COMMON,
	};
	struct options options = {
		.command = "inspect", .help = help, .short_options = "", .option = table
	};
	int status = STATUS_OK;
	bool json = false;
	int code;

	while ((code = options_next(&options, argc, argv)) != OPTIONS_END) {
		if (code == OPTIONS_STOP)
			return options.status;
		if (code == JSON)
			json = true;
	}
	if (optind == argc)
		return usage_error("inspect", "no FILE given");
	for (int i = optind; i < argc; i++) {
		if (!inspect(argv[i], json))
			status = STATUS_FAILED;
	}
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (errno != EPIPE)
		message_err("standard output", DK_ERR_WRITE, NULL);
	return STATUS_FAILED;
}
