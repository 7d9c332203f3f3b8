/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "frame.h"

static const char help[] = "usage: doublekey log COMMAND [OPTION...]\n"
			   "\n"
			   "  witness     cosign the checkpoints of logs\n"
			   "\n"
			   "'doublekey log COMMAND --help' tells more about a command.\n";

static const struct command commands[] = {
	{ "witness", cmd_log_witness, NULL },
	{ 0 },
};

int
cmd_log(int argc, char **argv)
{
	return frame_run_sub("log", commands, help, argc, argv);
}
