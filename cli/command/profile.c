/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "cli/command/command.h"
#include "cli/command/frame.h"
#include "cli/console/message.h"
#include "cli/console/options.h"
#include "cli/profile/profile.h"
#include "cli/keys/sides.h"

static const char help[] =
    "usage: doublekey profile add NAME --customer KEY... --provider KEY... [OPTION...]\n"
    "       doublekey profile list\n"
    "       doublekey profile remove NAME\n"
    "       doublekey profile refresh NAME\n"
    "\n"
    "A profile has the keys that 'doublekey -p NAME ...' uses. It holds names of key\n"
    "files, never keys. Profiles are in $XDG_CONFIG_HOME/doublekey/profiles, or in\n"
    "~/.config/doublekey/profiles. refresh asks the key services of a profile for new\n"
    "versions of their keys, which otherwise happens once an hour.\n"
    "\n"
    "      --customer KEY   key file, private if the profile shall decrypt; or URI of\n"
    "                       a key elsewhere\n"
    "      --provider KEY   the same for the other side\n"
    "      --label TEXT     label of what is encrypted with the profile\n"
    "      --tenant TEXT    tenant, likewise\n"
    "      --sign KEY       private creator key to sign with\n"
    "  -f, --force          replace an existing profile\n"
    "  -q, --quiet          errors only\n"
    "  -h, --help           this text\n";

/* What was allocated for a profile that the command line describes. */
struct draft {
	struct sides sides;
	struct profile profile;
	bool force;
};

enum { LABEL = OPTION_OWN, TENANT, SIGN };

static const struct option add_table[] = {
	{ "customer", required_argument, NULL, SIDES_CUSTOMER },
	{ "provider", required_argument, NULL, SIDES_PROVIDER },
	{ "label", required_argument, NULL, LABEL },
	{ "tenant", required_argument, NULL, TENANT },
	{ "sign", required_argument, NULL, SIGN },
	{ "force", no_argument, NULL, 'f' },
	OPTIONS_COMMON,
};

static int
take_text(char **ret)
{
	free(*ret);
	*ret = strdup(optarg);
	if (*ret)
		return STATUS_OK;
	message_err(NULL, DK_ERR_NOMEM, NULL);
	return STATUS_FAILED;
}

static int
take(void *ctx, int code)
{
	struct draft *draft = ctx;
	int status = sides_take(&draft->sides, code);

	if (status >= 0)
		return status;
	switch (code) {
	case LABEL:
		return take_text(&draft->profile.label);
	case TENANT:
		return take_text(&draft->profile.tenant);
	case SIGN:
		return take_text(&draft->profile.sign);
	case 'f':
		draft->force = true;
		break;
	}
	return STATUS_OK;
}

static bool
take_absolute(const struct option_list *refs, struct option_list *list)
{
	for (size_t i = 0; i < refs->count; i++) {
		char *path = profile_absolute(refs->item[i]);

		if (!path)
			return false;
		if (!option_list_add(list, path)) {
			free(path);
			return false;
		}
	}
	return true;
}

static void
free_items(struct option_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free((void *)(uintptr_t)list->item[i]);
}

/* A profile whose keys do not work would fail later, far from its cause. */
static bool
check_keys(struct draft *draft)
{
	struct dk_key *sign = NULL;

	if (!sides_open_public(&draft->sides))
		return false;
	if (!draft->profile.sign)
		return true;
	if (!keyref_open(draft->profile.sign, DK_SIDE_CREATOR, KEYREF_PUBLIC, NULL, &sign))
		return false;
	dk_key_free(sign);
	return true;
}

static bool
save(struct draft *draft, const char *name)
{
	char *sign = NULL;

	if (!check_keys(draft))
		return false;
	if (draft->profile.sign) {
		sign = profile_absolute(draft->profile.sign);
		if (!sign)
			return false;
		free(draft->profile.sign);
		draft->profile.sign = sign;
	}
	return take_absolute(&draft->sides.customer, &draft->profile.customer) &&
	    take_absolute(&draft->sides.provider, &draft->profile.provider) &&
	    profile_save(name, &draft->profile, draft->force);
}

