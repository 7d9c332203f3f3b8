/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/files/bytes.h"
#include "client/client.h"
#include "cli/command/command.h"
#include "cli/files/fileio.h"
#include "format/source.h"
#include "cli/console/message.h"
#include "cli/console/options.h"

#define DEFAULT_NAME "request.dkrequest"

static const char help[] =
    "usage: doublekey request --customer KEY --reason TEXT [-o FILE] OBJECT...\n"
    "\n"
    "Where the policy of a key service wants approvals: makes a file that says what you\n"
    "want to decrypt and why. Give it to approvers; each looks at it and signs it with\n"
    "'doublekey approve', and gives you a small file back. Then, within an hour of this\n"
    "command and on this machine:\n"
    "  doublekey decrypt --approval A.approval --approval B.approval ... OBJECT...\n"
    "\n"
    "      --customer KEY  https://HOST:PORT/keys/NAME, or https://HOST:PORT\n"
    "      --reason TEXT   what approvers and the service's log are told\n"
    "  -o, --output FILE   default: " DEFAULT_NAME "\n"
    "  -f, --force         replace an existing file\n"
    "  -q, --quiet         errors only\n"
    "  -h, --help          this text\n";

enum { CUSTOMER = OPTION_OWN, REASON };

static const struct option table[] = {
	{ "customer", required_argument, NULL, CUSTOMER },
	{ "reason", required_argument, NULL, REASON },
	{ "output", required_argument, NULL, 'o' },
	{ "force", no_argument, NULL, 'f' },
	OPTIONS_COMMON,
};

struct request {
	const char *customer;
	const char *reason;
	const char *output;
	bool force;
	size_t count;
	struct dk_release_object *objects;
};

static int
take(void *ctx, int code)
{
	struct request *request = ctx;

	switch (code) {
	case CUSTOMER:
		request->customer = optarg;
		break;
	case REASON:
		request->reason = optarg;
		break;
	case 'o':
		request->output = optarg;
		break;
	case 'f':
		request->force = true;
		break;
	}
	return STATUS_OK;
}

/* Core header and customer set, one behind the other. */
static dk_err
copy_object(const struct dk_block *block, struct dk_release_object *object)
{
	const struct dk_set *set = &block->header.set[0];
	uint8_t *bytes = malloc(block->header.core_len + set->len);

	if (!bytes)
		return DK_ERR_NOMEM;
	memcpy(bytes, block->data, block->header.core_len);
	memcpy(bytes + block->header.core_len, block->data + set->offset, set->len);
	*object = (struct dk_release_object){ bytes, block->header.core_len, set->len };
	return DK_OK;
}

static bool
read_object(const char *path, struct dk_release_object *object)
{
	struct failure failure = { .err = DK_OK };
	dk_auto_block *block = NULL;
	struct file_source in;
	struct stat st;
	int fd = file_open(AT_FDCWD, path, &st, &failure);

	if (fd >= 0) {
		file_source_init(&in, fd, &st);
		failure.err = dk_block_read(&in.source, &block, &failure.place);
		if (failure.err == DK_OK)
			failure.err = copy_object(block, object);
		if (failure.err != DK_OK)
			file_explain(&failure, &in, NULL);
		(void)close(fd);
	}
	if (failure_is(&failure))
		failure_tell(path, &failure);
	return !failure_is(&failure);
}

static bool
make(struct request *request)
{
	char base_url[DK_URL_MAX_BYTES + 1];
	const char *path = strstr(request->customer, "/keys/");
	size_t len = path ? (size_t)(path - request->customer) : strlen(request->customer);
	uint8_t *file = NULL;
	size_t file_len;
	dk_err err = DK_ERR_ARGUMENT;
	bool ok;

	if (len <= DK_URL_MAX_BYTES) {
		memcpy(base_url, request->customer, len);
		base_url[len] = '\0';
		if (dk_base_url_valid(base_url))
			err = dk_client_request(base_url, request->objects, request->count,
			    request->reason, &file, &file_len);
	}
	if (err != DK_OK) {
		message_err(request->customer, err, NULL);
		return false;
	}
	ok = bytes_write(request->output, request->force, file, file_len);
	free(file);
	if (ok)
		message_note("%s: give this to approvers; it ends in one hour", request->output);
	return ok;
}

static int
run(struct request *request, int argc, char **argv)
{
	struct options options = {
		.command = "request", .help = help, .short_options = "o:f", .option = table
	};
	int count;

	if (!options_all(&options, argc, argv, take, request))
		return options.status;
	count = argc - optind;
	if (!request->customer || !request->reason || count == 0)
		return usage_error("request", "needs --customer, --reason and OBJECT");
	if ((size_t)count > DK_RELEASE_OBJECTS_MAX)
		return usage_error("request", "at most %u objects", DK_RELEASE_OBJECTS_MAX);
	request->objects = calloc((size_t)count, sizeof(*request->objects));
	if (!request->objects) {
		message_err(NULL, DK_ERR_NOMEM, NULL);
		return STATUS_FAILED;
	}
	for (; request->count < (size_t)count; request->count++)
		if (!read_object(
			argv[optind + (int)request->count], &request->objects[request->count]))
			return STATUS_FAILED;
	return make(request) ? STATUS_OK : STATUS_FAILED;
}

int
cmd_request(int argc, char **argv)
{
	struct request request = { .output = DEFAULT_NAME };
	int status = run(&request, argc, argv);

	for (size_t i = 0; i < request.count; i++)
		free((void *)(uintptr_t)request.objects[i].core);
	free(request.objects);
	return status;
}
