/* SPDX-License-Identifier: Apache-2.0 */
/* A profile in its three files: the folder (profile_dir.c), the text (profile_text.c),
 * and what is done with both (profile.c). */
#ifndef DK_CLI_PROFILE_IMPL_H
#define DK_CLI_PROFILE_IMPL_H

#include "cli/profile/profile.h"

#define PROFILE_SUFFIX ".conf"
#define PROFILE_FILE_NAME_BYTES (PROFILE_NAME_MAX_BYTES + sizeof(PROFILE_SUFFIX))

/* False: no name of a profile, which was told. */
bool profile_file_name(const char *name, char out[PROFILE_FILE_NAME_BYTES]);
/* -1: there is none, with errno ENOENT, or told already with errno 0. */
int profile_dir_open(bool make);

/* False: told, with shown as the file. */
bool profile_parse(const char *shown, const char *text, struct profile *ret);
/* The file's text; allocated; NULL: no memory. */
char *profile_to_text(const struct profile *profile);

#endif
