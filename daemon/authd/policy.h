/* SPDX-License-Identifier: Apache-2.0 */
/* The policy, spec/policy.md: rules in order, the first match decides. */
#ifndef DK_AUTHD_POLICY_H
#define DK_AUTHD_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_MAX_BYTES 262144

struct policy;

/* What one object of a request looks like to the policy. */
struct policy_question {
	const char *user;
	const char *key;
	const uint8_t *label;
	size_t label_len;
};

/* text is NUL-terminated. On failure ret_error says where and what. */
bool policy_parse(char *text, struct policy **ret, char *ret_error, size_t error_len);
void policy_free(struct policy *policy);
/* Whether it is allowed; ret_rule is the title of the rule, or NULL. */
bool policy_allows(const struct policy *policy, const struct policy_question *question,
    const char **ret_rule);

#endif
