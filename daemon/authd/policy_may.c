/* SPDX-License-Identifier: Apache-2.0 */
/* The what-if of an assessment, spec/exposure.md section 5.1: what a policy could have allowed. It
 * stands beside the judgement whose upper bound it is, and is linked into the command. */
#include <stdlib.h>
#include <string.h>

#include "authd/policy_impl.h"
#include "exposure/grant.h"

_Static_assert(DK_GRANT_TEXT_MAX_BYTES == POLICY_MAX_BYTES, "one limit");

struct dk_grant_policy {
	struct policy *policy;
};

dk_err
dk_grant_policy_parse(const char *text, size_t len, struct dk_grant_policy **ret)
{
	struct dk_grant_policy *grant = calloc(1, sizeof(*grant));
	struct policy_fault fault = { .error = POLICY_NO_MEMORY };

	if (grant && policy_parse(text, len, &grant->policy, &fault)) {
		*ret = grant;
		return DK_OK;
	}
	free(grant);
	return fault.error == POLICY_NO_MEMORY ? DK_ERR_NOMEM : DK_ERR_ARGUMENT;
}

void
dk_grant_policy_free(struct dk_grant_policy *grant)
{
	if (grant)
		policy_free(grant->policy);
	free(grant);
}

static bool
approvals_had(const struct policy *policy, unsigned number, const struct dk_grant_asked *asked)
{
	const struct policy_section *rule = &policy->of[POLICY_RULE].item[number];
	const struct policy_list *approvers = &rule->list[POLICY_APPROVERS];
	size_t count = asked->unnamed;

	/* All of them, but for the one who asks: none is named twice. */
	if (asked->approvals)
		count = approvers->count -
		    (asked->user &&
			policy_list_has(policy, approvers, asked->user, strlen(asked->user)));
	for (size_t i = 0; i < asked->approver_count && !asked->approvals; i++) {
		const char *name = asked->approver[i];

		if ((!asked->user || strcmp(name, asked->user) != 0) &&
		    policy_list_has(policy, approvers, name, strlen(name)))
			count++;
	}
	return count >= rule->approvals;
}

static bool
factors_had(const struct policy *policy, unsigned number, const struct dk_grant_asked *asked)
{
	const struct policy_section *rule = &policy->of[POLICY_RULE].item[number];

	return (!rule->list[POLICY_CERTIFICATE].given || asked->certificate) &&
	    (!rule->list[POLICY_TOKENS].given || asked->token) &&
	    approvals_had(policy, number, asked);
}

enum match { MATCH_NEVER, MATCH_PERHAPS, MATCH_ALWAYS };

static enum match
match(const struct policy *policy, unsigned number, const struct dk_grant_asked *asked)
{
	const struct policy_section *rule = &policy->of[POLICY_RULE].item[number];
	const struct policy_list *list = rule->list;
	size_t len = strlen(asked->label);
	bool always = !list[POLICY_NETWORKS].given && !list[POLICY_WEEKDAYS].given &&
	    !list[POLICY_HOURS].given;

	if (!policy_has_name(policy, &list[POLICY_KEYS], asked->key) ||
	    (list[POLICY_LABELS].given &&
		!policy_list_has(policy, &list[POLICY_LABELS], asked->label, len)))
		return MATCH_NEVER;
	if (asked->user && !policy_has_user(policy, rule, asked->user))
		return MATCH_NEVER;
	if (list[POLICY_DEVICES].given && asked->device &&
	    !policy_list_has(policy, &list[POLICY_DEVICES], asked->device, 64))
		return MATCH_NEVER;
	always = always && asked->user && (!list[POLICY_DEVICES].given || asked->device);
	return always ? MATCH_ALWAYS : MATCH_PERHAPS;
}

bool
dk_grant_may(const struct dk_grant_policy *grant, const struct dk_grant_asked *asked)
{
	const struct policy *policy = grant->policy;

	for (unsigned i = 0; i < policy->of[POLICY_RULE].count; i++) {
		enum match m = match(policy, i, asked);

		if (m == MATCH_NEVER)
			continue;
		if (policy->of[POLICY_RULE].item[i].allow && factors_had(policy, i, asked))
			return true;
		/* The first rule that matches decides; no later one is tried. */
		if (m == MATCH_ALWAYS)
			return false;
	}
	return false;
}
