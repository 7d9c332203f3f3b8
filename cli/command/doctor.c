/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: whether the keys of a profile do what they are for, and what to do if not. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <doublekey/reader.h>
#include <doublekey/writer.h>

#include "cli/command/command.h"
#include "format/key_impl.h"
#include "cli/console/message.h"
#include "cli/console/options.h"
#include "cli/keys/sides.h"

static const char help[] =
    "usage: doublekey doctor --customer KEY... --provider KEY...\n"
    "       doublekey -p NAME doctor\n"
    "\n"
    "Try each key: find it, encrypt something to it, and open that again, with a key of\n"
    "the moment on the other side. What is wrong is said with what can be done about it.\n"
    "A key file that is sealed is not opened; nobody is asked for a passphrase.\n"
    "\n"
    "      --customer KEY   customer key\n"
    "      --provider KEY   provider key\n"
    "  -q, --quiet          errors only\n"
    "  -h, --help           this text\n";

static const struct {
	dk_err err;
	const char *what;
} advice[] = {
	{ DK_ERR_PROVIDER_CREDENTIALS,
	    "log in to the system that holds the key, or set its variables: doublekey(1), KEYS IN "
	    "OTHER SYSTEMS" },
	{ DK_ERR_PROVIDER_DENIED,
	    "ask the owner of the key for the permission that is named above" },
	{ DK_ERR_PROVIDER_KEY_STATE, "enable the key again, or cancel its deletion" },
	{ DK_ERR_PROVIDER_KEY_MISSING,
	    "compare region, account and name with those that the system shows" },
	{ DK_ERR_PROVIDER_KEY_USE,
	    "make a key of a type that fits: doublekey(1), KEYS IN OTHER SYSTEMS" },
	{ DK_ERR_PROVIDER_THROTTLED, "set rate in providers.conf to what the system allows" },
	{ DK_ERR_PROVIDER_UNREACHABLE,
	    "look at network, proxy (HTTPS_PROXY) and endpoint; with a second key on this side, "
	    "objects open all the same" },
	{ DK_ERR_PROVIDER_TLS,
	    "set ca in providers.conf to the certificates of the system, or of the proxy before "
	    "it" },
	{ DK_ERR_PROVIDER_ANSWER,
	    "something else answers there, or a proxy changes what the system says" },
	{ DK_ERR_PROVIDER_REFUSED,
	    "the system does not open what it has just wrapped: ask its owner" },
	{ DK_ERR_PROVIDER_CONFIGURATION, "look at ~/.config/doublekey/providers.conf" },
	{ DK_ERR_PROVIDER_REFERENCE, "see doublekey(1), KEYS IN OTHER SYSTEMS, for the form" },
};

static void
tell(const char *ref, dk_side side, dk_err err)
{
	keyref_tell(ref, side, err);
	for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++)
		if (advice[i].err == err)
			message_fail(ref, "%s", advice[i].what);
}

/* The parameters for one key, with a key of the moment on the other side. */
static void
place(dk_side side, struct dk_key **key, struct dk_key **other, struct dk_encrypt_params *encrypt,
    struct dk_decrypt_params *decrypt)
{
	bool customer = side == DK_SIDE_CUSTOMER;

	*encrypt = (struct dk_encrypt_params){ .customer = customer ? key : other,
		.customer_count = 1,
		.provider = customer ? other : key,
		.provider_count = 1 };
	*decrypt = (struct dk_decrypt_params){ .customer = encrypt->customer,
		.customer_count = 1,
		.provider = encrypt->provider,
		.provider_count = 1 };
}

/* opens: NULL for a key that only wraps. */
static dk_err
try_both(dk_side side, struct dk_key *wraps, struct dk_key *opens)
{
	static const char text[] = "doublekey doctor";
	const struct dk_key_spec spec = { .side = side == DK_SIDE_CUSTOMER ? DK_SIDE_PROVIDER
									   : DK_SIDE_CUSTOMER,
		.type = "p256",
		.custodian = "doctor" };
	struct dk_encrypt_params encrypt;
	struct dk_decrypt_params decrypt;
	struct dk_key *other = NULL;
	uint8_t *object = NULL, *back = NULL;
	size_t len = 0, back_len = 0;
	dk_err err;

	err = dk_key_generate(&spec, &other);
	if (err != DK_OK)
		return err;
	place(side, &wraps, &other, &encrypt, &decrypt);
	err = dk_encrypt_memory(&encrypt, text, sizeof(text), &object, &len);
	if (err == DK_OK && opens) {
		place(side, &opens, &other, &encrypt, &decrypt);
		err = dk_decrypt_memory(&decrypt, object, len, &back, &back_len, NULL);
		if (err == DK_OK &&
		    (back_len != sizeof(text) || memcmp(back, text, sizeof(text)) != 0))
			err = DK_ERR_CRYPTO;
	}
	free(object);
	free(back);
	dk_key_free(other);
	return err;
}

