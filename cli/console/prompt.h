/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passphrases: from files named with --passphrase-file, else from the file that
 * DOUBLEKEY_PASSPHRASE_FILE names, else from the terminal. Never from an
 * argument or the environment itself.
 */
#ifndef DK_CLI_PROMPT_H
#define DK_CLI_PROMPT_H

#include <stdbool.h>

#include "cli/console/options.h"
#include "cli/console/secret_line.h"

#define PROMPT_ENV "DOUBLEKEY_PASSPHRASE_FILE"

/* Number of passphrase files, and their names: the option's, or the one of the
 * environment. 0: ask on the terminal. */
size_t prompt_file_count(const struct option_list *files);
const char *prompt_file(const struct option_list *files, size_t index);

/* First line of a file. False: told already. Warns if others can read it. */
bool prompt_read_file(const char *path, struct secret_line *ret_line);

/* Passphrase of the existing key name, from the terminal. False: told already. */
bool prompt_existing(const char *name, struct secret_line *ret_line);

/* Passphrase for the new key name, from the first file or, twice, from the
 * terminal. False: told already. */
bool prompt_new(const char *name, const struct option_list *files, struct secret_line *ret_line);

#endif
