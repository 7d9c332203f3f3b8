/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of policies, kept by their digest: spec/policy.md section 8.1. */
#ifndef DK_PARENT_POLICIES_H
#define DK_PARENT_POLICIES_H

#include <stdbool.h>
#include <stddef.h>

#define POLICIES_FOLDER "policies"
#define POLICIES_MAX 1000

struct settings;

/* Durable when it returns; of more than POLICIES_MAX, that which has not come into force for longest
 * goes. False: errno says why. */
bool policies_keep(const char *dir, const char *text, size_t len);

/* policies.c: the subcommands. They return the exit status. */
int cmd_policy_list(const struct settings *settings);
int cmd_policy_show(const struct settings *settings, const char *digest);

#endif
