/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "cli/files/bytes.h"
#include "client/client.h"
#include "cli/command/command.h"
#include "log/gossip.h"
#include "cli/log/trust.h"
#include "cli/console/message.h"

static const char help[] =
    "usage: doublekey log gossip URL -o FILE\n"
    "       doublekey log gossip --import FILE\n"
    "       doublekey log gossip --forget URL\n"
    "\n"
    "Users who exchange what they have seen of a key service's log notice if it shows them\n"
    "different ones. URL is that of the service. The first form writes what this\n"
    "machine has seen, the second compares what another user has seen with the service.\n"
    "\n"
    "      --import FILE  of 'doublekey log gossip' on another machine\n"
    "      --forget       forget what was seen: the log is another one, and its operator\n"
    "                     says why (after a restore from a backup, say)\n"
    "  -o, --output FILE  '-': standard output\n"
    "  -f, --force        replace an existing file\n"
    "  -q, --quiet        errors only\n"
    "  -h, --help         this text\n";

enum { IMPORT = OPTION_OWN, FORGET };

static const struct option table[] = {
	{ "import", required_argument, NULL, IMPORT },
	{ "forget", no_argument, NULL, FORGET },
	{ "output", required_argument, NULL, 'o' },
	{ "force", no_argument, NULL, 'f' },
	OPTIONS_COMMON,
};

struct gossip {
	const char *import, *output;
	bool forget, force;
};

static int
take(void *ctx, int code)
{
	struct gossip *gossip = ctx;

	switch (code) {
	case IMPORT:
		gossip->import = optarg;
		break;
	case FORGET:
		gossip->forget = true;
		break;
	case 'o':
		gossip->output = optarg;
		break;
	default:
		gossip->force = true;
	}
	return STATUS_OK;
}

static bool
write_seen(const struct gossip *gossip, const char *url)
{
	uint8_t *file;
	size_t len;
	bool ok;
	dk_err err = dk_client_log_gossip(url, &file, &len);

	if (err != DK_OK) {
		log_fail(url, err, NULL);
		return false;
	}
	ok = bytes_write(gossip->output, gossip->force, file, len);
	free(file);
	return ok;
}

static bool
import_file(const char *name)
{
	struct dk_client_gossip result;
	uint8_t *file;
	size_t len;
	dk_err err;

	if (!bytes_read(name, DK_GOSSIP_FILE_MAX_BYTES, &file, &len))
		return false;
	err = dk_client_log_import(file, len, &result);
	free(file);
	if (err != DK_OK) {
		log_fail(result.url[0] != '\0' ? result.url : name, err, NULL);
		return false;
	}
	message_note("%u checkpoints are consistent with what the services show, %u are of others",
	    result.taken, result.skipped);
	return true;
}

static bool
forget(const char *url)
{
	dk_err err = dk_client_log_forget(url);

	if (err != DK_OK)
		log_fail(url, err, NULL);
	return err == DK_OK;
}

int
cmd_log_gossip(int argc, char **argv)
{
	struct gossip gossip = { .force = false };
	struct options options = {
		.command = "log gossip", .help = help, .short_options = "o:f", .option = table
	};
	bool ok;

	if (!options_all(&options, argc, argv, take, &gossip))
		return options.status;
	if ((gossip.import != NULL) + (gossip.output != NULL) + gossip.forget != 1)
		return usage_error("log gossip", "needs one of -o, --import and --forget");
	if (argc - optind != (gossip.import ? 0 : 1))
		return usage_error("log gossip",
		    gossip.import ? "--import takes no URL" : "needs the URL of a service");
	if (gossip.import)
		ok = import_file(gossip.import);
	else
		ok = gossip.forget ? forget(argv[optind]) : write_seen(&gossip, argv[optind]);
	return ok ? STATUS_OK : STATUS_FAILED;
}
