/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <doublekey/backup.h>

#include "cli/command/command.h"
#include "cli/keys/keyfile.h"
#include "cli/console/message.h"
#include "cli/console/options.h"
#include "cli/files/output.h"
#include "cli/console/prompt.h"

#define COMMAND "key join"

static const char help[] =
    "usage: doublekey key join SHARE... [OPTION...] -o NAME.key\n"
    "\n"
    "Restores a private key from the shares that 'doublekey key split' made. A share\n"
    "that is only on paper is typed into a text file first; it says itself how. A line\n"
    "that was mistyped, and a share that does not belong to the others, is named.\n"
    "\n"
    "      --passphrase-file FILE  seal the key with the first line of FILE; else with\n"
    "                              that of the file that " PROMPT_ENV "\n"
    "                              names; else ask\n"
    "      --no-passphrase         do not seal the private key\n"
    "      --force                 replace existing files\n"
    "  -o, --output NAME.key       where to write; the public key goes to NAME.key.pub\n"
    "  -q, --quiet                 no notes\n"
    "  -h, --help                  this text\n";

static const struct option table[] = {
	KEYFILE_OPTIONS,
	OPTIONS_COMMON,
};

struct job {
	struct keyfile_options file;
	char **shares;
	int count;
};

struct share_bytes {
	uint8_t text[DK_SHARE_TEXT_MAX_BYTES + 1]; /* one more, to see what is too long */
	size_t len;
};

static int
take(void *ctx, int code)
{
	struct job *job = ctx;

	return keyfile_take(&job->file, code);
}

static int
parse(struct job *job, int argc, char **argv, bool *ret_done)
{
	struct options options = {
		.command = COMMAND, .help = help, .short_options = KEYFILE_LETTERS, .option = table
	};
	int status;

	*ret_done = true;
	if (!options_all(&options, argc, argv, take, job))
		return options.status;
	if (optind == argc)
		return usage_error(COMMAND, "no SHARE given");
	job->shares = argv + optind;
	job->count = argc - optind;
	status = keyfile_check(&job->file, COMMAND);
	*ret_done = status != STATUS_OK;
	return status;
}

static bool
read_share(const char *path, struct share_bytes *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : 1;

	bytes->len = 0;
	while (n != 0 && fd >= 0 && bytes->len < sizeof(bytes->text)) {
		n = read(fd, bytes->text + bytes->len, sizeof(bytes->text) - bytes->len);
		if (n < 0 && errno != EINTR)
			break;
		if (n > 0)
			bytes->len += (size_t)n;
	}
	if (n < 0)
		message_err(path, DK_ERR_READ, NULL);
	if (fd >= 0)
		(void)close(fd);
	return n >= 0;
}

static bool
add_share(struct dk_join *join, const char *path, struct share_bytes *bytes)
{
	struct dk_place place = { .text = "" };
	dk_err err;

	if (!read_share(path, bytes))
		return false;
	err = dk_join_add(join, bytes->text, bytes->len, &place);
	if (err == DK_ERR_SHARE_FOREIGN && place.text[0] == '\0')
		message_fail(path, "this share is of another split than the first one, %s (%s)",
		    dk_join_split_id_hex(join), dk_err_name(err));
	else if (err != DK_OK)
		message_err(path, err, &place);
	return err == DK_OK;
}

/* Goes on behind a bad share, so that all of them are named in one run. */
static bool
add_all(const struct job *job, struct dk_join *join)
{
	struct share_bytes *bytes = malloc(sizeof(*bytes));
	bool ok = bytes != NULL;

	if (!bytes) {
		message_err(NULL, DK_ERR_NOMEM, NULL);
		return false;
	}
	for (int i = 0; i < job->count; i++)
		ok = add_share(join, job->shares[i], bytes) && ok;
	if (!ok && dk_join_count(join) > 0)
		message_fail(NULL, "%u shares are good and %u are needed", dk_join_count(join),
		    dk_join_threshold(join));
	explicit_bzero(bytes, sizeof(*bytes));
	free(bytes);
	return ok;
}

static bool
write_key(const struct job *job, const struct dk_join *join)
{
	struct dk_key *key = NULL;
	dk_err err = dk_join_finish(join, &key);
	bool ok;

	if (err == DK_ERR_SHARE_TOO_FEW)
		message_fail(NULL, "%u shares are needed, %u were given (%s)",
		    dk_join_threshold(join), dk_join_count(join), dk_err_name(err));
	else if (err != DK_OK)
		message_err(NULL, err, NULL);
	if (err != DK_OK)
		return false;
	ok = keyfile_write_pair(key, &job->file);
	if (ok)
		message_note("restored the %s key %s of %s, key id %s",
		    dk_side_name(dk_key_side(key)), dk_key_type_name(key), dk_key_custodian(key),
		    dk_key_id_hex(key));
	dk_key_free(key);
	return ok;
}

static bool
run(struct job *job)
{
	struct dk_join *join = NULL;
	bool ok;

	if (dk_join_new(&join) != DK_OK) {
		message_err(NULL, DK_ERR_NOMEM, NULL);
		return false;
	}
	ok = add_all(job, join) && write_key(job, join);
	dk_join_free(join);
	return ok;
}

int
cmd_key_join(int argc, char **argv)
{
	struct job job = { .count = 0 };
	bool done;
	int status = parse(&job, argc, argv, &done);

	if (!done)
		status = run(&job) ? STATUS_OK : STATUS_FAILED;
	keyfile_clear(&job.file);
	return status;
}
