/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <doublekey/doublekey.h>

#include "command.h"
#include "keyfile.h"
#include "message.h"
#include "options.h"
#include "prompt.h"

static const char help[] =
    "usage: doublekey keygen --side SIDE [OPTION...] -o NAME.key\n"
    "\n"
    "Makes a key pair: NAME.key, the private key, for its owner only, and\n"
    "NAME.key.pub, the public key, to give away.\n"
    "\n"
    "      --side SIDE             customer, provider or creator (signs objects)\n"
    "      --type TYPE             p256 (default), p384, rsa3072 or rsa4096\n"
    "      --custodian NAME        who holds the key (default: the side)\n"
    "      --passphrase-file FILE  take the passphrase from the first line of FILE;\n"
    "                              else from the file that " PROMPT_ENV "\n"
    "                              names; else ask\n"
    "      --no-passphrase         do not seal the private key\n"
    "      --force                 replace existing files\n"
    "  -o, --output NAME.key       where to write\n"
    "  -q, --quiet                 no notes\n"
    "  -h, --help                  this text\n";

enum { SIDE = OPTION_OWN, TYPE, CUSTODIAN, PASSPHRASE_FILE, NO_PASSPHRASE, FORCE };

static const struct option table[] = {
	{ "side", required_argument, NULL, SIDE },
	{ "type", required_argument, NULL, TYPE },
	{ "custodian", required_argument, NULL, CUSTODIAN },
	{ "passphrase-file", required_argument, NULL, PASSPHRASE_FILE },
	{ "no-passphrase", no_argument, NULL, NO_PASSPHRASE },
	{ "force", no_argument, NULL, FORCE },
	{ "output", required_argument, NULL, 'o' },
	OPTIONS_COMMON,
};

struct keygen {
	struct dk_key_spec spec;
	struct keyfile_options file;
	struct option_list passphrase_files;
	const char *path;
};

static bool
set_side(struct keygen *keygen, const char *name)
{
	for (dk_side side = DK_SIDE_CUSTOMER; side <= DK_SIDE_CREATOR; side++) {
		if (strcmp(dk_side_name(side), name) == 0) {
			keygen->spec.side = side;
			return true;
		}
	}
	return false;
}

/* What options_next() returned is dealt with: STATUS_OK to go on. */
static int
take(struct keygen *keygen, int code)
{
	switch (code) {
	case SIDE:
		if (!set_side(keygen, optarg))
			return usage_error("keygen", "no side '%s'", optarg);
		break;
	case TYPE:
		keygen->spec.type = optarg;
		break;
	case CUSTODIAN:
		keygen->spec.custodian = optarg;
		break;
	case PASSPHRASE_FILE:
		if (!option_list_add(&keygen->passphrase_files, optarg))
			return STATUS_FAILED;
		break;
	case NO_PASSPHRASE:
		keygen->file.no_passphrase = true;
		break;
	case FORCE:
		keygen->file.force = true;
		break;
	case 'o':
		keygen->path = optarg;
		break;
	}
	return STATUS_OK;
}

static int
parse(struct keygen *keygen, int argc, char **argv, bool *ret_done)
{
	struct options options = {
		.command = "keygen",
		.help = help,
		.short_options = "o:",
		.option = table,
	};
	int code, status;

	*ret_done = true;
	while ((code = options_next(&options, argc, argv)) != OPTIONS_END) {
		if (code == OPTIONS_STOP)
			return options.status;
		status = take(keygen, code);
		if (status != STATUS_OK)
			return status;
	}
	if (optind < argc)
		return usage_error("keygen", "'%s' is one argument too many", argv[optind]);
	if (!keygen->spec.side)
		return usage_error("keygen", "--side is missing");
	if (!keygen->path)
		return usage_error("keygen", "-o is missing");
	if (keygen->file.no_passphrase && keygen->passphrase_files.count > 0)
		return usage_error(
		    "keygen", "--no-passphrase and --passphrase-file exclude each other");
	if (keygen->passphrase_files.count > 1)
		return usage_error("keygen", "--passphrase-file is given twice");
	*ret_done = false;
	return STATUS_OK;
}

static int
tell_failure(const struct keygen *keygen, dk_err err)
{
	switch (err) {
	case DK_ERR_KEY_TYPE:
		if (keygen->spec.side == DK_SIDE_CREATOR)
			return usage_error("keygen", "a creator key is of type p256");
		return usage_error("keygen", "no key type '%s'", keygen->spec.type);
	case DK_ERR_TEXT:
		return usage_error(
		    "keygen", "a custodian is 1 to 48 characters of a-z 0-9 . _ : / @ -");
	default:
		message_err(keygen->path, err, NULL);
		return STATUS_FAILED;
	}
}

static void
tell_success(const struct keygen *keygen, const struct dk_key *key)
{
	message_note("%s key %s of %s, key id %s", dk_side_name(dk_key_side(key)),
	    dk_key_type_name(key), dk_key_custodian(key), dk_key_id_hex(key));
	if (keygen->spec.side == DK_SIDE_CUSTOMER)
		message_note(
		    "Encrypt with --customer %s.pub. Without %s nothing can be read: back it "
		    "up (doublekey key split).",
		    keygen->path, keygen->path);
	else if (keygen->spec.side == DK_SIDE_PROVIDER)
		message_note("Encrypt with --provider %s.pub. Keep %s away from the customer key.",
		    keygen->path, keygen->path);
	else
		message_note("Sign with --sign %s; readers check with --require-creator %s.pub.",
		    keygen->path, keygen->path);
}

static int
run(struct keygen *keygen)
{
	struct dk_key *key = NULL;
	bool ok;
	dk_err err = dk_key_generate(&keygen->spec, &key);

	if (err != DK_OK)
		return tell_failure(keygen, err);
	keygen->file.passphrase_files = &keygen->passphrase_files;
	ok = keyfile_write_pair(keygen->path, key, &keygen->file);
	if (ok)
		tell_success(keygen, key);
	dk_key_free(key);
	return ok ? STATUS_OK : STATUS_FAILED;
}

int
cmd_keygen(int argc, char **argv)
{
	struct keygen keygen = { .spec = { .type = "p256" } };
	bool done;
	int status = parse(&keygen, argc, argv, &done);

	if (!done)
		status = run(&keygen);
	option_list_clear(&keygen.passphrase_files);
	return status;
}
