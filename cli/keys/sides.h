/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of both sides, from options or from a profile. */
#ifndef DK_CLI_SIDES_H
#define DK_CLI_SIDES_H

#include <stdbool.h>

#include "cli/keys/keyref.h"
#include "cli/console/options.h"
#include "cli/profile/profile.h"

struct sides {
	struct option_list customer; /* as the options say */
	struct option_list provider;
	struct option_list passphrase_files;
	struct profile profile; /* of `doublekey -p`, or empty */
	struct keyref_list customer_keys;
	struct keyref_list provider_keys;
};

/* Rows of an option table, and their codes. */
/* clang-format off */
enum { SIDES_CUSTOMER = 768, SIDES_PROVIDER, SIDES_PASSPHRASE };
#define SIDES_OPTIONS \
	{ "customer", required_argument, NULL, SIDES_CUSTOMER }, \
	{ "provider", required_argument, NULL, SIDES_PROVIDER }, \
	{ "passphrase-file", required_argument, NULL, SIDES_PASSPHRASE }
/* clang-format on */

/* Take one of these options, whose argument is in optarg. The exit status, or -1
 * if it is another option. */
int sides_take(struct sides *sides, int code);

/* Load the profile, if there is one; a side without an option takes its keys from
 * there. The exit status; without keys of both sides, that of a usage error. */
int sides_load(struct sides *sides, const char *command);
/* The references of a side, which stand in sides. */
const struct option_list *sides_refs(const struct sides *sides, dk_side side);
/* Whether any key or a profile was given. */
bool sides_given(const struct sides *sides);

/* The functions return false if something was wrong, and have told it. */
/* To encrypt: refuses one key, or one custodian, on both sides. */
bool sides_open_public(struct sides *sides);
/* To decrypt: public keys among several are left out. */
bool sides_open_private(struct sides *sides);
void sides_clear(struct sides *sides);

/* Keys of refs that are private ones; at least one. */
bool sides_open_readers(const struct option_list *refs, dk_side side,
    const struct option_list *passphrase_files, struct keyref_list *ret_list);

/* No key twice in a, nor in a and b, and no custodian in both. */
bool sides_check_apart(const struct keyref_list *a, const struct option_list *a_refs,
    const struct keyref_list *b, const struct option_list *b_refs);

#endif
