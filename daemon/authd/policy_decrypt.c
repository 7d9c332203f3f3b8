/* SPDX-License-Identifier: Apache-2.0 */
/* Tenants, and judgement by decrypt rules, spec/profiles/ms-dke.md sections 5.1 and 6. */
#include <string.h>

#include "authd/policy_impl.h"

static const struct policy_section *
tenant_of(const struct policy *policy, unsigned tenant)
{
	return &policy->of[POLICY_TENANT].item[tenant];
}

static const struct policy_section *
rule_of(const struct policy *policy, unsigned rule)
{
	return &policy->of[POLICY_DECRYPT].item[rule];
}

const char *
policy_tenant_id(const struct policy *policy, unsigned tenant)
{
	return tenant_of(policy, tenant)->tenant_id;
}

uint32_t
policy_tenant_quarantine_s(const struct policy *policy, unsigned tenant)
{
	const struct policy_section *s = tenant_of(policy, tenant);

	return policy_has(s, POLICY_QUARANTINE) ? s->quarantine : POLICY_QUARANTINE_S;
}

bool
policy_tenant_single_use(const struct policy *policy, unsigned tenant)
{
	return tenant_of(policy, tenant)->single_use;
}

const char *
policy_tenant_text(
    const struct policy *policy, unsigned tenant, enum policy_tenant_list which, unsigned item)
{
	static const enum policy_option options[] = { POLICY_TENANT_ISSUERS, POLICY_AUDIENCES,
		POLICY_CLIENTS, POLICY_SCOPES, POLICY_CLAIMS };
	static const char *const absent[][3] = {
		[POLICY_TENANT_LIST_SCOPES] = { "user_impersonation" },
		[POLICY_TENANT_LIST_CLAIMS] = { "upn", "email" },
	};
	const struct policy_list *list = &tenant_of(policy, tenant)->list[options[which]];

	if (!list->given)
		return item < 3 ? absent[which][item] : NULL;
	return item < list->count ? policy->text[list->first + item].s : NULL;
}

bool
policy_tenant_has(const struct policy *policy, unsigned tenant, enum policy_tenant_list list,
    const char *value, size_t len)
{
	const char *text;

	for (unsigned i = 0; (text = policy_tenant_text(policy, tenant, list, i)) != NULL; i++)
		if (strlen(text) == len && memcmp(text, value, len) == 0)
			return true;
	return false;
}

unsigned
policy_decrypts(const struct policy *policy)
{
	return policy->of[POLICY_DECRYPT].count;
}

struct policy_decrypt_info
policy_decrypt_info(const struct policy *policy, unsigned rule)
{
	const struct policy_section *s = rule_of(policy, rule);
	unsigned texts[POLICY_GATES_MAX], approved = 0;
	const unsigned count = policy_decrypt_texts(policy, s, texts);

	for (unsigned i = 0; i < count; i++)
		approved |= texts[i] & POLICY_GATES_APPROVED;
	return (struct policy_decrypt_info){ s->title, s->line, s->allow, s->per_minute, s->per_day,
		s->document_per_day, s->key_per_day, policy_gates_lowest(texts, count),
		s->approvals, policy_approval_hours(s), approved };
}

static bool
list_has(const struct policy *policy, const struct policy_list *list, const char *text)
{
	return policy_list_has(policy, list, text, strlen(text));
}

/* "*" in a group is every user of native requests, and nobody here. */
static bool
in_group(const struct policy *policy, const struct policy_section *rule, const char *person)
{
	for (unsigned i = 0; i < policy->of[POLICY_GROUP].count; i++) {
		const struct policy_section *g = &policy->of[POLICY_GROUP].item[i];

		if (list_has(policy, &rule->list[POLICY_GROUPS], g->title) &&
		    list_has(policy, &g->list[POLICY_USERS], person) && strcmp(person, "*") != 0)
			return true;
	}
	return false;
}

static bool
one_of(
    const struct policy *policy, const struct policy_list *list, const struct policy_texts *texts)
{
	for (unsigned i = 0; i < texts->count; i++)
		if (list_has(policy, list, texts->item[i]))
			return true;
	return false;
}

