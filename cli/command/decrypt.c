/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "cli/files/bytes.h"
#include "client/client.h"
#include "cli/command/command.h"
#include "cli/objects/crypt.h"
#include "format/key_batch.h"
#include "cli/console/message.h"
#include "cli/console/options.h"
#include "cli/keys/sides.h"
#include "cli/objects/suffix.h"
#include "cli/objects/target.h"

static const char help[] =
    "usage: doublekey decrypt --customer KEY --provider KEY [OPTION...] [IN...]\n"
    "\n"
    "Decrypt with a customer key and a provider key.\n"
    "One IN, or none: to standard output or OUT. Several, or -r, or with a profile, or\n"
    "on a terminal: IN.dkey to IN beside it.\n"
    "A file appears only when all of it is verified. A pipe gets verified segments as\n"
    "they come; only exit status 0 says that they are the whole.\n"
    "\n"
    "      --customer KEY         private key file, or URI of a key elsewhere (https:,\n"
    "                             awskms: ...); of several, one that fits is used\n"
    "      --provider KEY         the same for the other side\n"
    "      --approval FILE        of 'doublekey approve'; may be repeated\n"
    "      --offset N             begin at byte N of the plaintext\n"
    "      --length N             end after N bytes; what lies outside of a range is\n"
    "                             not verified\n"
    "      --require-creator KEY  refuse an object that this creator did not sign\n"
    "      --min-epoch N          refuse older sets of keys, on both sides\n"
    "      --min-epoch-customer N\n"
    "      --min-epoch-provider N the same for one side\n"
    "      --passphrase-file F    first line of F is a passphrase; may be repeated\n"
    "  -o, --output OUT           write to OUT; '-' is standard output\n"
    "  -f, --force                replace existing files\n"
    "  -r, --recursive            all files in directories that end in .dkey\n"
    "  -j, --jobs N               threads (default: one for each processor)\n"
    "  -q, --quiet                errors only\n"
    "  -h, --help                 this text\n";

enum { OFFSET = OPTION_OWN, APPROVAL, LENGTH, CREATOR, EPOCH, EPOCH_CUSTOMER, EPOCH_PROVIDER };

static const struct option table[] = {
	SIDES_OPTIONS,
	TARGET_OPTIONS,
	{ "offset", required_argument, NULL, OFFSET },
	{ "length", required_argument, NULL, LENGTH },
	{ "approval", required_argument, NULL, APPROVAL },
	{ "require-creator", required_argument, NULL, CREATOR },
	{ "min-epoch", required_argument, NULL, EPOCH },
	{ "min-epoch-customer", required_argument, NULL, EPOCH_CUSTOMER },
	{ "min-epoch-provider", required_argument, NULL, EPOCH_PROVIDER },
	OPTIONS_COMMON,
};

struct decrypt {
	struct crypt_decrypt crypt;
	struct sides sides;
	struct target target;
	const char *creator;
	struct dk_key *creator_key;
	uint64_t epoch[3]; /* of both sides, customer, provider; 0: not given */
};

static int
take_number(const char *option, uint64_t max, uint64_t *ret)
{
	if (options_number(optarg, 0, max, ret))
		return STATUS_OK;
	return usage_error(
	    "decrypt", "--%s is a number from 0 to %llu", option, (unsigned long long)max);
}

static int
take_approval(const char *path)
{
	uint8_t *file;
	size_t len;
	dk_err err;

	if (!bytes_read(path, DK_APPROVAL_FILE_MAX_BYTES, &file, &len))
		return STATUS_FAILED;
	err = dk_client_approval(file, len);
	free(file);
	if (err != DK_OK)
		message_err(path, err, NULL);
	return err == DK_OK ? STATUS_OK : STATUS_FAILED;
}

static int
take(void *ctx, int code)
{
	struct decrypt *decrypt = ctx;
	int status = sides_take(&decrypt->sides, code);

	if (status < 0)
		status = target_take(&decrypt->target, code);
	if (status >= 0)
		return status;
	switch (code) {
	case OFFSET:
		decrypt->crypt.range = true;
		return take_number("offset", INT64_MAX, &decrypt->crypt.offset);
	case LENGTH:
		decrypt->crypt.range = true;
		return take_number("length", INT64_MAX, &decrypt->crypt.length);
	case APPROVAL:
		return take_approval(optarg);
	case CREATOR:
		decrypt->creator = optarg;
		return STATUS_OK;
	case EPOCH:
		return take_number("min-epoch", UINT32_MAX, &decrypt->epoch[0]);
	case EPOCH_CUSTOMER:
		return take_number("min-epoch-customer", UINT32_MAX, &decrypt->epoch[1]);
	case EPOCH_PROVIDER:
		return take_number("min-epoch-provider", UINT32_MAX, &decrypt->epoch[2]);
	}
	return STATUS_OK;
}

static uint32_t
larger(uint64_t a, uint64_t b)
{
	return (uint32_t)(a > b ? a : b);
}

static bool
prepare(struct decrypt *decrypt)
{
	struct dk_decrypt_params *params = &decrypt->crypt.params;

	/* First what needs no passphrase. */
	if (decrypt->creator &&
	    !keyref_open(
		decrypt->creator, DK_SIDE_CREATOR, KEYREF_PUBLIC, NULL, &decrypt->creator_key))
		return false;
	if (!sides_open_private(&decrypt->sides) ||
	    !keyref_list_join(&decrypt->sides.customer_keys, &decrypt->target.shares) ||
	    !keyref_list_join(&decrypt->sides.provider_keys, &decrypt->target.shares))
		return false;
	params->customer = decrypt->sides.customer_keys.key;
	params->customer_count = decrypt->sides.customer_keys.count;
	params->provider = decrypt->sides.provider_keys.key;
	params->provider_count = decrypt->sides.provider_keys.count;
	params->min_epoch_customer = larger(decrypt->epoch[0], decrypt->epoch[1]);
	params->min_epoch_provider = larger(decrypt->epoch[0], decrypt->epoch[2]);
	params->require_creator = decrypt->creator_key;
	return true;
}

static int
run(struct decrypt *decrypt, int argc, char **argv)
{
	struct options options = {
		.command = "decrypt", .help = help, .short_options = TARGET_LETTERS, .option = table
	};
	int status;

	if (!options_all(&options, argc, argv, take, decrypt))
		return options.status;
	/* A part of a file is not its plaintext, so it never gets its name. */
	decrypt->target.never_beside = decrypt->crypt.range;
	status = target_check(&decrypt->target, argv + optind, argc - optind);
	if (status == STATUS_OK)
		status = sides_load(&decrypt->sides, "decrypt");
	if (status != STATUS_OK)
		return status;
	if (!prepare(decrypt))
		return STATUS_FAILED;
	return target_run(&decrypt->target, argv + optind, argc - optind);
}

int
cmd_decrypt(int argc, char **argv)
{
	struct decrypt decrypt = { .crypt = { .length = UINT64_MAX } };
	int status;

	decrypt.target = (struct target){
		.command = "decrypt",
		.work = crypt_decrypt,
		.ctx = &decrypt.crypt,
		.out_name = suffix_strip,
		.why_no_name = SUFFIX_WHY_NONE,
		.ahead = crypt_decrypt_ahead,
	};
	status = run(&decrypt, argc, argv);
	dk_key_free(decrypt.creator_key);
	sides_clear(&decrypt.sides);
	dk_key_batch_free(decrypt.target.shares);
	return status;
}
