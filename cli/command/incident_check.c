/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <time.h>

#include "cli/command/command.h"
#include "cli/incident/tell.h"
#include "cli/console/message.h"
#include "cli/console/options.h"

static const char help[] =
    "usage: doublekey incident check FILE\n"
    "\n"
    "Say in plain words what an incident file claims, what follows from it whatever the\n"
    "log says, and what it leaves open. Nothing but the file is read: that its names\n"
    "exist is looked up when the assessment is made.\n"
    "\n"
    "  -q, --quiet  nothing but errors\n"
    "  -h, --help   this text\n";

int
cmd_incident_check(int argc, char **argv)
{
	static const struct option table[] = { OPTIONS_COMMON };
	struct options options = {
		.command = "incident check", .help = help, .short_options = "", .option = table
	};
	struct incident incident;

	if (options_next(&options, argc, argv) == OPTIONS_STOP)
		return options.status;
	if (argc - optind != 1)
		return usage_error("incident check", "needs one FILE");
	if (!incident_load(argv[optind], &incident, NULL, NULL))
		return STATUS_FAILED;
	if (!message_quiet())
		incident_tell(&incident, (uint64_t)time(NULL), stdout);
	incident_clear(&incident);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return STATUS_OK;
	if (errno != EPIPE)
		message_err("standard output", DK_ERR_WRITE, NULL);
	return STATUS_FAILED;
}