enum policy_why
policy_decrypt_why(const struct policy *policy, unsigned rule, const struct policy_dke_question *q)
{
	const struct policy_section *s = rule_of(policy, rule);
	enum policy_why why = POLICY_MATCHES, where;

	if (!list_has(policy, &s->list[POLICY_DKE_KEYS], q->key))
		return POLICY_NOT_KEY;
	if (!list_has(policy, &s->list[POLICY_TENANTS], q->tenant))
		return POLICY_NOT_TENANT;
	if (!list_has(policy, &s->list[POLICY_PERSONS], q->person) &&
	    !in_group(policy, s, q->person) &&
	    !one_of(policy, &s->list[POLICY_TOKEN_GROUPS], &q->groups) &&
	    !one_of(policy, &s->list[POLICY_ROLES], &q->roles) &&
	    !one_of(policy, &s->list[POLICY_LDAP_GROUPS], &q->ldap_groups)) {
		/* It may be one of these: neither this rule nor the next one can be sure. Nor can
		 * one that does not allow where the group that it is about is not there. */
		if (!policy_groups_of(policy, &s->list[POLICY_LDAP_GROUPS], q->unknown) &&
		    (s->allow || !one_of(policy, &s->list[POLICY_LDAP_GROUPS], &q->ldap_gone)))
			return POLICY_NOT_USER;
		why = POLICY_NOT_KNOWN;
	}
	where = policy_where_and_when(policy, s, q->address, q->time);
	return where == POLICY_MATCHES ? why : where;
}

/* The rule for this key that has the document as a canary, whoever asks; or none. */
static unsigned
canary_rule(const struct policy *policy, const struct policy_dke_question *q)
{
	unsigned i = 0;

	for (; i < policy_decrypts(policy); i++) {
		const struct policy_section *s = rule_of(policy, i);

		if (list_has(policy, &s->list[POLICY_DKE_KEYS], q->key) &&
		    list_has(policy, &s->list[POLICY_CANARIES], q->document))
			break;
	}
	return i;
}

static void
judge_gates(const struct policy *policy, const struct policy_section *s,
    const struct policy_dke_question *q, struct policy_dke_answer *answer)
{
	unsigned texts[POLICY_GATES_MAX], held = q->held;
	const unsigned count = policy_decrypt_texts(policy, s, texts);

	/* It matches, so the address is in one of them. */
	if (s->list[POLICY_NETWORKS].given)
		held |= POLICY_GATE_NETWORK;
	for (unsigned i = 0; i < count; i++)
		answer->named |= texts[i];
	held |= policy_approved_gates(policy, s, q, answer);
	answer->level = policy_gates_level(texts, count, held);
	if (answer->level != POLICY_LEVEL_NONE)
		answer->verdict = DKE_VERDICT_ALLOW;
	else if (policy_gates_level(texts, count, held | POLICY_GATES_APPROVED) !=
	    POLICY_LEVEL_NONE)
		answer->verdict = DKE_VERDICT_APPROVALS;
	else
		answer->verdict = DKE_VERDICT_GATE;
}

static bool
decides(enum policy_why why)
{
	return why == POLICY_MATCHES || why == POLICY_NOT_KNOWN;
}

struct policy_dke_answer
policy_dke_judge(const struct policy *policy, const struct policy_dke_question *q)
{
	struct policy_dke_answer answer = { .verdict = DKE_VERDICT_CANARY,
		.rule = canary_rule(policy, q) };
	enum policy_why why = POLICY_NOT_KEY;
	unsigned i = 0;

	if (answer.rule < policy_decrypts(policy))
		return answer;
	while (i < policy_decrypts(policy) && !decides(why = policy_decrypt_why(policy, i, q)))
		i++;
	answer = (struct policy_dke_answer){
		.verdict = DKE_VERDICT_DENY, .rule = i, .counted_count = 0
	};
	if (why == POLICY_NOT_KNOWN)
		answer.verdict = DKE_VERDICT_DIRECTORY;
	else if (i < policy_decrypts(policy) && rule_of(policy, i)->allow)
		judge_gates(policy, rule_of(policy, i), q, &answer);
	return answer;
}

const char *
policy_decrypt_keys(const struct policy *policy, unsigned rule, char *text, size_t cap)
{
	return policy_list_join(policy, &rule_of(policy, rule)->list[POLICY_DKE_KEYS], text, cap);
}

const char *
policy_decrypt_gates(const struct policy *policy, unsigned rule, char *text, size_t cap)
{
	const struct policy_list *list = &rule_of(policy, rule)->list[POLICY_GATES];

	return list->given ? policy_list_join(policy, list, text, cap) : "-";
}

const char *
policy_dke_verdict_name(enum policy_dke_verdict verdict)
{
	static const char *const verdicts[] = { "deny", "allow", "gate", "canary",
		"approval-required", "directory" };

	return verdict <= DKE_VERDICT_DIRECTORY ? verdicts[verdict] : "?";
}
