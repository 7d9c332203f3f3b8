/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <doublekey/object.h>

#include "cli/objects/batch.h"
#include "cli/objects/clone.h"
#include "cli/command/command.h"
#include "cli/files/fileio.h"
#include "format/key_batch.h"
#include "cli/console/message.h"
#include "cli/console/options.h"
#include "cli/keys/sides.h"
#include "cli/objects/suffix.h"

static const char help[] =
    "usage: doublekey rewrap --side customer|provider --open KEY --to KEY... FILE...\n"
    "\n"
    "Give one side of each object new keys, without a key of the other side and without\n"
    "reading the content. Whenever it is interrupted, FILE is the old object or the new\n"
    "one. Keys that are replaced still open older copies of FILE.\n"
    "\n"
    "      --side SIDE           customer or provider\n"
    "      --open KEY            private key that opens this side now\n"
    "      --to KEY              key that opens it from now on; may be repeated\n"
    "      --min-epoch N         refuse to start from an older set of keys\n"
    "      --passphrase-file F   first line of F is the passphrase of the open key\n"
    "      --resume              leave files alone that have the keys of --to already\n"
    "  -r, --recursive           all files in directories that end in .dkey\n"
    "  -j, --jobs N              threads (default: one for each processor)\n"
    "  -q, --quiet               errors only\n"
    "  -h, --help                this text\n";

enum { SIDE = OPTION_OWN, OPEN, TO, EPOCH, PASSPHRASE, RESUME };

static const struct option table[] = {
	{ "side", required_argument, NULL, SIDE },
	{ "open", required_argument, NULL, OPEN },
	{ "to", required_argument, NULL, TO },
	{ "min-epoch", required_argument, NULL, EPOCH },
	{ "passphrase-file", required_argument, NULL, PASSPHRASE },
	{ "resume", no_argument, NULL, RESUME },
	{ "recursive", no_argument, NULL, 'r' },
	{ "jobs", required_argument, NULL, 'j' },
	OPTIONS_COMMON,
};

struct rewrap {
	struct dk_rewrap_params params;
	struct batch_task task;
	struct option_list open;
	struct option_list to;
	struct option_list passphrase_files;
	struct keyref_list open_keys;
	struct keyref_list to_keys;
	bool resume;
};

