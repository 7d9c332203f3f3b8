/* SPDX-License-Identifier: Apache-2.0 */
/* doublekeyd policy check for Microsoft's protocol, spec/profiles/ms-dke.md sections 6 and 7:
 * the level of each rule, and what a request would get. */
#include <stdio.h>
#include <string.h>

#include "parent/parent.h"
#include "parent/policy_check.h"
#include "parent/tell.h"

#define STATUS_DENIED 3

void
policy_say_levels(const struct policy *policy)
{
	for (unsigned i = 0; i < policy_decrypts(policy); i++) {
		struct policy_decrypt_info rule = policy_decrypt_info(policy, i);
		char gates[1024];

		if (rule.allow)
			(void)printf("line %u\tdecrypt \"%s\"\tlevel %s\tgates: %s\n", rule.line,
			    rule.title, policy_level_name(rule.lowest),
			    policy_decrypt_gates(policy, i, gates, sizeof(gates)));
	}
}

struct asked {
	struct policy_dke_question question;
	const char *groups[POLICY_CASE_FACTORS_MAX], *roles[POLICY_CASE_FACTORS_MAX];
	struct policy_approval approvals[2 * POLICY_CASE_FACTORS_MAX];
	const char *ldap_groups[POLICY_CASE_FACTORS_MAX];
};

/* What the factor has behind its name, or NULL. */
static const char *
value_of(const char *factor, const char *name)
{
	size_t len = strlen(name);

	return strncmp(factor, name, len) == 0 && factor[len] == '=' ? factor + len + 1 : NULL;
}

/* Just now, of the document and of the key, by somebody who signed for one. */
static void
take_approval(struct asked *a, const char *user)
{
	struct policy_dke_question *q = &a->question;

	for (int key = 0; key < 2 && q->approval_count < POLICY_STANDING_MAX; key++)
		a->approvals[q->approval_count++] =
		    (struct policy_approval){ key != 0, user, q->time, 1 };
}

/* False: no such factor, or gate. */
static bool
take(struct asked *a, const char *factor)
{
	struct policy_dke_question *q = &a->question;
	const char *gate = value_of(factor, "gate"), *group = value_of(factor, "token-group");
	const char *role = value_of(factor, "role"), *document = value_of(factor, "document");
	const char *tenant = value_of(factor, "tenant"), *user = value_of(factor, "approval");
	const char *ldap = value_of(factor, "ldap-group");
	unsigned held = gate ? policy_gates_parse(gate) : 0;

	q->tenant = tenant ? tenant : q->tenant;
	q->document = document ? document : q->document;
	q->held |= held;
	if (group)
		a->groups[q->groups.count++] = group;
	if (role)
		a->roles[q->roles.count++] = role;
	if (user)
		take_approval(a, user);
	if (ldap)
		a->ldap_groups[q->ldap_groups.count++] = ldap;
	return tenant || document || group || role || user || ldap ||
	    (held != 0 && !strstr(gate, " or "));
}

bool
policy_case_is_dke(const struct policy_case *c)
{
	for (unsigned i = 0; i < c->factor_count; i++)
		if (value_of(c->factor[i], "tenant"))
			return true;
	return false;
}

static void
say_tried(const struct policy *policy, const struct policy_dke_question *q,
    const struct policy_dke_answer *answer)
{
	for (unsigned i = 0; i < policy_decrypts(policy) && i <= answer->rule; i++) {
		struct policy_decrypt_info rule = policy_decrypt_info(policy, i);
		enum policy_why why = policy_decrypt_why(policy, i, q);

		if (answer->verdict == DKE_VERDICT_CANARY && i == answer->rule)
			(void)printf("line %u\tdecrypt \"%s\"\thas this document as a canary\n",
			    rule.line, rule.title);
		else if (answer->verdict != DKE_VERDICT_CANARY && why == POLICY_MATCHES)
			(void)printf("line %u\tdecrypt \"%s\"\tmatches: allow = %s\n", rule.line,
			    rule.title, rule.allow ? "true" : "false");
		else if (answer->verdict != DKE_VERDICT_CANARY)
			(void)printf("line %u\tdecrypt \"%s\"\tdoes not match: %s\n", rule.line,
			    rule.title, policy_why_name(why));
	}
	if (answer->rule == policy_decrypts(policy))
		(void)printf("no rule matches\n");
}

static void
say_budget(const struct policy_decrypt_info *rule)
{
	const struct {
		uint32_t limit;
		const char *words;
	} budgets[] = { { rule->per_minute, "a minute for each person" },
		{ rule->per_day, "a day for each person" },
		{ rule->document_per_day, "a day for each document" },
		{ rule->key_per_day, "a day for the key" } };

	for (size_t i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++)
		if (budgets[i].limit > 0)
			(void)printf("budget\t%u %s\n", budgets[i].limit, budgets[i].words);
}

/* user, key, address and time are those of a native request. */
int
policy_explain_dke(
    const struct policy *policy, const struct policy_case *c, const struct policy_question *native)
{
	static struct asked a;
	struct policy_dke_answer answer;
	struct policy_decrypt_info rule;

	a.question = (struct policy_dke_question){ .key = native->key,
		.person = native->user,
		.document = "",
		.time = native->time,
		.groups.item = a.groups,
		.roles.item = a.roles,
		.approval = a.approvals,
		.ldap_groups.item = a.ldap_groups };
	memcpy(a.question.address, native->address, sizeof(a.question.address));
	for (unsigned i = 0; i < c->factor_count; i++)
		if (!take(&a, c->factor[i]))
			return tell_usage("policy check",
			    "with --factor tenant=NAME go gate=GATE, approval=USER,"
			    " token-group=GUID, role=TEXT, ldap-group=NAME and document=HEX");
	answer = policy_dke_judge(policy, &a.question);
	say_tried(policy, &a.question, &answer);
	if (answer.verdict != DKE_VERDICT_DENY && answer.verdict != DKE_VERDICT_CANARY) {
		char gates[1024];

		rule = policy_decrypt_info(policy, answer.rule);
		(void)printf(
		    "gates\t%s\n", policy_decrypt_gates(policy, answer.rule, gates, sizeof(gates)));
		if (rule.approvals > 0)
			(void)printf("approvals\t%u for %u hours, %u there\n", rule.approvals,
			    rule.approval_hours, answer.counted_count);
		say_budget(&rule);
	}
	(void)printf("verdict\t%s%s%s%s\n", answer.verdict > DKE_VERDICT_ALLOW ? "deny: " : "",
	    policy_dke_verdict_name(answer.verdict),
	    answer.verdict == DKE_VERDICT_ALLOW ? ", level " : "",
	    answer.verdict == DKE_VERDICT_ALLOW ? policy_level_name(answer.level) : "");
	return answer.verdict == DKE_VERDICT_ALLOW ? 0 : STATUS_DENIED;
}
