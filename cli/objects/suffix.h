/* SPDX-License-Identifier: Apache-2.0 */
/* Names of objects beside their plaintext: NAME.dkey. */
#ifndef DK_CLI_SUFFIX_H
#define DK_CLI_SUFFIX_H

#include <stdbool.h>

#define SUFFIX_WHY_NONE "does not end in .dkey; -o names the output"

/*
 * out_name functions of a struct batch_task; ctx is not used. NULL with errno 0: no
 * name, with another errno: no memory. Of what stands in
 * a directory, encrypting leaves out names that end in .dkey, and decrypting all
 * others: so a tree that holds both is fit for both.
 */
char *suffix_add(void *ctx, const char *name, bool listed);
char *suffix_strip(void *ctx, const char *name, bool listed);
/* The name itself, of objects only: for a rewrap in place. */
char *suffix_keep(void *ctx, const char *name, bool listed);

#endif
