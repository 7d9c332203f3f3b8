/* SPDX-License-Identifier: Apache-2.0 */
/* The witness is a program of its own, so that nothing else links what it serves with. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command/command.h"
#include "cli/console/message.h"
#include "cli/console/options.h"

static const char help[] =
    "usage: doublekey log witness --init --dir DIR --name NAME [--log VKEY]...\n"
    "       doublekey log witness --dir DIR --listen ADDR [--tls-cert FILE --tls-key FILE]\n"
    "\n"
    "A witness of transparency logs (C2SP tlog-witness): it cosigns a checkpoint only if the\n"
    "tree begins with everything that it cosigned before. The first form makes a new one and\n"
    "prints its public key; DIR/logs names the logs. The second form runs it.\n"
    "\n"
    "      --init            make a new witness in DIR\n"
    "      --dir DIR         its folder\n"
    "      --name NAME       what its signatures are called, such as example.org/witness\n"
    "      --log VKEY        public key of a log that it witnesses; may be repeated\n"
    "      --listen ADDR     HOST:PORT to serve HTTP on\n"
    "      --tls-cert FILE   serve HTTPS with this certificate chain (PEM)\n"
    "      --tls-key FILE    and this private key\n"
    "  -q, --quiet           do not tell when it is ready\n"
    "  -h, --help            this text\n";

enum { INIT = OPTION_OWN, DIRECTORY, NAME, LOG, LISTEN, TLS_CERT, TLS_KEY };

static const struct option table[] = {
	{ "init", no_argument, NULL, INIT },
	{ "dir", required_argument, NULL, DIRECTORY },
	{ "name", required_argument, NULL, NAME },
	{ "log", required_argument, NULL, LOG },
	{ "listen", required_argument, NULL, LISTEN },
	{ "tls-cert", required_argument, NULL, TLS_CERT },
	{ "tls-key", required_argument, NULL, TLS_KEY },
	OPTIONS_COMMON,
};

#define GIVEN(option) (1u << ((option)-OPTION_OWN))

/* Which options were given. */
static int
take(void *ctx, int code)
{
	*(unsigned *)ctx |= GIVEN(code);
	return STATUS_OK;
}

static const char *
wrong(unsigned given)
{
	const unsigned init_only = GIVEN(NAME) | GIVEN(LOG);
	const unsigned run_only = GIVEN(LISTEN) | GIVEN(TLS_CERT) | GIVEN(TLS_KEY);

	if (!(given & GIVEN(DIRECTORY)))
		return "--dir is missing";
	if (given & GIVEN(INIT))
		return given & run_only      ? "--init takes --dir, --name and --log only"
		    : !(given & GIVEN(NAME)) ? "--name is missing"
					     : NULL;
	if (given & init_only)
		return "--name and --log need --init; later, logs are added to DIR/logs";
	if (!(given & GIVEN(LISTEN)))
		return "--listen is missing";
	return !(given & GIVEN(TLS_CERT)) != !(given & GIVEN(TLS_KEY))
	    ? "--tls-cert and --tls-key belong together"
	    : NULL;
}

/* Beside this program, as in a build, or where an installation has it. */
static void
run(char **argv)
{
	static const char *const places[] = { "../daemon/", "../libexec/doublekey/",
		"../lib/doublekey/" };
	char self[2048], path[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;
	int n;

	if (len <= 0)
		return;
	self[len] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return;
	*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		n = snprintf(path, sizeof(path), "%s/%sdoublekey-witness", self, places[i]);
		if (n > 0 && (size_t)n < sizeof(path))
			(void)execv(path, argv);
	}
}

int
cmd_log_witness(int argc, char **argv)
{
	struct options options = {
		.command = "log witness", .help = help, .short_options = "", .option = table
	};
	unsigned given = 0;
	const char *fault;

	if (!options_all(&options, argc, argv, take, &given))
		return options.status;
	if (optind < argc)
		return usage_error("log witness", "'%s' is one argument too many", argv[optind]);
	fault = wrong(given);
	if (fault)
		return usage_error("log witness", "%s", fault);
	run(argv);
	message_fail(NULL, "doublekey-witness cannot be started: %s", strerror(errno));
	return STATUS_FAILED;
}
