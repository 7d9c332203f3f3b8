/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <doublekey/object.h>
#include <doublekey/reader.h>

#include "cli/command/command.h"
#include "cli/files/fileio.h"
#include "cli/console/message.h"
#include "cli/console/options.h"
#include "cli/objects/show.h"
#include "cli/keys/sides.h"

static const char help[] =
    "usage: doublekey inspect [--json] FILE...\n"
    "       doublekey inspect [--json] --customer KEY --provider KEY FILE...\n"
    "\n"
    "Show what the header of each object says. This needs no key, and then nothing of it\n"
    "is verified. With private keys of both sides, or a profile, the header is verified,\n"
    "and its encrypted part is shown. '-' is standard input.\n"
    "\n"
    "      --json               one JSON object for each FILE, each on a line of its own\n"
    "      --customer KEY       private key file, or URI of a key elsewhere\n"
    "      --provider KEY       the same for the other side\n"
    "      --passphrase-file F  first line of F is a passphrase; may be repeated\n"
    "  -q, --quiet              errors only\n"
    "  -h, --help               this text\n";

struct inspect {
	bool json;
	bool verify;
	struct sides sides;
	struct dk_decrypt_params params;
};

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

static dk_err
look(const struct inspect *inspect, const char *path, const char *shown,
    const struct file_source *in, struct dk_place *ret_place)
{
	struct dk_object_metadata metadata;
	struct dk_object_info *info = NULL;
	const struct dk_object_metadata *verified = NULL;
	dk_err err = dk_inspect(&in->source, &info, ret_place);

	if (err == DK_OK && inspect->verify) {
		err = dk_metadata_read(&inspect->params, &in->source, &metadata, ret_place);
		verified = &metadata;
	}
	if (err == DK_OK && inspect->json)
		show_json(stdout, path, info, verified);
	else if (err == DK_OK)
		show_text(stdout, shown, info, verified);
	dk_object_info_free(info);
	return err;
}

static bool
inspect_file(const struct inspect *inspect, const char *path)
{
	const char *shown = strcmp(path, "-") == 0 ? "standard input" : path;
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
	if (inspect->verify && !in.regular) {
		(void)failure_why(&failure, "keys can verify a regular file only");
	} else {
		failure.err = look(inspect, path, shown, &in, &failure.place);
		if (failure.err != DK_OK)
			file_explain(&failure, &in, NULL);
	}
	if (failure_is(&failure))
		failure_tell(shown, &failure);
	(void)close(fd);
	return !failure_is(&failure);
}

static bool
prepare(struct inspect *inspect)
{
	if (!sides_open_private(&inspect->sides))
		return false;
	inspect->verify = true;
	inspect->params.customer = inspect->sides.customer_keys.key;
	inspect->params.customer_count = inspect->sides.customer_keys.count;
	inspect->params.provider = inspect->sides.provider_keys.key;
	inspect->params.provider_count = inspect->sides.provider_keys.count;
	return true;
}

static int
inspect_all(const struct inspect *inspect, char **paths, int count)
{
	int status = STATUS_OK;

	for (int i = 0; i < count; i++) {
		if (!inspect_file(inspect, paths[i]))
			status = STATUS_FAILED;
	}
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (errno != EPIPE)
		message_err("standard output", DK_ERR_WRITE, NULL);
	return STATUS_FAILED;
}

static int
run(struct inspect *inspect, int argc, char **argv)
{
	enum { JSON = OPTION_OWN };
	static const struct option table[] = {
		SIDES_OPTIONS,
		{ "json", no_argument, NULL, JSON },
		OPTIONS_COMMON,
	};
	struct options options = {
		.command = "inspect", .help = help, .short_options = "", .option = table
	};
	int status;
	int code;

	while ((code = options_next(&options, argc, argv)) != OPTIONS_END) {
		if (code == OPTIONS_STOP)
			return options.status;
		if (code == JSON)
			inspect->json = true;
		else if (sides_take(&inspect->sides, code) != STATUS_OK)
			return STATUS_FAILED;
	}
	if (optind == argc)
		return usage_error("inspect", "no FILE given");
	if (sides_given(&inspect->sides)) {
		status = sides_load(&inspect->sides, "inspect");
		if (status != STATUS_OK)
			return status;
		if (!prepare(inspect))
			return STATUS_FAILED;
	}
	return inspect_all(inspect, argv + optind, argc - optind);
}

int
cmd_inspect(int argc, char **argv)
{
	struct inspect inspect = { .json = false };
	int status = run(&inspect, argc, argv);

	sides_clear(&inspect.sides);
	return status;
}
