/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/keys/sides.h"

#include <stdlib.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/command/frame.h"
#include "cli/console/message.h"

int
sides_take(struct sides *sides, int code)
{
	struct option_list *list;

	switch (code) {
	case SIDES_CUSTOMER:
		list = &sides->customer;
		break;
	case SIDES_PROVIDER:
		list = &sides->provider;
		break;
	case SIDES_PASSPHRASE:
		list = &sides->passphrase_files;
		break;
	default:
		return -1;
	}
	return option_list_add(list, optarg) ? STATUS_OK : STATUS_FAILED;
}

static const struct option_list *
customer_refs(const struct sides *sides)
{
	return sides->customer.count > 0 ? &sides->customer : &sides->profile.customer;
}

static const struct option_list *
provider_refs(const struct sides *sides)
{
	return sides->provider.count > 0 ? &sides->provider : &sides->profile.provider;
}

const struct option_list *
sides_refs(const struct sides *sides, dk_side side)
{
	return side == DK_SIDE_CUSTOMER ? customer_refs(sides) : provider_refs(sides);
}

int
sides_load(struct sides *sides, const char *command)
{
	if (frame_profile() && !profile_load(frame_profile(), &sides->profile))
		return STATUS_FAILED;
	if (customer_refs(sides)->count > 0 && provider_refs(sides)->count > 0)
		return STATUS_OK;
	return usage_error(command,
	    "no %s key: give --customer KEY and --provider KEY, or a profile (doublekey -p NAME)",
	    customer_refs(sides)->count > 0 ? "provider" : "customer");
}

bool
sides_given(const struct sides *sides)
{
	return sides->customer.count > 0 || sides->provider.count > 0 || frame_profile();
}

static bool
is_twice(const struct keyref_list *list, const struct option_list *refs)
{
	for (size_t i = 0; i < list->count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (strcmp(dk_key_id_hex(list->key[i]), dk_key_id_hex(list->key[j])) != 0)
				continue;
			message_fail(refs->item[i], "is the same key as %s (%s)", refs->item[j],
			    dk_err_name(DK_ERR_SAME_KEY));
			return true;
		}
	}
	return false;
}

static bool
clash(const struct dk_key *a, const char *a_ref, const struct dk_key *b, const char *b_ref)
{
	if (strcmp(dk_key_id_hex(a), dk_key_id_hex(b)) == 0) {
		message_fail(b_ref, "is the same key as %s, and two sides need two keys (%s)",
		    a_ref, dk_err_name(DK_ERR_SAME_KEY));
		return true;
	}
	if (strcmp(dk_key_custodian(a), dk_key_custodian(b)) == 0) {
		message_fail(b_ref,
		    "has the same custodian as %s ('%s'), and two sides need two holders (%s)",
		    a_ref, dk_key_custodian(a), dk_err_name(DK_ERR_SAME_CUSTODIAN));
		return true;
	}
	return false;
}

bool
sides_check_apart(const struct keyref_list *a, const struct option_list *a_refs,
    const struct keyref_list *b, const struct option_list *b_refs)
{
	if (is_twice(a, a_refs) || is_twice(b, b_refs))
		return false;
	for (size_t i = 0; i < a->count; i++) {
		for (size_t j = 0; j < b->count; j++) {
			if (clash(a->key[i], a_refs->item[i], b->key[j], b_refs->item[j]))
				return false;
		}
	}
	return true;
}

bool
sides_open_public(struct sides *sides)
{
	const struct option_list *customer = customer_refs(sides);
	const struct option_list *provider = provider_refs(sides);

	if (!keyref_open_all(
		customer, DK_SIDE_CUSTOMER, KEYREF_PUBLIC, NULL, &sides->customer_keys) ||
	    !keyref_open_all(
		provider, DK_SIDE_PROVIDER, KEYREF_PUBLIC, NULL, &sides->provider_keys))
		return false;
	return sides_check_apart(&sides->customer_keys, customer, &sides->provider_keys, provider);
}

/* One that may be away while others of its side are there. */
static bool
is_away(dk_err err)
{
	return dk_err_category(err) == DK_CAT_PROVIDER && err != DK_ERR_PROVIDER_REFERENCE &&
	    err != DK_ERR_PROVIDER_CONFIGURATION;
}

/* *ret_key is NULL if ref is a public key, or away; *away is set then. */
static bool
open_reader(const char *ref, dk_side side, const struct option_list *passphrase_files,
    struct dk_key **ret_key, bool *away)
{
	struct dk_key *key = NULL;
	dk_err err = keyref_try(ref, side, &key);

	if (err == DK_ERR_KEY_NEED_PASSPHRASE)
		return keyref_open(ref, side, KEYREF_PRIVATE, passphrase_files, ret_key);
	if (err != DK_OK) {
		keyref_tell(ref, side, err);
		*away = *away || is_away(err);
		*ret_key = NULL;
		return is_away(err);
	}
	if (!dk_key_has_private(key)) {
		dk_key_free(key);
		key = NULL;
	}
	*ret_key = key;
	return true;
}

bool
sides_open_readers(const struct option_list *refs, dk_side side,
    const struct option_list *passphrase_files, struct keyref_list *ret_list)
{
	struct keyref_list list = { .key = calloc(refs->count + 1, sizeof(struct dk_key *)) };
	struct dk_key *key = NULL;
	bool away = false;

	if (!list.key) {
		message_err(NULL, DK_ERR_NOMEM, NULL);
		return false;
	}
	for (size_t i = 0; i < refs->count; i++) {
		if (!open_reader(refs->item[i], side, passphrase_files, &key, &away)) {
			keyref_list_clear(&list);
			return false;
		}
		if (key)
			list.key[list.count++] = key;
	}
	if (list.count == 0) {
		if (!away)
			keyref_tell(refs->item[0], side, DK_ERR_KEY_NEED_PRIVATE);
		keyref_list_clear(&list);
		return false;
	}
	*ret_list = list;
	return true;
}

bool
sides_open_private(struct sides *sides)
{
	return sides_open_readers(customer_refs(sides), DK_SIDE_CUSTOMER, &sides->passphrase_files,
		   &sides->customer_keys) &&
	    sides_open_readers(provider_refs(sides), DK_SIDE_PROVIDER, &sides->passphrase_files,
		&sides->provider_keys);
}

void
sides_clear(struct sides *sides)
{
	keyref_list_clear(&sides->customer_keys);
	keyref_list_clear(&sides->provider_keys);
	option_list_clear(&sides->customer);
	option_list_clear(&sides->provider);
	option_list_clear(&sides->passphrase_files);
	profile_clear(&sides->profile);
}
