/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the two files of a key pair, and the options that say how. */
#ifndef DK_CLI_KEYFILE_H
#define DK_CLI_KEYFILE_H

#include <stdbool.h>

#include <doublekey/key.h>

#include "cli/console/options.h"

struct keyfile_options {
	const char *path;
	bool force;
	bool no_passphrase;
	struct option_list passphrase_files; /* as in prompt.h */
};

/* Rows of an option table, with the letter o, and their codes. */
/* clang-format off */
enum { KEYFILE_PASSPHRASE = 1024, KEYFILE_NO_PASSPHRASE, KEYFILE_FORCE };
#define KEYFILE_LETTERS "o:"
#define KEYFILE_OPTIONS \
	{ "passphrase-file", required_argument, NULL, KEYFILE_PASSPHRASE }, \
	{ "no-passphrase", no_argument, NULL, KEYFILE_NO_PASSPHRASE }, \
	{ "force", no_argument, NULL, KEYFILE_FORCE }, \
	{ "output", required_argument, NULL, 'o' }
/* clang-format on */

/* Take one of these options, whose argument is in optarg. The exit status, or -1
 * if it is another option. */
int keyfile_take(struct keyfile_options *options, int code);
/* Whether they fit together: STATUS_OK, or a usage error. */
int keyfile_check(const struct keyfile_options *options, const char *command);
void keyfile_clear(struct keyfile_options *options);

/*
 * Write the path, for its owner only from the first moment on, and path.pub. Asks
 * for the passphrase if that is needed, but not before it is clear that both
 * files can be made. False: told already; then no file is there, unless the disk
 * failed between the two.
 */
bool keyfile_write_pair(const struct dk_key *key, const struct keyfile_options *options);

#endif
