/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/command/command.h"
#include "cli/objects/crypt.h"
#include "cli/console/message.h"
#include "cli/console/options.h"
#include "cli/keys/sides.h"
#include "cli/objects/suffix.h"
#include "cli/objects/target.h"

#define TEXT_MAX_BYTES 255

static const char help[] =
    "usage: doublekey encrypt --customer KEY... --provider KEY... [OPTION...] [IN...]\n"
    "\n"
    "Encrypt so that a customer key and a provider key are both needed to read.\n"
    "One IN, or none: to standard output or OUT. Several, or -r, or with a profile, or\n"
    "on a terminal: to IN.dkey beside each IN.\n"
    "\n"
    "      --customer KEY        public or private key file, or URI of a key elsewhere\n"
    "                            (https: a key service; awskms: azurekv: gcpkms:\n"
    "                            vault: pkcs11:); each one given can read\n"
    "      --provider KEY        the same for the other side\n"
    "      --label TEXT          policy label, readable by all, bound to the content\n"
    "      --tenant TEXT         tenant, likewise\n"
    "      --sign KEY            private creator key: sign where the object comes from\n"
    "      --file-name NAME      store this name, encrypted, in place of that of IN;\n"
    "                            an empty one stores none\n"
    "      --segment-length N    4096, 65536 (default) or 1048576 bytes\n"
    "      --passphrase-file F   first line of F is the passphrase of the creator key\n"
    "  -o, --output OUT          write to OUT; '-' is standard output\n"
    "  -f, --force               replace existing files\n"
    "  -r, --recursive           all files in directories\n"
    "  -j, --jobs N              threads (default: one for each processor)\n"
    "  -q, --quiet               errors only\n"
    "  -h, --help                this text\n";

struct encrypt {
	struct crypt_encrypt crypt; /* first: the context of crypt_encrypt() */
	struct sides sides;
	const char *label;
	const char *tenant;
	const char *sign;
	const char *file_name;
	uint64_t segment_length;
	struct target target;
};

enum { LABEL = OPTION_OWN, TENANT, SIGN, FILE_NAME, SEGMENT };

static const struct option table[] = {
	SIDES_OPTIONS,
	TARGET_OPTIONS,
	{ "label", required_argument, NULL, LABEL },
	{ "tenant", required_argument, NULL, TENANT },
	{ "sign", required_argument, NULL, SIGN },
	{ "file-name", required_argument, NULL, FILE_NAME },
	{ "segment-length", required_argument, NULL, SEGMENT },
	OPTIONS_COMMON,
};

static int
take_segment_length(struct encrypt *encrypt, const char *text)
{
	if (options_number(text, 4096, 1048576, &encrypt->segment_length) &&
	    (encrypt->segment_length == 4096 || encrypt->segment_length == 65536 ||
		encrypt->segment_length == 1048576))
		return STATUS_OK;
	return usage_error("encrypt", "--segment-length is 4096, 65536 or 1048576");
}

static int
take(void *ctx, int code)
{
	struct encrypt *encrypt = ctx;
	int status = sides_take(&encrypt->sides, code);

	if (status < 0)
		status = target_take(&encrypt->target, code);
	if (status >= 0)
		return status;
	switch (code) {
	case LABEL:
		encrypt->label = optarg;
		break;
	case TENANT:
		encrypt->tenant = optarg;
		break;
	case SIGN:
		encrypt->sign = optarg;
		break;
	case FILE_NAME:
		encrypt->file_name = optarg;
		break;
	case SEGMENT:
		return take_segment_length(encrypt, optarg);
	}
	return STATUS_OK;
}

static bool
check_text(const char *option, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (!text || (len <= TEXT_MAX_BYTES && dk_text_valid((const uint8_t *)text, len)))
		return true;
	message_fail(NULL, "--%s: at most %d bytes of UTF-8 without control characters (%s)",
	    option, TEXT_MAX_BYTES, dk_err_name(DK_ERR_TEXT));
	return false;
}

static bool
check_file_name(const char *name)
{
	if (!check_text("file-name", name))
		return false;
	if (!name || (!strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0))
		return true;
	message_fail(
	    NULL, "--file-name: '%s' is no name of a file (%s)", name, dk_err_name(DK_ERR_TEXT));
	return false;
}

/* Options go before the profile, the profile before defaults. */
static bool
prepare(struct encrypt *encrypt)
{
	const struct profile *profile = &encrypt->sides.profile;
	struct dk_encrypt_params *params = &encrypt->crypt.params;
	const char *sign;

	params->label = encrypt->label ? encrypt->label : profile->label;
	params->tenant = encrypt->tenant ? encrypt->tenant : profile->tenant;
	sign = encrypt->sign ? encrypt->sign : profile->sign;
	if (!check_text("label", params->label) || !check_text("tenant", params->tenant) ||
	    !check_file_name(encrypt->file_name) || !sides_open_public(&encrypt->sides))
		return false;
	if (sign &&
	    !keyref_open(sign, DK_SIDE_CREATOR, KEYREF_PRIVATE, &encrypt->sides.passphrase_files,
		&params->creator))
		return false;
	params->customer = encrypt->sides.customer_keys.key;
	params->customer_count = encrypt->sides.customer_keys.count;
	params->provider = encrypt->sides.provider_keys.key;
	params->provider_count = encrypt->sides.provider_keys.count;
	encrypt->target.waits = keyref_list_waits(&encrypt->sides.customer_keys) ||
	    keyref_list_waits(&encrypt->sides.provider_keys);
	params->segment_length = (uint32_t)encrypt->segment_length;
	encrypt->crypt.own_name = !encrypt->file_name;
	if (encrypt->file_name && *encrypt->file_name != '\0')
		params->file_name = encrypt->file_name;
	return true;
}

static int
run(struct encrypt *encrypt, int argc, char **argv)
{
	struct options options = {
		.command = "encrypt", .help = help, .short_options = TARGET_LETTERS, .option = table
	};
	int status;

	if (!options_all(&options, argc, argv, take, encrypt))
		return options.status;
	if (encrypt->file_name && argc - optind > 1)
		return usage_error("encrypt", "--file-name is for one IN");
	status = target_check(&encrypt->target, argv + optind, argc - optind);
	if (status == STATUS_OK)
		status = sides_load(&encrypt->sides, "encrypt");
	if (status != STATUS_OK)
		return status;
	if (!prepare(encrypt))
		return STATUS_FAILED;
	return target_run(&encrypt->target, argv + optind, argc - optind);
}

int
cmd_encrypt(int argc, char **argv)
{
	struct encrypt encrypt = { .segment_length = 0 };
	int status;

	encrypt.target = (struct target){
		.command = "encrypt",
		.binary = true,
		.work = crypt_encrypt,
		.ctx = &encrypt.crypt,
		.out_name = suffix_add,
	};
	status = run(&encrypt, argc, argv);
	dk_key_free(encrypt.crypt.params.creator);
	sides_clear(&encrypt.sides);
	return status;
}
