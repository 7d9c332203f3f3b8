/* SPDX-License-Identifier: Apache-2.0 */
/* Approvals that stand, spec/profiles/ms-dke.md section 7.3: which of them count for a rule. */
#include <string.h>

#include "authd/policy_impl.h"

struct standing {
	unsigned count;
	unsigned place[POLICY_STANDING_MAX]; /* in the question, ascending */
};

bool
policy_decrypt_approver(const struct policy *policy, unsigned rule, const char *user)
{
	const struct policy_section *s = &policy->of[POLICY_DECRYPT].item[rule];

	return policy_list_has(policy, &s->list[POLICY_APPROVERS], user, strlen(user));
}

bool
policy_decrypt_has_key(const struct policy *policy, unsigned rule, const char *key)
{
	const struct policy_section *s = &policy->of[POLICY_DECRYPT].item[rule];

	return policy_list_has(policy, &s->list[POLICY_DKE_KEYS], key, strlen(key));
}

static bool
may_count(const struct policy *policy, const struct policy_section *s,
    const struct policy_dke_question *q, const struct policy_approval *a)
{
	return policy_list_has(policy, &s->list[POLICY_APPROVERS], a->user, strlen(a->user)) &&
	    strcmp(a->user, q->person) != 0 &&
	    a->time + (uint64_t)policy_approval_hours(s) * 3600 > q->time;
}

/* Of a user, the last one. */
static void
add(const struct policy_dke_question *q, struct standing *st, unsigned place)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < st->count; i++)
		if (strcmp(q->approval[st->place[i]].user, q->approval[place].user) != 0)
			st->place[kept++] = st->place[i];
	st->place[kept++] = place;
	st->count = kept;
}

/* Whoever signed for more approvals than there are is left out, until nobody is. */
static void
leave_out(const struct policy_dke_question *q, struct standing *st)
{
	unsigned before;

	do {
		unsigned kept = 0;

		before = st->count;
		for (unsigned i = 0; i < before; i++)
			if (q->approval[st->place[i]].needed <= before)
				st->place[kept++] = st->place[i];
		st->count = kept;
	} while (st->count < before);
}

static bool
are_enough(const struct policy *policy, const struct policy_section *s,
    const struct policy_dke_question *q, bool key, struct policy_dke_answer *answer)
{
	struct standing st = { .count = 0 };
	unsigned skip;

	for (unsigned i = 0; i < q->approval_count && i < POLICY_STANDING_MAX; i++)
		if (q->approval[i].key == key && may_count(policy, s, q, &q->approval[i]))
			add(q, &st, i);
	leave_out(q, &st);
	if (st.count == 0 || st.count < s->approvals)
		return false;
	skip = st.count > POLICY_APPROVALS_MAX ? st.count - POLICY_APPROVALS_MAX : 0;
	answer->counted_count = st.count - skip;
	memcpy(answer->counted, st.place + skip, answer->counted_count * sizeof(st.place[0]));
	return true;
}

unsigned
policy_approved_gates(const struct policy *policy, const struct policy_section *s,
    const struct policy_dke_question *q, struct policy_dke_answer *answer)
{
	unsigned texts[POLICY_GATES_MAX], wanted = 0;
	const unsigned count = policy_decrypt_texts(policy, s, texts);

	for (unsigned i = 0; q->approval_count > 0 && i < count; i++)
		wanted |= texts[i] & POLICY_GATES_APPROVED;
	if ((wanted & POLICY_GATE_APPROVED_DOCUMENT) && are_enough(policy, s, q, false, answer))
		return POLICY_GATE_APPROVED_DOCUMENT;
	if ((wanted & POLICY_GATE_APPROVED_KEY) && are_enough(policy, s, q, true, answer))
		return POLICY_GATE_APPROVED_KEY;
	return 0;
}