static int
run_add(struct draft *draft, int argc, char **argv)
{
	struct options options = {
		.command = "profile", .help = help, .short_options = "f", .option = add_table
	};
	int status;

	if (!options_all(&options, argc, argv, take, draft))
		return options.status;
	if (argc - optind != 1)
		return usage_error("profile", "add needs one NAME");
	status = sides_load(&draft->sides, "profile");
	if (status != STATUS_OK)
		return status;
	return save(draft, argv[optind]) ? STATUS_OK : STATUS_FAILED;
}

static int
add(int argc, char **argv)
{
	struct draft draft = { .force = false };
	int status = run_add(&draft, argc, argv);

	free_items(&draft.profile.customer);
	free_items(&draft.profile.provider);
	profile_clear(&draft.profile);
	sides_clear(&draft.sides);
	return status;
}

/* The operands of list and remove; the exit status, or -1 to go on. */
static int
plain_options(int argc, char **argv)
{
	static const struct option table[] = { OPTIONS_COMMON };
	struct options options = {
		.command = "profile", .help = help, .short_options = "", .option = table
	};

	return options_next(&options, argc, argv) == OPTIONS_STOP ? options.status : -1;
}

static void
print_text(const char *name, const char *value)
{
	char safe[1024];

	if (value)
		(void)printf(
		    "  %-9s %s\n", name, message_escape(value, strlen(value), safe, sizeof(safe)));
}

static bool
print_profile(void *ctx, const char *name)
{
	struct profile profile;
	bool *failed = ctx;

	(void)printf("%s\n", name);
	if (!profile_load(name, &profile)) {
		*failed = true;
		return true;
	}
	for (size_t i = 0; i < profile.customer.count; i++)
		print_text("customer", profile.customer.item[i]);
	for (size_t i = 0; i < profile.provider.count; i++)
		print_text("provider", profile.provider.item[i]);
	print_text("sign", profile.sign);
	print_text("label", profile.label);
	print_text("tenant", profile.tenant);
	profile_clear(&profile);
	return true;
}

static int
list(int argc, char **argv)
{
	int status = plain_options(argc, argv);
	bool failed = false;

	if (status >= 0)
		return status;
	if (optind != argc)
		return usage_error("profile", "list takes no NAME");
	if (!profile_each(print_profile, &failed))
		failed = true;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		if (errno != EPIPE)
			message_err("standard output", DK_ERR_WRITE, NULL);
		failed = true;
	}
	return failed ? STATUS_FAILED : STATUS_OK;
}

static int
remove_one(int argc, char **argv)
{
	int status = plain_options(argc, argv);

	if (status >= 0)
		return status;
	if (argc - optind != 1)
		return usage_error("profile", "remove needs one NAME");
	return profile_remove(argv[optind]) ? STATUS_OK : STATUS_FAILED;
}

static bool
refresh_key(const char *ref)
{
	struct dk_client_key_info info;
	char scheme[DK_KEY_SCHEME_BYTES];
	dk_err err;

	if (!dk_key_ref_scheme(ref, scheme) || strcmp(scheme, "https") != 0)
		return true;
	err = dk_client_key_refresh(ref, &info);
	if (err != DK_OK)
		message_err(ref, err, NULL);
	else if (info.version == 0)
		message_note("%s: no version is active", ref);
	else
		message_note("%s: version %u%s", ref, info.version,
		    info.has_recovery ? ", with a recovery key" : "");
	return err == DK_OK;
}

static int
refresh(int argc, char **argv)
{
	int status = plain_options(argc, argv);
	struct profile profile;
	bool ok = true;

	if (status >= 0)
		return status;
	if (argc - optind != 1)
		return usage_error("profile", "refresh needs one NAME");
	if (!profile_load(argv[optind], &profile))
		return STATUS_FAILED;
	for (size_t i = 0; i < profile.customer.count; i++)
		ok = refresh_key(profile.customer.item[i]) && ok;
	profile_clear(&profile);
	return ok ? STATUS_OK : STATUS_FAILED;
}

int
cmd_profile(int argc, char **argv)
{
	static const struct command commands[] = {
		{ "add", add, NULL },
		{ "list", list, NULL },
		{ "refresh", refresh, NULL },
		{ "remove", remove_one, NULL },
		{ 0 },
	};

	return frame_run_sub("profile", commands, help, argc, argv);
}
