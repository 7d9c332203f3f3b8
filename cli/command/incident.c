/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "cli/command/frame.h"

static const char help[] =
    "usage: doublekey incident COMMAND [OPTION...] FILE\n"
    "\n"
    "  check       say what an incident file claims, and what it leaves open\n"
    "  new         ask what was stolen and when, and write the file\n"
    "\n"
    "'doublekey incident COMMAND --help' tells more about a command.\n";

static const struct command commands[] = {
	{ "check", cmd_incident_check, NULL },
	{ "new", cmd_incident_new, NULL },
	{ 0 },
};

int
cmd_incident(int argc, char **argv)
{
	return frame_run_sub("incident", commands, help, argc, argv);
}
