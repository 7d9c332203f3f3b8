/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies. The input is a policy file; a few requests are put to each one that
 * parses, with user and key taken from it where it names some.
 */
#include <string.h>

#include "authd/policy_impl.h"
#include "fuzz.h"

static void
check_lists(const struct policy *policy, const struct policy_section *s)
{
	FUZZ_CHECK(strlen(s->title) >= 1 && strlen(s->title) <= POLICY_TITLE_MAX_BYTES);
	FUZZ_CHECK(s->list[POLICY_USERS].given || s->list[POLICY_GROUPS].given);
	FUZZ_CHECK(s->zone >= -840 && s->zone <= 840);
	for (unsigned o = 0; o < POLICY_LISTS; o++) {
		const struct policy_list *list = &s->list[o];

		FUZZ_CHECK(list->given == (list->count > 0));
		FUZZ_CHECK(list->first <= policy->text_count);
		FUZZ_CHECK(list->count <= policy->text_count - list->first);
		for (unsigned i = list->first; i < list->first + list->count; i++)
			FUZZ_CHECK(policy_value_ok(o, policy->text[i].s));
	}
}

/* The first rule that matches decides, and nothing behind it. */
static void
ask(const struct policy *policy, const char *user, const char *key, uint8_t fill, uint64_t time)
{
	struct policy_question q = { .user = user, .key = key, .time = time };
	unsigned rule, first = 0;
	enum policy_verdict verdict;

	memset(q.address, fill, sizeof(q.address));
	memset(q.device, 'a', 64);
	verdict = policy_judge(policy, &q, &rule);
	while (first < policy_rules(policy) && policy_rule_why(policy, first, &q) != POLICY_MATCHES)
		first++;
	FUZZ_CHECK(rule == first);
	FUZZ_CHECK((verdict != VERDICT_DENY) ==
	    (first < policy_rules(policy) && policy->of[POLICY_RULE].item[first].allow));
	/* Nothing was shown. */
	FUZZ_CHECK(verdict != VERDICT_ALLOW ||
	    (!policy_rule_info(policy, first).certificate &&
		!policy_rule_info(policy, first).token &&
		policy_rule_info(policy, first).approvals == 0));
}

/* Nothing is allowed at a level that the rule does not name. */
static void
ask_dke(const struct policy *policy, unsigned held)
{
	const struct policy_section *first = policy->of[POLICY_DECRYPT].item;
	struct policy_dke_question q = { .key = policy->text[first->list[POLICY_DKE_KEYS].first].s,
		.tenant = policy->text[first->list[POLICY_TENANTS].first].s,
		.person = first->list[POLICY_PERSONS].given
		    ? policy->text[first->list[POLICY_PERSONS].first].s
		    : "alice@contoso.com",
		.document = "",
		.held = held };
	struct policy_dke_answer answer = policy_dke_judge(policy, &q);
	const struct policy_section *rule;

	FUZZ_CHECK(answer.verdict != DKE_VERDICT_CANARY);
	FUZZ_CHECK((answer.verdict == DKE_VERDICT_ALLOW) == (answer.level != POLICY_LEVEL_NONE));
	if (answer.verdict != DKE_VERDICT_ALLOW)
		return;
	rule = &policy->of[POLICY_DECRYPT].item[answer.rule];
	FUZZ_CHECK(rule->allow);
	FUZZ_CHECK(answer.level == POLICY_LEVEL_C || answer.level == rule->accept_level);
	FUZZ_CHECK(held != 0 || answer.level != POLICY_LEVEL_C);
}

static void
judge(const struct policy *policy)
{
	const char *user = "alice", *key = "finance";

	FUZZ_CHECK(policy->of[POLICY_RULE].count <= POLICY_SECTIONS_MAX);
	for (unsigned i = 0; i < policy->of[POLICY_GROUP].count; i++)
		check_lists(policy, &policy->of[POLICY_GROUP].item[i]);
	for (unsigned i = 0; i < policy->of[POLICY_RULE].count; i++)
		check_lists(policy, &policy->of[POLICY_RULE].item[i]);
	ask(policy, user, key, 0, 0);
	for (unsigned held = 0; policy_decrypts(policy) > 0 && held < 128; held += 7)
		ask_dke(policy, held);
	if (policy->of[POLICY_RULE].count == 0)
		return;
	key = policy->text[policy->of[POLICY_RULE].item[0].list[POLICY_KEYS].first].s;
	if (policy->of[POLICY_RULE].item[0].list[POLICY_USERS].given)
		user = policy->text[policy->of[POLICY_RULE].item[0].list[POLICY_USERS].first].s;
	ask(policy, user, key, 0x20, 1924992000);
	ask(policy, user, key, 0x20, UINT64_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *exact = fuzz_exact(data, len);
	struct policy *policy = NULL;
	struct policy_fault fault;
	unsigned lines = 1;

	for (size_t i = 0; i < len; i++)
		lines += data[i] == '\n';
	if (policy_parse((const char *)exact, len, &policy, &fault)) {
		judge(policy);
		policy_free(policy);
	} else {
		FUZZ_CHECK(policy == NULL && fault.error != POLICY_OK);
		FUZZ_CHECK(fault.line >= 1 && fault.line <= lines);
	}
	free(exact);
	return 0;
}