static void
show(const char *ref, const struct dk_key *key, const char *does)
{
	char safe[1024];

	(void)printf("%-9s %s\n          %s of %s, key id %.16s...: %s\n",
	    dk_side_name(dk_key_side(key)), message_escape(ref, strlen(ref), safe, sizeof(safe)),
	    dk_key_type_name(key), dk_key_custodian(key), dk_key_id_hex(key), does);
}

/* With the key as encrypting and as decrypting opens it. */
static bool
check(const char *ref, dk_side side, struct dk_key *wraps)
{
	struct dk_key *opens = NULL;
	const char *does = "encrypts and decrypts";
	dk_err err = keyref_try(ref, side, &opens);

	if (err == DK_ERR_KEY_NEED_PASSPHRASE) {
		does = "encrypts; it is sealed, and whether it decrypts was not tried";
		err = DK_OK;
	} else if (err == DK_OK && !dk_key_has_private(opens)) {
		does = "encrypts; it is a public key";
		dk_key_free(opens);
		opens = NULL;
	}
	if (err == DK_OK)
		err = try_both(side, wraps, opens);
	if (err == DK_OK)
		show(ref, wraps, does);
	else
		tell(ref, side, err);
	dk_key_free(opens);
	return err == DK_OK;
}

static bool
check_side(const struct option_list *refs, dk_side side, struct keyref_list *keys)
{
	bool ok = true;
	dk_err err;

	keys->key = calloc(refs->count + 1, sizeof(struct dk_key *));
	if (!keys->key) {
		message_err(NULL, DK_ERR_NOMEM, NULL);
		return false;
	}
	for (size_t i = 0; i < refs->count; i++) {
		err = keyref_try_public(refs->item[i], side, &keys->key[keys->count]);
		if (err != DK_OK) {
			tell(refs->item[i], side, err);
			ok = false;
			continue;
		}
		ok = check(refs->item[i], side, keys->key[keys->count]) && ok;
		keys->count++;
	}
	if (refs->count == 1 && keys->count == 1 && keys->key[0]->recovery)
		message_note("The %s side has one key, and a recovery key that it brings.",
		    dk_side_name(side));
	else if (refs->count == 1)
		message_note("The %s side has one key only. If that is lost, so is what was "
			     "encrypted to it.",
		    dk_side_name(side));
	return ok;
}

static int
examine(struct sides *sides)
{
	const struct option_list *customer = sides_refs(sides, DK_SIDE_CUSTOMER);
	const struct option_list *provider = sides_refs(sides, DK_SIDE_PROVIDER);
	bool ok = check_side(customer, DK_SIDE_CUSTOMER, &sides->customer_keys);

	ok = check_side(provider, DK_SIDE_PROVIDER, &sides->provider_keys) && ok;
	/* Only if all are there: the lists and the names go together. */
	if (sides->customer_keys.count == customer->count &&
	    sides->provider_keys.count == provider->count)
		ok = sides_check_apart(
			 &sides->customer_keys, customer, &sides->provider_keys, provider) &&
		    ok;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		if (errno != EPIPE)
			message_err("standard output", DK_ERR_WRITE, NULL);
		return STATUS_FAILED;
	}
	return ok ? STATUS_OK : STATUS_FAILED;
}

static int
take(void *ctx, int code)
{
	return sides_take(ctx, code);
}

int
cmd_doctor(int argc, char **argv)
{
	static const struct option table[] = {
		{ "customer", required_argument, NULL, SIDES_CUSTOMER },
		{ "provider", required_argument, NULL, SIDES_PROVIDER },
		OPTIONS_COMMON,
	};
	struct options options = {
		.command = "doctor", .help = help, .short_options = "", .option = table
	};
	struct sides sides = { .customer = { .count = 0 } };
	int status;

	if (!options_all(&options, argc, argv, take, &sides)) {
		sides_clear(&sides);
		return options.status;
	}
	status = optind == argc ? sides_load(&sides, "doctor")
				: usage_error("doctor", "it takes no FILE");
	if (status == STATUS_OK)
		status = examine(&sides);
	sides_clear(&sides);
	return status;
}
