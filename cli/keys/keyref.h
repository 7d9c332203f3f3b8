/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as options name them: a path, or a URI of a known scheme. */
#ifndef DK_CLI_KEYREF_H
#define DK_CLI_KEYREF_H

#include <stdbool.h>
#include <stddef.h>

#include <doublekey/key.h>

#include "cli/console/options.h"

struct dk_key_batch; /* format/key_batch.h */

enum keyref_use {
	KEYREF_PUBLIC,  /* wrap or verify: never asks for a passphrase */
	KEYREF_PRIVATE, /* unwrap or sign */
};

/*
 * Open one key for one side. passphrase_files are tried one after the other;
 * without any, the user is asked. False: told already, in words that name the
 * key. The caller frees *ret_key with dk_key_free().
 */
bool keyref_open(const char *ref, dk_side side, enum keyref_use use,
    const struct option_list *passphrase_files, struct dk_key **ret_key);

/* Open a key that needs no passphrase. Nothing is told but what its system says. */
DK_MUST_USE dk_err keyref_try(const char *ref, dk_side side, struct dk_key **ret_key);
/* The same for its public half, as encrypting uses it. */
DK_MUST_USE dk_err keyref_try_public(const char *ref, dk_side side, struct dk_key **ret_key);

struct keyref_list {
	struct dk_key **key;
	size_t count;
};

/* Open all keys of a repeated option; on false, none is open. */
bool keyref_open_all(const struct option_list *refs, dk_side side, enum keyref_use use,
    const struct option_list *passphrase_files, struct keyref_list *ret_list);
void keyref_list_clear(struct keyref_list *list);

/*
 * Let keys that take several requests at once ask through a batch: *batch, which is
 * made if it is NULL and such a key is there. The caller frees it behind the list.
 * False: told already.
 */
bool keyref_list_join(struct keyref_list *list, struct dk_key_batch **batch);

/* Whether wrapping to one of them waits for another system. */
bool keyref_list_waits(const struct keyref_list *list);

/* The message for a key reference that failed with err. */
void keyref_tell(const char *ref, dk_side side, dk_err err);

#endif
