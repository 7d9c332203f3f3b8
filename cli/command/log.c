/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "cli/command/frame.h"

static const char help[] =
    "usage: doublekey log COMMAND [OPTION...]\n"
    "\n"
    "  export      check an export of records that was made for you, and read it\n"
    "  gossip      compare with other users what a key service shows\n"
    "  mirror      copy a log, and check all of it\n"
    "  prove       write a proof that an entry stands in a log\n"
    "  verify      check a log, a copy of one, or a proof\n"
    "  witness     cosign the checkpoints of logs\n"
    "\n"
    "'doublekey log COMMAND --help' tells more about a command.\n";

static const struct command commands[] = {
	{ "export", cmd_log_export, NULL },
	{ "gossip", cmd_log_gossip, NULL },
	{ "mirror", cmd_log_mirror, NULL },
	{ "prove", cmd_log_prove, NULL },
	{ "verify", cmd_log_verify, NULL },
	{ "witness", cmd_log_witness, NULL },
	{ 0 },
};

int
cmd_log(int argc, char **argv)
{
	return frame_run_sub("log", commands, help, argc, argv);
}