/* Two rewraps of one file at once would each keep only its own side. */
static int
lock(struct work_file *file)
{
	struct stat st;

	if (flock(file->in, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return failure_why(&file->failure, "another rewrap is at work on it");
	/* A file system without locks is no reason to fail. */
	if (fstat(file->in, &st) != 0)
		return failure_errno(&file->failure, "cannot read the file");
	file->st = st;
	return 0;
}

static int
copy(struct work_file *file, const uint8_t *block, size_t len, size_t old_len)
{
	uint64_t rest = (uint64_t)file->st.st_size - old_len;
	int owner;

	file->failure.of_output = true;
	if (file_write_all(file->out, block, len) != 0)
		return failure_errno(&file->failure, "cannot write the file");
	progress_part_add(file->progress, old_len);
	if (clone_tail(file->in, old_len, file->out, len, rest, file->progress) != 0)
		return failure_errno(&file->failure, "cannot copy the content");
	owner = clone_attributes(file->in, &file->st, file->out);
	if (owner < 0)
		return failure_errno(&file->failure, "cannot set mode and times");
	file->failure.of_output = false;
	if (owner > 0)
		file->note = "now belongs to you, since its owner could not be kept";
	else if (file->st.st_nlink > 1)
		file->note = "has more names (hard links), which still stand for the old object";
	return file_check_length(file->in, &file->st, &file->failure);
}

static int
rewrap_file(void *ctx, struct work_file *file)
{
	const struct rewrap *rewrap = ctx;
	struct file_source in;
	uint8_t *block = NULL;
	size_t len = 0;
	size_t old_len = 0;
	int result;

	if (lock(file) != 0)
		return -1;
	file_source_init(&in, file->in, &file->st);
	file->unchanged = rewrap->resume && dk_rewrap_is_done(&rewrap->params, &in.source);
	if (file->unchanged)
		return 0;
	file->failure.err =
	    dk_rewrap(&rewrap->params, &in.source, &block, &len, &old_len, &file->failure.place);
	if (file->failure.err != DK_OK) {
		file_explain(&file->failure, &in, NULL);
		return -1;
	}
	result = copy(file, block, len, old_len);
	free(block);
	return result;
}

static void
rewrap_ahead(void *ctx, const struct dk_source *in, struct dk_key_batch *shares, size_t index)
{
	const struct rewrap *rewrap = ctx;

	if (!rewrap->resume || !dk_rewrap_is_done(&rewrap->params, in))
		dk_rewrap_ahead(&rewrap->params, in, shares, index);
}

static int
take_side(struct rewrap *rewrap)
{
	if (strcmp(optarg, "customer") == 0)
		rewrap->params.side = DK_SIDE_CUSTOMER;
	else if (strcmp(optarg, "provider") == 0)
		rewrap->params.side = DK_SIDE_PROVIDER;
	else
		return usage_error("rewrap", "--side is customer or provider");
	return STATUS_OK;
}

static int
take(void *ctx, int code)
{
	struct rewrap *rewrap = ctx;
	uint64_t number;

	switch (code) {
	case SIDE:
		return take_side(rewrap);
	case OPEN:
		return option_list_add(&rewrap->open, optarg) ? STATUS_OK : STATUS_FAILED;
	case TO:
		return option_list_add(&rewrap->to, optarg) ? STATUS_OK : STATUS_FAILED;
	case PASSPHRASE:
		return option_list_add(&rewrap->passphrase_files, optarg) ? STATUS_OK
									  : STATUS_FAILED;
	case EPOCH:
		if (!options_number(optarg, 0, UINT32_MAX, &number))
			return usage_error(
			    "rewrap", "--min-epoch is a number from 0 to 4294967295");
		rewrap->params.min_epoch = (uint32_t)number;
		break;
	case RESUME:
		rewrap->resume = true;
		break;
	case 'r':
		rewrap->task.recursive = true;
		break;
	case 'j':
		if (!options_number(optarg, 1, BATCH_JOBS_MAX, &number))
			return usage_error(
			    "rewrap", "--jobs is a number from 1 to %d", BATCH_JOBS_MAX);
		rewrap->task.jobs = (unsigned)number;
		break;
	}
	return STATUS_OK;
}

static bool
prepare(struct rewrap *rewrap)
{
	static const struct option_list none = { .count = 0 };
	static const struct keyref_list no_keys = { .count = 0 };
	struct dk_rewrap_params *params = &rewrap->params;

	if (!keyref_open_all(&rewrap->to, params->side, KEYREF_PUBLIC, NULL, &rewrap->to_keys) ||
	    !sides_check_apart(&rewrap->to_keys, &rewrap->to, &no_keys, &none) ||
	    !sides_open_readers(
		&rewrap->open, params->side, &rewrap->passphrase_files, &rewrap->open_keys) ||
	    !keyref_list_join(&rewrap->open_keys, &rewrap->task.shares))
		return false;
	params->open = rewrap->open_keys.key;
	params->open_count = rewrap->open_keys.count;
	params->to = rewrap->to_keys.key;
	params->to_count = rewrap->to_keys.count;
	rewrap->task.waits = keyref_list_waits(&rewrap->to_keys);
	return true;
}

static int
run(struct rewrap *rewrap, int argc, char **argv)
{
	struct options options = {
		.command = "rewrap", .help = help, .short_options = "rj:", .option = table
	};

	if (!options_all(&options, argc, argv, take, rewrap))
		return options.status;
	if (rewrap->params.side == 0)
		return usage_error("rewrap", "no --side given");
	if (rewrap->open.count == 0 || rewrap->to.count == 0)
		return usage_error(
		    "rewrap", "no --%s KEY given", rewrap->open.count == 0 ? "open" : "to");
	if (optind == argc)
		return usage_error("rewrap", "no FILE given");
	if (!prepare(rewrap))
		return STATUS_FAILED;
	return batch_run(&rewrap->task, argv + optind, (size_t)(argc - optind));
}

int
cmd_rewrap(int argc, char **argv)
{
	struct rewrap rewrap = { .params = { .side = 0 } };
	int status;

	rewrap.task = (struct batch_task){
		.work = rewrap_file,
		.ahead = rewrap_ahead,
		.ctx = &rewrap,
		.out_name = suffix_keep,
		.replace = true,
		.hold = true,
	};
	status = run(&rewrap, argc, argv);
	keyref_list_clear(&rewrap.open_keys);
	keyref_list_clear(&rewrap.to_keys);
	dk_key_batch_free(rewrap.task.shares);
	option_list_clear(&rewrap.open);
	option_list_clear(&rewrap.to);
	option_list_clear(&rewrap.passphrase_files);
	return status;
}
