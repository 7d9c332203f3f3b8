/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named profiles: which keys to use, so that nobody types them each time. One
 * small file each, "profiles/NAME.conf" in the user's configuration directory
 * ($XDG_CONFIG_HOME/doublekey, or ~/.config/doublekey). A profile holds names of
 * key files, never keys.
 */
#ifndef DK_CLI_PROFILE_H
#define DK_CLI_PROFILE_H

#include <stdbool.h>

#include "cli/console/options.h"

#define PROFILE_NAME_MAX_BYTES 64

struct profile {
	struct option_list customer; /* references of keys; files with absolute paths */
	struct option_list provider;
	char *sign; /* NULL: none, also the following */
	char *label;
	char *tenant;
	void *config; /* what the lists borrow from */
};

/* The functions return false if something was wrong, and have told it. */

/* 1 to 64 letters, digits, '.', '_' and '-', the first a letter or digit. */
bool profile_name_valid(const char *name);

/* Refuses a file that others than its owner could write. */
bool profile_load(const char *name, struct profile *ret);
void profile_clear(struct profile *profile);

bool profile_save(const char *name, const struct profile *profile, bool force);
bool profile_remove(const char *name);
/* Call visit for each name in order, until it is false. */
bool profile_each(bool (*visit)(void *ctx, const char *name), void *ctx);

/* A path as it is from everywhere, or a URI unchanged; allocated; NULL: told. */
char *profile_absolute(const char *ref);

#endif
