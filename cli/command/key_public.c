/* SPDX-License-Identifier: Apache-2.0 */
/* key public: the public half of a key as a file, so that encrypting asks nobody. */
#include <string.h>

#include <doublekey/key.h>

#include "cli/command/command.h"
#include "cli/keys/keyref.h"
#include "cli/console/message.h"
#include "cli/console/options.h"
#include "cli/files/output.h"

#define COMMAND "key public"

static const char help[] =
    "usage: doublekey key public --side customer|provider KEY -o NAME.key.pub\n"
    "\n"
    "Writes the public half of a key that another system holds, or of a key file. With the\n"
    "file in place of KEY, encrypting needs no network and no credentials.\n"
    "\n"
    "      --side SIDE         side on which it will be used\n"
    "      --force             replace an existing file\n"
    "  -o, --output FILE       where to write; '-': standard output\n"
    "  -q, --quiet             no notes\n"
    "  -h, --help              this text\n";

struct public
{
	dk_side side;
	const char *path;
	bool force;
};

enum { SIDE = OPTION_OWN, FORCE };

static int
take(void *ctx, int code)
{
	struct public *public = ctx;

	switch (code) {
	case SIDE:
		if (strcmp(optarg, "customer") == 0)
		public
		->side = DK_SIDE_CUSTOMER;
		else if (strcmp(optarg, "provider") == 0) public->side = DK_SIDE_PROVIDER;
		else return usage_error(COMMAND, "--side is customer or provider");
		break;
	case FORCE:
		public
		->force = true;
		break;
	case 'o':
		public
		->path = optarg;
		break;
	}
	return STATUS_OK;
}

static bool
save(const struct public *public, const char *ref, const struct dk_key *key)
{
	const struct output_options options = { .force = public->force };
	uint8_t text[DK_KEY_FILE_MAX_BYTES];
	struct output *output = NULL;
	size_t len;
	dk_err err = dk_key_write_public(key, text, sizeof(text), &len);

	if (err == DK_ERR_KEY_TYPE) {
		message_fail(ref, "the key shows no public half: its system wraps itself (%s)",
		    dk_err_name(err));
		return false;
	}
	if (err != DK_OK) {
		message_err(ref, err, NULL);
		return false;
	}
	if (!output_open(public->path, &options, &output))
		return false;
	if (output_write(output, text, len))
		return output_commit(output);
	output_abandon(output);
	return false;
}

int
cmd_key_public(int argc, char **argv)
{
	static const struct option table[] = {
		{ "side", required_argument, NULL, SIDE },
		{ "force", no_argument, NULL, FORCE },
		{ "output", required_argument, NULL, 'o' },
		OPTIONS_COMMON,
	};
	struct options options = {
		.command = COMMAND, .help = help, .short_options = "o:", .option = table
	};
	struct public public = { .side = 0 };
	struct dk_key *key = NULL;
	bool ok;

	if (!options_all(&options, argc, argv, take, &public))
		return options.status;
	if (public.side == 0)
		return usage_error(COMMAND, "no --side given");
	if (!public.path)
		return usage_error(COMMAND, "no --output FILE given");
	if (argc - optind != 1)
		return usage_error(COMMAND, "it needs one KEY");
	if (!keyref_open(argv[optind], public.side, KEYREF_PUBLIC, NULL, &key))
		return STATUS_FAILED;
	ok = save(&public, argv[optind], key);
	dk_key_free(key);
	return ok ? STATUS_OK : STATUS_FAILED;
}
