/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <doublekey/backup.h>

#include "cli/command/command.h"
#include "cli/keys/keyref.h"
#include "cli/console/message.h"
#include "cli/console/options.h"
#include "cli/files/output.h"
#include "cli/console/prompt.h"

#define COMMAND "key split"

static const char help[] =
    "usage: doublekey key split KEY --shares N --threshold K [OPTION...] -o PREFIX\n"
    "\n"
    "Writes PREFIX-1-of-N.txt to PREFIX-N-of-N.txt. Any K of them restore the private\n"
    "key (doublekey key join), fewer tell nothing about it. Print them, give them to N\n"
    "people, and delete the files.\n"
    "\n"
    "      --shares N              how many shares, 2 to 255\n"
    "      --threshold K           how many of them restore the key, 2 to N - 1\n"
    "      --allow-all             K may be N: no share may ever be lost\n"
    "      --passphrase-file FILE  take the passphrase of KEY from the first line of\n"
    "                              FILE; else from the file that " PROMPT_ENV "\n"
    "                              names; else ask\n"
    "      --force                 replace existing files\n"
    "  -o, --output PREFIX         where to write\n"
    "  -q, --quiet                 no notes\n"
    "  -h, --help                  this text\n";

enum { SHARES = OPTION_OWN, THRESHOLD, ALLOW_ALL, PASSPHRASE_FILE, FORCE };

static const struct option table[] = {
	{ "shares", required_argument, NULL, SHARES },
	{ "threshold", required_argument, NULL, THRESHOLD },
	{ "allow-all", no_argument, NULL, ALLOW_ALL },
	{ "passphrase-file", required_argument, NULL, PASSPHRASE_FILE },
	{ "force", no_argument, NULL, FORCE },
	{ "output", required_argument, NULL, 'o' },
	OPTIONS_COMMON,
};

struct job {
	struct dk_split_params params;
	struct option_list passphrase_files;
	bool force;
	const char *key;
	const char *prefix;
};

struct share_bytes {
	char text[DK_SHARE_TEXT_MAX_BYTES];
	size_t len;
};

static int
take_number(const char *option, unsigned *ret)
{
	uint64_t v;

	if (!options_number(optarg, DK_SPLIT_MIN, DK_SPLIT_MAX, &v))
		return usage_error(
		    COMMAND, "%s is a number from %u to %u", option, DK_SPLIT_MIN, DK_SPLIT_MAX);
	*ret = (unsigned)v;
	return STATUS_OK;
}

static int
take(void *ctx, int code)
{
	struct job *job = ctx;

	switch (code) {
	case SHARES:
		return take_number("--shares", &job->params.shares);
	case THRESHOLD:
		return take_number("--threshold", &job->params.threshold);
	case ALLOW_ALL:
		job->params.allow_all = 1;
		break;
	case PASSPHRASE_FILE:
		if (!option_list_add(&job->passphrase_files, optarg))
			return STATUS_FAILED;
		break;
	case FORCE:
		job->force = true;
		break;
	case 'o':
		job->prefix = optarg;
		break;
	}
	return STATUS_OK;
}

static int
check(const struct job *job)
{
	if (!job->params.shares)
		return usage_error(COMMAND, "--shares is missing");
	if (!job->params.threshold)
		return usage_error(COMMAND, "--threshold is missing");
	if (!job->prefix || output_is_stdout(job->prefix))
		return usage_error(COMMAND, "-o PREFIX is missing");
	if (job->params.threshold > job->params.shares)
		return usage_error(COMMAND, "the threshold is larger than the number of shares");
	if (job->params.threshold == job->params.shares && !job->params.allow_all)
		return usage_error(COMMAND,
		    "with a threshold of all %u shares, the loss of one is the loss of the key; "
		    "--allow-all if that is meant",
		    job->params.shares);
	return STATUS_OK;
}

static int
parse(struct job *job, int argc, char **argv, bool *ret_done)
{
	struct options options = {
		.command = COMMAND, .help = help, .short_options = "o:", .option = table
	};
	int status;

	*ret_done = true;
	if (!options_all(&options, argc, argv, take, job))
		return options.status;
	if (optind + 1 != argc)
		return usage_error(COMMAND, "give one KEY");
	job->key = argv[optind];
	status = check(job);
	*ret_done = status != STATUS_OK;
	return status;
}

/* All files are begun before the first one gets its name. */
static bool
begin_all(const struct job *job, struct output **outputs)
{
	const struct output_options options = { .force = job->force, .mode = 0600 };

	for (unsigned i = 0; i < job->params.shares; i++) {
		char *path;
		bool ok;

		if (asprintf(&path, "%s-%u-of-%u.txt", job->prefix, i + 1, job->params.shares) <
		    0) {
			message_err(job->prefix, DK_ERR_NOMEM, NULL);
			return false;
		}
		ok = output_open(path, &options, &outputs[i]);
		free(path);
		if (!ok)
			return false;
	}
	return true;
}

static bool
write_all(const struct job *job, const struct dk_split *split, struct output **outputs)
{
	struct share_bytes *bytes = malloc(sizeof(*bytes));
	bool ok = bytes != NULL;

	if (!ok)
		message_err(NULL, DK_ERR_NOMEM, NULL);
	for (unsigned i = 0; i < job->params.shares && ok; i++) {
		dk_err err =
		    dk_split_write(split, i + 1, bytes->text, sizeof(bytes->text), &bytes->len);

		ok = err == DK_OK;
		if (!ok)
			message_err(output_name(outputs[i]), err, NULL);
		else
			ok = output_write(outputs[i], bytes->text, bytes->len);
	}
	ok = ok && output_commit_all(outputs, job->params.shares);
	if (bytes)
		explicit_bzero(bytes, sizeof(*bytes));
	free(bytes);
	return ok;
}

static bool
split_key(const struct job *job, const struct dk_key *key, struct output **outputs)
{
	struct dk_split *split = NULL;
	dk_err err = dk_key_split(key, &job->params, &split);
	bool ok;

	if (err != DK_OK) {
		message_err(job->key, err, NULL);
		return false;
	}
	ok = write_all(job, split, outputs);
	if (ok) {
		message_note("%u shares of key id %s, split id %s", job->params.shares,
		    dk_key_id_hex(key), dk_split_id_hex(split));
		message_note("Any %u restore it. Print %s-*-of-%u.txt, give them away, and delete "
			     "the files.",
		    job->params.threshold, job->prefix, job->params.shares);
	}
	dk_split_free(split);
	return ok;
}

static bool
run(const struct job *job)
{
	struct output *outputs[DK_SPLIT_MAX] = { NULL };
	struct dk_key *key = NULL;
	bool ok;

	if (!keyref_open(job->key, DK_SIDE_ANY, KEYREF_PRIVATE, &job->passphrase_files, &key))
		return false;
	ok = begin_all(job, outputs) && split_key(job, key, outputs);
	for (unsigned i = 0; i < job->params.shares; i++)
		output_abandon(outputs[i]);
	dk_key_free(key);
	return ok;
}

int
cmd_key_split(int argc, char **argv)
{
	struct job job = { .force = false };
	bool done;
	int status = parse(&job, argc, argv, &done);

	if (!done)
		status = run(&job) ? STATUS_OK : STATUS_FAILED;
	option_list_clear(&job.passphrase_files);
	return status;
}
