/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "cli/command/frame.h"

static const char help[] =
    "usage: doublekey evidence COMMAND [OPTION...]\n"
    "\n"
    "  bundle      put an assessment and all that it rests on into one file\n"
    "  verify      check such a file offline, and compute the assessment again\n"
    "\n"
    "'doublekey evidence COMMAND --help' tells more about a command.\n";

static const struct command commands[] = {
	{ "bundle", cmd_evidence_bundle, NULL },
	{ "verify", cmd_evidence_verify, NULL },
	{ 0 },
};

int
cmd_evidence(int argc, char **argv)
{
	return frame_run_sub("evidence", commands, help, argc, argv);
}
