/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <doublekey/doublekey.h>

#include "cli/command/command.h"
#include "cli/keys/keyfile.h"
#include "cli/console/message.h"
#include "cli/console/options.h"
#include "cli/console/prompt.h"

static const char help[] =
    "usage: doublekey keygen --side SIDE [OPTION...] -o NAME.key\n"
    "\n"
    "Makes a key pair: NAME.key, the private key, for its owner only, and\n"
    "NAME.key.pub, the public key, to give away.\n"
    "\n"
    "      --side SIDE             customer, provider, creator (signs objects) or\n"
    "                              auditor (opens exports of a log)\n"
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

enum { SIDE = OPTION_OWN, TYPE, CUSTODIAN };

static const struct option table[] = {
	{ "side", required_argument, NULL, SIDE },
	{ "type", required_argument, NULL, TYPE },
	{ "custodian", required_argument, NULL, CUSTODIAN },
	KEYFILE_OPTIONS,
	OPTIONS_COMMON,
};

struct keygen {
	struct dk_key_spec spec;
	struct keyfile_options file;
};

static bool
set_side(struct keygen *keygen, const char *name)
{
	for (dk_side side = DK_SIDE_CUSTOMER; side <= DK_SIDE_AUDITOR; side++) {
		if (strcmp(dk_side_name(side), name) == 0) {
			keygen->spec.side = side;
			return true;
		}
	}
	return false;
}

static int
take(void *ctx, int code)
{
	struct keygen *keygen = ctx;

	switch (code) {
	case SIDE:
		if (!set_side(keygen, optarg))
			return usage_error("keygen",
			    "no side '%s'; there are customer, provider, creator, auditor", optarg);
		break;
	case TYPE:
		keygen->spec.type = optarg;
		break;
	case CUSTODIAN:
		keygen->spec.custodian = optarg;
		break;
	default:
		return keyfile_take(&keygen->file, code);
	}
	return STATUS_OK;
}

static int
parse(struct keygen *keygen, int argc, char **argv, bool *ret_done)
{
	struct options options = {
		.command = "keygen",
		.help = help,
		.short_options = KEYFILE_LETTERS,
		.option = table,
	};
	int status;

	*ret_done = true;
	if (!options_all(&options, argc, argv, take, keygen))
		return options.status;
	if (optind < argc)
		return usage_error("keygen", "'%s' is one argument too many", argv[optind]);
	if (!keygen->spec.side)
		return usage_error("keygen", "--side is missing");
	status = keyfile_check(&keygen->file, "keygen");
	*ret_done = status != STATUS_OK;
	return status;
}

static int
tell_failure(const struct keygen *keygen, dk_err err)
{
	switch (err) {
	case DK_ERR_KEY_TYPE:
		if (keygen->spec.side == DK_SIDE_CREATOR)
			return usage_error("keygen", "a creator key is of type p256");
		if (keygen->spec.side == DK_SIDE_AUDITOR)
			return usage_error("keygen", "an auditor key is of type p256 or p384");
		return usage_error("keygen",
		    "no key type '%s'; there are p256, p384, rsa3072, rsa4096", keygen->spec.type);
	case DK_ERR_TEXT:
		return usage_error(
		    "keygen", "a custodian is 1 to 48 characters of a-z 0-9 . _ : / @ -");
	default:
		message_err(keygen->file.path, err, NULL);
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
		    keygen->file.path, keygen->file.path);
	else if (keygen->spec.side == DK_SIDE_PROVIDER)
		message_note("Encrypt with --provider %s.pub. Keep %s away from the customer key.",
		    keygen->file.path, keygen->file.path);
	else if (keygen->spec.side == DK_SIDE_AUDITOR)
		message_note(
		    "Give %s.pub and the key id to who runs the key service.", keygen->file.path);
	else
		message_note("Sign with --sign %s; readers check with --require-creator %s.pub.",
		    keygen->file.path, keygen->file.path);
}

static int
run(struct keygen *keygen)
{
	struct dk_key *key = NULL;
	bool ok;
	dk_err err = dk_key_generate(&keygen->spec, &key);

	if (err != DK_OK)
		return tell_failure(keygen, err);
	ok = keyfile_write_pair(key, &keygen->file);
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
	keyfile_clear(&keygen.file);
	return status;
}
