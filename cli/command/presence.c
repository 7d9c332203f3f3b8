/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/client.h"
#include "cli/command/frame.h"
#include "cli/console/message.h"
#include "native/request.h"
#include "cli/console/options.h"

static const char help[] =
    "usage: doublekey presence start|stop|status URL\n"
    "\n"
    "Tells a customer key service that you are there: while a session is open, it\n"
    "unwraps what Microsoft's clients ask for in your name from the address of this\n"
    "machine, where a rule of its policy wants presence. URL is that of the service.\n"
    "\n"
    "  start       open a session, in place of another one of yours\n"
    "  stop        close it\n"
    "  status      say whether one is open from this address; if not, the status is 1\n"
    "\n"
    "  -q, --quiet               errors only\n"
    "  -h, --help                this text\n";

static const struct option table[] = {
	OPTIONS_COMMON,
};

static const char *
address_text(const uint8_t address[16], char *ret, size_t cap)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const bool four = memcmp(address, mapped, sizeof(mapped)) == 0;

	return inet_ntop(four ? AF_INET : AF_INET6, address + (four ? 12 : 0), ret, (socklen_t)cap)
	    ? ret
	    : "?";
}

static const char *
time_text(uint64_t seconds, char *ret, size_t cap)
{
	const time_t t = (time_t)(seconds >> 40 == 0 ? seconds : 0);
	struct tm tm;

	return gmtime_r(&t, &tm) && strftime(ret, cap, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0 ? ret : "?";
}

static int
tell(enum dk_presence what, const struct dk_presence_answer *a)
{
	char address[INET6_ADDRSTRLEN], until[32];

	(void)address_text(a->address, address, sizeof(address));
	if (what == DK_PRESENCE_CLOSE)
		message_note(
		    "the session of %s is closed (log entry %" PRIu64 ")", a->person, a->index);
	else if (a->until == 0)
		message_note("no session of %s is open from %s", a->person, address);
	else
		message_note("the session of %s from %s is open until %s (log entry %" PRIu64 ")",
		    a->person, address, time_text(a->until, until, sizeof(until)), a->index);
	return what == DK_PRESENCE_STATUS && a->until == 0 ? STATUS_FAILED : STATUS_OK;
}

static int
run(const char *command, enum dk_presence what, int argc, char **argv)
{
	struct options options = {
		.command = command, .help = help, .short_options = "", .option = table
	};
	struct dk_presence_answer answer;
	dk_err err;
	int c;

	while ((c = options_next(&options, argc, argv)) != OPTIONS_END)
		if (c == OPTIONS_STOP)
			return options.status;
	if (argc - optind != 1)
		return usage_error(command, "needs the URL of a service");
	if (!dk_base_url_valid(argv[optind]))
		return usage_error(command, "URL has the form https://HOST:PORT, in lower case");
	err = dk_client_presence(argv[optind], what, &answer);
	if (err == DK_ERR_LIBRARY) {
		message_fail(argv[optind], "libdoublekey-client.so cannot be loaded (library)");
		return STATUS_FAILED;
	}
	if (err != DK_OK) {
		message_err(argv[optind], err, NULL);
		return STATUS_FAILED;
	}
	return tell(what, &answer);
}

static int
start(int argc, char **argv)
{
	return run("presence start", DK_PRESENCE_OPEN, argc, argv);
}

static int
stop(int argc, char **argv)
{
	return run("presence stop", DK_PRESENCE_CLOSE, argc, argv);
}

static int
status(int argc, char **argv)
{
	return run("presence status", DK_PRESENCE_STATUS, argc, argv);
}

int
cmd_presence(int argc, char **argv)
{
	static const struct command commands[] = {
		{ "start", start, NULL },
		{ "stop", stop, NULL },
		{ "status", status, NULL },
		{ 0 },
	};

	return frame_run_sub("presence", commands, help, argc, argv);
}
