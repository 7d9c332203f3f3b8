/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/keys/keyfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/console/message.h"
#include "cli/files/output.h"
#include "cli/console/prompt.h"

int
keyfile_take(struct keyfile_options *options, int code)
{
	switch (code) {
	case KEYFILE_PASSPHRASE:
		return option_list_add(&options->passphrase_files, optarg) ? STATUS_OK
									   : STATUS_FAILED;
	case KEYFILE_NO_PASSPHRASE:
		options->no_passphrase = true;
		return STATUS_OK;
	case KEYFILE_FORCE:
		options->force = true;
		return STATUS_OK;
	case 'o':
		options->path = optarg;
		return STATUS_OK;
	default:
		return -1;
	}
}

int
keyfile_check(const struct keyfile_options *options, const char *command)
{
	if (!options->path)
		return usage_error(command, "-o is missing");
	if (options->no_passphrase && options->passphrase_files.count > 0)
		return usage_error(
		    command, "--no-passphrase and --passphrase-file exclude each other");
	if (options->passphrase_files.count > 1)
		return usage_error(command, "--passphrase-file is given twice");
	return STATUS_OK;
}

void
keyfile_clear(struct keyfile_options *options)
{
	option_list_clear(&options->passphrase_files);
}

struct key_bytes {
	uint8_t text[DK_KEY_FILE_MAX_BYTES];
	size_t len;
};

static void
key_bytes_clear(struct key_bytes *bytes)
{
	explicit_bzero(bytes, sizeof(*bytes));
}

static bool
seal_and_write(struct output *output, const struct dk_key *key, const struct dk_key_seal *seal)
{
	__attribute__((cleanup(key_bytes_clear))) struct key_bytes bytes;
	dk_err err = dk_key_write_private(key, seal, bytes.text, sizeof(bytes.text), &bytes.len);

	if (err != DK_OK) {
		message_err(output_name(output), err, NULL);
		return false;
	}
	return output_write(output, bytes.text, bytes.len);
}

static bool
write_private(
    struct output *output, const struct dk_key *key, const struct keyfile_options *options)
{
	auto_secret_line *line = NULL;
	struct dk_key_seal seal = { .passphrase = NULL };

	if (options->no_passphrase)
		return seal_and_write(output, key, NULL);
	line = secret_line_new();
	if (!line || !prompt_new(output_name(output), &options->passphrase_files, line))
		return false;
	seal.passphrase = line->bytes;
	seal.passphrase_len = line->len;
	return seal_and_write(output, key, &seal);
}

static bool
write_public(struct output *output, const struct dk_key *key)
{
	uint8_t text[DK_KEY_FILE_MAX_BYTES];
	size_t len;
	dk_err err = dk_key_write_public(key, text, sizeof(text), &len);

	if (err != DK_OK) {
		message_err(output_name(output), err, NULL);
		return false;
	}
	return output_write(output, text, len);
}

static bool
open_pair(
    const char *path, const char *path_pub, bool force, struct output **key, struct output **pub)
{
	const struct output_options private_options = { .force = force, .mode = 0600 };
	const struct output_options public_options = { .force = force };

	if (output_is_stdout(path)) {
		message_fail(NULL, "a key pair is written to files, not to standard output");
		return false;
	}
	return output_open(path, &private_options, key) &&
	    output_open(path_pub, &public_options, pub);
}

bool
keyfile_write_pair(const struct dk_key *key, const struct keyfile_options *options)
{
	const char *path = options->path;
	/* The private key first: a public key alone would be used, and what is
	 * encrypted to it could not be read. */
	struct output *files[2] = { NULL, NULL };
	char *path_pub = NULL;
	bool ok;

	if (asprintf(&path_pub, "%s.pub", path) < 0) {
		message_err(path, DK_ERR_NOMEM, NULL);
		return false;
	}
	ok = open_pair(path, path_pub, options->force, &files[0], &files[1]) &&
	    write_private(files[0], key, options) && write_public(files[1], key) &&
	    output_commit_all(files, 2);
	output_abandon(files[0]);
	output_abandon(files[1]);
	free(path_pub);
	return ok;
}
