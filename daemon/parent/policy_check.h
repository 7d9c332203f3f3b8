/* SPDX-License-Identifier: Apache-2.0 */
/* doublekeyd policy check, in two files: native requests (policy.c) and those of Microsoft's
 * protocol (policy_dke.c). */
#ifndef DK_PARENT_POLICY_CHECK_H
#define DK_PARENT_POLICY_CHECK_H

#include "authd/policy.h"

struct policy_case;

/* A line for each rule that allows. */
void policy_say_levels(const struct policy *policy);
/* Whether it says the tenant of a token. */
bool policy_case_is_dke(const struct policy_case *c);
/* What it would get; returns the exit status. native: user, key, address and time. */
int policy_explain_dke(
    const struct policy *policy, const struct policy_case *c, const struct policy_question *native);

#endif
