/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the two files of a key pair. */
#ifndef DK_CLI_KEYFILE_H
#define DK_CLI_KEYFILE_H

#include <stdbool.h>

#include <doublekey/key.h>

#include "options.h"

struct keyfile_options {
	bool force;
	bool no_passphrase;
	const struct option_list *passphrase_files; /* as in prompt.h */
};

/*
 * Write path, for its owner only from the first moment on, and path.pub. Asks
 * for the passphrase if that is needed, but not before it is clear that both
 * files can be made. False: told already; then no file is there, unless the disk
 * failed between the two.
 */
bool keyfile_write_pair(const char *path, const struct dk_key *key,
    const struct keyfile_options *options);

#endif
