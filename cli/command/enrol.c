/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "client/client.h"
#include "cli/command/command.h"
#include "cli/console/message.h"
#include "native/enrol.h"
#include "native/request.h"
#include "cli/console/options.h"

static const char help[] =
    "usage: doublekey enrol URL --ca-fingerprint HEX --code CODE\n"
    "\n"
    "Enrols this machine at a customer key service, and pins the service's keys.\n"
    "Then https://HOST:PORT/keys/NAME is a customer key like any other.\n"
    "\n"
    "      --ca-fingerprint HEX  SHA-256 of the service's CA certificate, as\n"
    "                            `doublekeyd init` printed it\n"
    "      --code CODE           from `doublekeyd enrol-code`; valid once, 15 minutes\n"
    "      --device-name NAME    how the service's log calls this machine\n"
    "                            (default: the host name)\n"
    "  -q, --quiet               no notes\n"
    "  -h, --help                this text\n";

enum { FINGERPRINT = OPTION_OWN, CODE, DEVICE_NAME };

static const struct option table[] = {
	{ "ca-fingerprint", required_argument, NULL, FINGERPRINT },
	{ "code", required_argument, NULL, CODE },
	{ "device-name", required_argument, NULL, DEVICE_NAME },
	OPTIONS_COMMON,
};

int
cmd_enrol(int argc, char **argv)
{
	struct options options = {
		.command = "enrol", .help = help, .short_options = "", .option = table
	};
	const char *fingerprint = NULL, *code = NULL, *name = NULL, *url;
	char host[65] = "device";
	uint8_t digest[32];
	dk_err err;
	int c;

	while ((c = options_next(&options, argc, argv)) != OPTIONS_END) {
		if (c == OPTIONS_STOP)
			return options.status;
		if (c == FINGERPRINT)
			fingerprint = optarg;
		else if (c == CODE)
			code = optarg;
		else if (c == DEVICE_NAME)
			name = optarg;
	}
	if (optind == argc || !fingerprint || !code)
		return usage_error("enrol", "%s is missing",
		    optind == argc     ? "URL"
			: !fingerprint ? "--ca-fingerprint"
				       : "--code");
	if (optind + 1 != argc)
		return usage_error("enrol", "one argument too many: '%s'", argv[optind + 1]);
	url = argv[optind];
	if (!dk_base_url_valid(url))
		return usage_error("enrol",
		    "URL has the form https://HOST:PORT, in lower case, with a port from 1 to "
		    "65535 and "
		    "nothing behind it");
	if (!dk_unhex(fingerprint, digest, sizeof(digest)))
		return usage_error("enrol",
		    "--ca-fingerprint takes 64 hex digits, as 'doublekeyd init' printed them");
	if (name &&
	    (*name == '\0' || strlen(name) > DK_DEVICE_NAME_MAX_BYTES ||
		!dk_text_valid((const uint8_t *)name, strlen(name))))
		return usage_error("enrol",
		    "--device-name takes 1 to %d bytes of text without control characters",
		    DK_DEVICE_NAME_MAX_BYTES);
	if (!name && gethostname(host, sizeof(host) - 1) == 0 && host[0] != '\0')
		name = host;
	err = dk_client_enrol(url, fingerprint, code, name ? name : "device");
	if (err == DK_ERR_LIBRARY) {
		message_fail(url, "libdoublekey-client.so cannot be loaded (library)");
		return STATUS_FAILED;
	}
	if (err != DK_OK) {
		message_err(url, err, NULL);
		return STATUS_FAILED;
	}
	message_note("enrolled at %s", url);
	return STATUS_OK;
}
