/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "cli/command/frame.h"

static const char help[] =
    "usage: doublekey key COMMAND [OPTION...]\n"
    "\n"
    "  split       make a backup of a private key, on several sheets of paper\n"
    "  join        restore a private key from its shares\n"
    "  public      write the public half of a key to a file\n"
    "\n"
    "'doublekey key COMMAND --help' tells more about a command.\n";

static const struct command commands[] = {
	{ "split", cmd_key_split, NULL },
	{ "join", cmd_key_join, NULL },
	{ "public", cmd_key_public, NULL },
	{ 0 },
};

int
cmd_key(int argc, char **argv)
{
	return frame_run_sub("key", commands, help, argc, argv);
}
