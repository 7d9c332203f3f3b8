/* SPDX-License-Identifier: Apache-2.0 */
/* Judgement, spec/policy.md section 5. */
#include <stdlib.h>
#include <string.h>

#include "authd/policy_impl.h"

void
policy_free(struct policy *policy)
{
	if (!policy)
		return;
	free(policy->copy);
	free(policy->text);
	free(policy->group);
	free(policy->rule);
	free(policy);
}

unsigned
policy_rules(const struct policy *policy)
{
	return policy->rule_count;
}

struct policy_rule_info
policy_rule_info(const struct policy *policy, unsigned rule)
{
	const struct policy_section *r = &policy->rule[rule];

	return (struct policy_rule_info){ r->title, r->line, r->allow, r->per_minute, r->per_day };
}

static bool
has_text(const struct policy *policy, const struct policy_list *list, const void *value, size_t len)
{
	for (unsigned i = 0; i < list->count; i++) {
		const char *item = policy->text[list->first + i].s;

		if (strlen(item) == len && (len == 0 || memcmp(item, value, len) == 0))
			return true;
	}
	return false;
}

static bool
has_name(const struct policy *policy, const struct policy_list *list, const char *name)
{
	return has_text(policy, list, "*", 1) || has_text(policy, list, name, strlen(name));
}

static bool
has_user(const struct policy *policy, const struct policy_section *rule, const char *user)
{
	const struct policy_list *groups = &rule->list[POLICY_GROUPS];

	if (has_name(policy, &rule->list[POLICY_USERS], user))
		return true;
	for (unsigned i = 0; i < policy->group_count; i++) {
		const struct policy_section *g = &policy->group[i];

		if (has_text(policy, groups, g->title, strlen(g->title)) &&
		    has_name(policy, &g->list[POLICY_USERS], user))
			return true;
	}
	return false;
}

/* IPv4 addresses and networks are both under ::ffff:0:0/96, and no IPv6 network
 * may match them. */
static bool
in_network(const struct policy_network *n, const uint8_t address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool v4 = memcmp(address, mapped, sizeof(mapped)) == 0;

	if (v4 != (n->bits >= 96 && memcmp(n->address, mapped, sizeof(mapped)) == 0))
		return false;
	for (unsigned i = 0; i < n->bits; i++)
		if ((n->address[i / 8] ^ address[i / 8]) & (0x80u >> (i % 8)))
			return false;
	return true;
}

static bool
in_networks(const struct policy *policy, const struct policy_list *list, const uint8_t address[16])
{
	static const uint8_t unknown[16];
	struct policy_network network;

	if (memcmp(address, unknown, sizeof(unknown)) == 0)
		return false;
	for (unsigned i = 0; i < list->count; i++)
		if (policy_network_parse(policy->text[list->first + i].s, &network) &&
		    in_network(&network, address))
			return true;
	return false;
}

/* Minutes there since 1970; the day 1970-01-01 was a Thursday. */
static int64_t
minutes_there(const struct policy_section *rule, uint64_t time)
{
	return (int64_t)(time / 60) + rule->zone;
}

static unsigned
weekday_of(int64_t minutes)
{
	int64_t days = minutes / 1440 - (minutes % 1440 < 0 ? 1 : 0);

	return (unsigned)(((days + 3) % 7 + 7) % 7);
}

static bool
in_hours(const struct policy *policy, const struct policy_list *list, int64_t minutes)
{
	unsigned of_day = (unsigned)((minutes % 1440 + 1440) % 1440);
	struct policy_hours hours;

	for (unsigned i = 0; i < list->count; i++)
		if (policy_hours_parse(policy->text[list->first + i].s, &hours) &&
		    of_day >= hours.begin && of_day < hours.end)
			return true;
	return false;
}

enum policy_why
policy_rule_why(const struct policy *policy, unsigned number, const struct policy_question *q)
{
	const struct policy_section *rule = &policy->rule[number];
	const struct policy_list *list = rule->list;
	int64_t minutes = minutes_there(rule, q->time);

	if (!has_name(policy, &list[POLICY_KEYS], q->key))
		return POLICY_NOT_KEY;
	if (!has_user(policy, rule, q->user))
		return POLICY_NOT_USER;
	if (list[POLICY_DEVICES].given && !has_text(policy, &list[POLICY_DEVICES], q->device, 64))
		return POLICY_NOT_DEVICE;
	if (list[POLICY_LABELS].given &&
	    !has_text(policy, &list[POLICY_LABELS], q->label, q->label_len))
		return POLICY_NOT_LABEL;
	if (list[POLICY_NETWORKS].given && !in_networks(policy, &list[POLICY_NETWORKS], q->address))
		return POLICY_NOT_NETWORK;
	if (list[POLICY_WEEKDAYS].given && !(rule->weekdays & (1u << weekday_of(minutes))))
		return POLICY_NOT_WEEKDAY;
	if (list[POLICY_HOURS].given && !in_hours(policy, &list[POLICY_HOURS], minutes))
		return POLICY_NOT_HOURS;
	return POLICY_MATCHES;
}

bool
policy_allows(const struct policy *policy, const struct policy_question *q, unsigned *ret_rule)
{
	unsigned i = 0;

	while (i < policy->rule_count && policy_rule_why(policy, i, q) != POLICY_MATCHES)
		i++;
	*ret_rule = i;
	return i < policy->rule_count && policy->rule[i].allow;
}

const char *
policy_error_name(enum policy_error error)
{
	static const char *const names[] = { "ok", "too-large", "text", "environment", "syntax",
		"too-many", "title", "repeated-title", "unknown-option", "repeated-option", "value",
		"missing-option", "unknown-group", "no-memory" };

	return error <= POLICY_NO_MEMORY ? names[error] : "?";
}

const char *
policy_why_name(enum policy_why why)
{
	static const char *const names[] = { "matches", "key", "user", "device", "label", "network",
		"weekday", "hours" };

	return why <= POLICY_NOT_HOURS ? names[why] : "?";
}
