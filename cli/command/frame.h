/* SPDX-License-Identifier: Apache-2.0 */
/* What comes before a command: options of doublekey itself, help, version. */
#ifndef DK_CLI_FRAME_H
#define DK_CLI_FRAME_H

#include "cli/command/command.h"

/* Run doublekey with a table of commands that ends in an empty row. */
int frame_run(const struct command *commands, int argc, char **argv);

/* Run the subcommand of a command, such as "split" of "key". command is the
 * name of the command, help its text for --help. */
int frame_run_sub(
    const char *command, const struct command *commands, const char *help, int argc, char **argv);

/* NAME of `doublekey -p NAME ...`, or NULL. */
const char *frame_profile(void);

#endif
