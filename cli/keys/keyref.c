/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/keys/keyref.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/objects/batch_round.h"
#include "format/key_batch.h"
#include "cli/console/message.h"
#include "cli/console/prompt.h"

/* Attempts at the terminal; a passphrase file is read once. */
#define TRIES 3

struct asker {
	const char *file; /* NULL: the terminal */
	bool told;        /* the error has its message already */
};

static dk_err
give_passphrase(void *ctx, const char *name, uint8_t *buf, size_t cap, size_t *ret_len)
{
	struct asker *asker = ctx;
	auto_secret_line *line = secret_line_new();
	bool ok = line &&
	    (asker->file ? prompt_read_file(asker->file, line) : prompt_existing(name, line));

	if (!ok || line->len > cap) {
		asker->told = true;
		return DK_ERR_CANCELLED;
	}
	memcpy(buf, line->bytes, line->len);
	*ret_len = line->len;
	return DK_OK;
}

/* What the system of a key said besides its error. */
static void
tell_note(void *ctx, const char *ref, const char *text)
{
	(void)ctx;
	message_warn(ref, "%s", text);
}

void
keyref_tell(const char *ref, dk_side side, dk_err err)
{
	char scheme[DK_KEY_SCHEME_BYTES];

	switch (err) {
	case DK_ERR_READ:
		if (errno != ENOENT || strncmp(ref, "http", 4) != 0 || !strchr(ref, '/'))
			break;
		message_fail(ref,
		    "there is no such file; the URL of a key begins with https:// (%s)",
		    dk_err_name(err));
		return;
	case DK_ERR_KEY_SCHEME:
		if (!dk_key_ref_scheme(ref, scheme))
			break;
		message_fail(ref,
		    "keys of the scheme '%s' are not supported; a file of this name is "
		    "'./%s' (%s)",
		    scheme, ref, dk_err_name(err));
		return;
	case DK_ERR_PROVIDER_REFERENCE:
		if (!dk_key_ref_scheme(ref, scheme))
			break;
		message_fail(ref,
		    "is no name of a key of '%s:', see doublekey(1); a file of this name is "
		    "'./%s' (%s)",
		    scheme, ref, dk_err_name(err));
		return;
	case DK_ERR_KEY_FOREIGN:
		if (!dk_key_ref_scheme(ref, scheme))
			break;
		message_fail(ref,
		    "this is not the URL of a key, which is https://HOST:PORT/keys/NAME (%s)",
		    dk_err_name(err));
		return;
	case DK_ERR_KEY_SIDE:
		message_fail(
		    ref, "this is not a %s key (%s)", dk_side_name(side), dk_err_name(err));
		return;
	case DK_ERR_LIBRARY:
		message_fail(ref, "%s cannot be loaded (%s)",
		    !dk_key_ref_scheme(ref, scheme) ? "the key is sealed and libargon2.so.1"
			: strcmp(scheme, "https") == 0
			? "libdoublekey-client.so, which asks key services,"
			: "libdoublekey-provider.so, which asks the systems that hold keys,",
		    dk_err_name(err));
		return;
	default:
		break;
	}
	message_err(ref, err, NULL);
}

/* DK_ERR_CANCELLED: the passphrase could not be had, and that was told. */
static dk_err
attempt(const char *ref, dk_side side, const char *file, struct dk_key **ret_key)
{
	struct asker asker = { .file = file };
	struct dk_key_options options = {
		.passphrase = give_passphrase,
		.passphrase_ctx = &asker,
		.note = tell_note,
	};
	dk_err err = dk_key_open(ref, side, &options, ret_key);

	return asker.told ? DK_ERR_CANCELLED : err;
}

static dk_err
open_private(
    const char *ref, dk_side side, const struct option_list *files, struct dk_key **ret_key)
{
	size_t count = prompt_file_count(files);
	size_t tries = count > 0 ? count : TRIES;
	dk_err err = DK_ERR_KEY_PASSPHRASE;

	for (size_t i = 0; i < tries && err == DK_ERR_KEY_PASSPHRASE; i++) {
		if (count == 0 && i > 0)
			keyref_tell(ref, side, err);
		err = attempt(ref, side, count > 0 ? prompt_file(files, i) : NULL, ret_key);
	}
	return err;
}

dk_err
keyref_try(const char *ref, dk_side side, struct dk_key **ret_key)
{
	static const struct dk_key_options options = { .note = tell_note };

	return dk_key_open(ref, side, &options, ret_key);
}

dk_err
keyref_try_public(const char *ref, dk_side side, struct dk_key **ret_key)
{
	static const struct dk_key_options options = { .public_only = 1, .note = tell_note };

	return dk_key_open(ref, side, &options, ret_key);
}

bool
keyref_open(const char *ref, dk_side side, enum keyref_use use,
    const struct option_list *passphrase_files, struct dk_key **ret_key)
{
	struct dk_key *key = NULL;
	dk_err err;

	if (use == KEYREF_PUBLIC)
		err = keyref_try_public(ref, side, &key);
	else
		err = open_private(ref, side, passphrase_files, &key);
	if (err == DK_OK && use == KEYREF_PRIVATE && !dk_key_has_private(key)) {
		dk_key_free(key);
		err = DK_ERR_KEY_NEED_PRIVATE;
	}
	if (err == DK_OK)
		*ret_key = key;
	else if (err != DK_ERR_CANCELLED)
		keyref_tell(ref, side, err);
	return err == DK_OK;
}

bool
keyref_open_all(const struct option_list *refs, dk_side side, enum keyref_use use,
    const struct option_list *passphrase_files, struct keyref_list *ret_list)
{
	struct keyref_list list = { .key = calloc(refs->count + 1, sizeof(struct dk_key *)) };

	if (!list.key) {
		message_err(NULL, DK_ERR_NOMEM, NULL);
		return false;
	}
	for (size_t i = 0; i < refs->count; i++) {
		if (!keyref_open(refs->item[i], side, use, passphrase_files, &list.key[i])) {
			keyref_list_clear(&list);
			return false;
		}
		list.count++;
	}
	*ret_list = list;
	return true;
}

bool
keyref_list_join(struct keyref_list *list, struct dk_key_batch **batch)
{
	dk_err err = DK_OK;

	for (size_t i = 0; i < list->count && err == DK_OK; i++) {
		if (!dk_key_batch_suits(list->key[i]))
			continue;
		if (!*batch)
			err = dk_key_batch_new(BATCH_ROUND_ITEMS, batch);
		if (err == DK_OK)
			err = dk_key_batch_join(*batch, &list->key[i]);
	}
	if (err != DK_OK)
		message_err(NULL, err, NULL);
	return err == DK_OK;
}

void
keyref_list_clear(struct keyref_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		dk_key_free(list->key[i]);
	free(list->key);
	list->key = NULL;
	list->count = 0;
}

bool
keyref_list_waits(const struct keyref_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (dk_key_wraps_far(list->key[i]))
			return true;
	return false;
}
