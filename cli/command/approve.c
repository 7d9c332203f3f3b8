/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/files/bytes.h"
#include "client/client.h"
#include "cli/command/command.h"
#include "cli/console/message.h"
#include "cli/console/options.h"
#include "cli/console/terminal.h"
#include "cli/service/waiting.h"

#define SUFFIX ".approval"
#define NAME_BYTES 4096

static const char help[] =
    "usage: doublekey approve [--yes] [-o FILE] REQUEST\n"
    "       doublekey approve --at URL\n"
    "       doublekey approve --at URL [--yes] [--whole-key] [--reason TEXT] ID\n"
    "\n"
    "Shows what the request file REQUEST asks for: who wants to decrypt which objects, and\n"
    "why. On a terminal, asks whether you approve it; if you do, writes a file for who\n"
    "asked. It is signed with the key of this machine, which must be enrolled at the\n"
    "same key service, and counts for this request only.\n"
    "\n"
    "With --at, shows what people wait for who open documents by Microsoft's Double Key\n"
    "Encryption at the key service URL, and with an ID of that list, or the first digits of\n"
    "it or of the document, approves it for as long as the list says. They just try again.\n"
    "\n"
    "      --yes          approve without being asked\n"
    "      --show         show only\n"
    "      --at URL       of a key service where this machine is enrolled\n"
    "      --whole-key    approve all documents of this key, not this one\n"
    "      --reason TEXT  what the service's log is told\n"
    "  -o, --output FILE  default: REQUEST" SUFFIX "\n"
    "  -f, --force        replace an existing file\n"
    "  -q, --quiet        errors only, and what is asked for\n"
    "  -h, --help         this text\n";

enum { YES = OPTION_OWN, SHOW, AT, WHOLE_KEY, REASON };

static const struct option table[] = {
	{ "yes", no_argument, NULL, YES },
	{ "show", no_argument, NULL, SHOW },
	{ "at", required_argument, NULL, AT },
	{ "whole-key", no_argument, NULL, WHOLE_KEY },
	{ "reason", required_argument, NULL, REASON },
	{ "output", required_argument, NULL, 'o' },
	{ "force", no_argument, NULL, 'f' },
	OPTIONS_COMMON,
};

struct approve {
	const char *output;
	struct waiting_approve waiting;
	bool yes;
	bool show;
	bool force;
};

static int
take(void *ctx, int code)
{
	struct approve *approve = ctx;

	switch (code) {
	case YES:
		approve->yes = approve->waiting.yes = true;
		break;
	case AT:
		approve->waiting.url = optarg;
		break;
	case WHOLE_KEY:
		approve->waiting.whole_key = true;
		break;
	case REASON:
		approve->waiting.reason = optarg;
		break;
	case SHOW:
		approve->show = true;
		break;
	case 'o':
		approve->output = optarg;
		break;
	case 'f':
		approve->force = true;
		break;
	}
	return STATUS_OK;
}

static dk_err
put_object(const struct dk_release_object *object)
{
	struct dk_header h;
	char id[33];
	dk_err err = dk_header_parse_side(
	    object->core, object->core_len, object->set_len, DK_SIDE_CUSTOMER, &h);

	if (err != DK_OK)
		return err;
	dk_hex(object->core + h.object_id, 16, id);
	approve_put("object", id, 32);
	approve_put("  label", object->core + h.label, h.label_len);
	approve_put("  tenant", object->core + h.tenant, h.tenant_len);
	approve_put_time("  created", h.created);
	return DK_OK;
}

static dk_err
put_objects(const struct dk_request_file *file)
{
	struct dk_release_object *objects = calloc(DK_RELEASE_OBJECTS_MAX, sizeof(*objects));
	struct dk_release_request parsed;
	dk_err err;

	if (!objects)
		return DK_ERR_NOMEM;
	err = dk_release_request_parse(file->body, file->body_len, objects, &parsed);
	for (unsigned i = 0; err == DK_OK && i < parsed.count; i++)
		err = put_object(&objects[i]);
	free(objects);
	return err;
}

static bool
show(const char *name, const uint8_t *bytes, size_t len)
{
	struct dk_request_file file;
	uint8_t digest[32];
	char hex[65];
	dk_err err;

	err = dk_request_file_open(bytes, len, &file, digest);
	if (err == DK_OK) {
		dk_hex(digest, sizeof(digest), hex);
		approve_put("request", hex, 64);
		approve_put("service", file.base_url, strlen(file.base_url));
		approve_put("user", file.user, strlen(file.user));
		dk_hex(file.sig.key_id, sizeof(file.sig.key_id), hex);
		approve_put("device", hex, 64);
		approve_put_time("asked at", file.sig.created);
		approve_put("reason", file.reason, strlen(file.reason));
		err = put_objects(&file);
	}
	if (err == DK_OK && fflush(stdout) != 0)
		err = DK_ERR_WRITE;
	if (err != DK_OK)
		message_err(name, err, NULL);
	return err == DK_OK;
}

bool
approve_agreed(void)
{
	auto_secret_line *answer = secret_line_new();

	if (!answer)
		return false;

	switch (terminal_ask("Approve this? Type yes: ", answer)) {
	case TERMINAL_OK:
		break;
	case TERMINAL_NONE:
		message_fail(NULL, "nothing was approved: there is no terminal, and no --yes");
		return false;
	default:
		message_fail(NULL, "nothing was approved");
		return false;
	}
	if (answer->len == 3 && memcmp(answer->bytes, "yes", 3) == 0)
		return true;
	message_fail(NULL, "nothing was approved");
	return false;
}

static bool
sign(const struct approve *approve, const char *name, const uint8_t *bytes, size_t len)
{
	uint8_t file[DK_APPROVAL_FILE_MAX_BYTES];
	char path[NAME_BYTES];
	size_t file_len;
	dk_err err;
	int n;

	n = snprintf(path, sizeof(path), "%s%s", approve->output ? approve->output : name,
	    approve->output ? "" : SUFFIX);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		message_fail(name, "the name is too long");
		return false;
	}
	err = dk_client_approve(bytes, len, file, &file_len);
	if (err != DK_OK) {
		message_err(name, err, NULL);
		return false;
	}
	if (!bytes_write(path, approve->force, file, file_len))
		return false;
	message_note("%s: give this to who asked", path);
	return true;
}

int
cmd_approve(int argc, char **argv)
{
	struct options options = {
		.command = "approve", .help = help, .short_options = "o:f", .option = table
	};
	struct approve approve = { .output = NULL };
	const char *name;
	uint8_t *bytes;
	size_t len;
	bool ok;

	if (!options_all(&options, argc, argv, take, &approve))
		return options.status;
	if (approve.waiting.url && (approve.output || approve.show || optind + 1 < argc))
		return usage_error(
		    "approve", "--at goes with one ID, --yes, --whole-key, --reason");
	if (!approve.waiting.url && (approve.waiting.whole_key || approve.waiting.reason))
		return usage_error("approve", "--whole-key and --reason go with --at");
	if (approve.waiting.url)
		return approve_waiting(&approve.waiting, argv[optind]) ? STATUS_OK : STATUS_FAILED;
	if (optind + 1 != argc)
		return usage_error("approve", "needs one REQUEST");
	name = argv[optind];
	if (!bytes_read(name, DK_REQUEST_FILE_MAX_BYTES, &bytes, &len))
		return STATUS_FAILED;
	ok = show(name, bytes, len);
	if (ok && !approve.show)
		ok = (approve.yes || approve_agreed()) && sign(&approve, name, bytes, len);
	free(bytes);
	return ok ? STATUS_OK : STATUS_FAILED;
}
