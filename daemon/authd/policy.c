/* SPDX-License-Identifier: Apache-2.0 */
/* Judgement, spec/policy.md section 5. */
#include <stdio.h>
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
	for (unsigned i = 0; i < POLICY_KINDS; i++)
		free(policy->of[i].item);
	free(policy);
}

unsigned
policy_rules(const struct policy *policy)
{
	return policy->of[POLICY_RULE].count;
}

struct policy_rule_info
policy_rule_info(const struct policy *policy, unsigned rule)
{
	const struct policy_section *r = &policy->of[POLICY_RULE].item[rule];

	return (struct policy_rule_info){ r->title, r->line, r->allow, r->per_minute, r->per_day,
		r->list[POLICY_CERTIFICATE].given, r->list[POLICY_TOKENS].given, r->approvals };
}

unsigned
policy_issuers(const struct policy *policy)
{
	return policy->of[POLICY_ISSUER].count + policy->of[POLICY_TENANT].count;
}

struct policy_issuer
policy_issuer(const struct policy *policy, unsigned issuer)
{
	unsigned issuers = policy->of[POLICY_ISSUER].count;
	const struct policy_section *s = issuer < issuers
	    ? &policy->of[POLICY_ISSUER].item[issuer]
	    : &policy->of[POLICY_TENANT].item[issuer - issuers];

	return (struct policy_issuer){ .title = s->title,
		.tenant = issuer >= issuers,
		.number = issuer < issuers ? issuer : issuer - issuers,
		.metadata = s->metadata != NULL,
		.line = s->line,
		.url = s->url,
		.audience = s->audience,
		.claim = s->claim,
		.max_age_s = s->max_age ? s->max_age : POLICY_TENANT_AGE_S,
		.key_set = s->metadata ? s->metadata : s->key_set,
		.key_set_ca = s->key_set_ca,
		.key_set_refresh_s = policy_key_set_refresh(s),
		.key_set_max_age_s = policy_key_set_max_age(s) };
}

unsigned
policy_auditors(const struct policy *policy)
{
	return policy->of[POLICY_AUDITOR].count;
}

struct policy_auditor
policy_auditor(const struct policy *policy, unsigned auditor)
{
	const struct policy_section *s = &policy->of[POLICY_AUDITOR].item[auditor];

	return (struct policy_auditor){ .title = s->title, .key_id = s->key_id };
}

bool
policy_list_has(
    const struct policy *policy, const struct policy_list *list, const void *value, size_t len)
{
	for (unsigned i = 0; i < list->count; i++) {
		const char *item = policy->text[list->first + i].s;

		if (strlen(item) == len && (len == 0 || memcmp(item, value, len) == 0))
			return true;
	}
	return false;
}

bool
policy_has_name(const struct policy *policy, const struct policy_list *list, const char *name)
{
	return policy_list_has(policy, list, "*", 1) ||
	    policy_list_has(policy, list, name, strlen(name));
}

bool
policy_has_user(const struct policy *policy, const struct policy_section *rule, const char *user)
{
	const struct policy_list *groups = &rule->list[POLICY_GROUPS];

	if (policy_has_name(policy, &rule->list[POLICY_USERS], user))
		return true;
	for (unsigned i = 0; i < policy->of[POLICY_GROUP].count; i++) {
		const struct policy_section *g = &policy->of[POLICY_GROUP].item[i];

		if (policy_list_has(policy, groups, g->title, strlen(g->title)) &&
		    policy_has_name(policy, &g->list[POLICY_USERS], user))
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
policy_where_and_when(const struct policy *policy, const struct policy_section *rule,
    const uint8_t address[16], uint64_t time)
{
	const struct policy_list *list = rule->list;
	int64_t minutes = minutes_there(rule, time);

	if (list[POLICY_NETWORKS].given && !in_networks(policy, &list[POLICY_NETWORKS], address))
		return POLICY_NOT_NETWORK;
	if (list[POLICY_WEEKDAYS].given && !(rule->weekdays & (1u << weekday_of(minutes))))
		return POLICY_NOT_WEEKDAY;
	if (list[POLICY_HOURS].given && !in_hours(policy, &list[POLICY_HOURS], minutes))
		return POLICY_NOT_HOURS;
	return POLICY_MATCHES;
}

enum policy_why
policy_rule_why(const struct policy *policy, unsigned number, const struct policy_question *q)
{
	const struct policy_section *rule = &policy->of[POLICY_RULE].item[number];
	const struct policy_list *list = rule->list;

	if (!policy_has_name(policy, &list[POLICY_KEYS], q->key))
		return POLICY_NOT_KEY;
	if (!policy_has_user(policy, rule, q->user))
		return POLICY_NOT_USER;
	if (list[POLICY_DEVICES].given &&
	    !policy_list_has(policy, &list[POLICY_DEVICES], q->device, 64))
		return POLICY_NOT_DEVICE;
	if (list[POLICY_LABELS].given &&
	    !policy_list_has(policy, &list[POLICY_LABELS], q->label, q->label_len))
		return POLICY_NOT_LABEL;
	return policy_where_and_when(policy, rule, q->address, q->time);
}

/* ---- factors ---- */

static bool
certificate_has(const struct policy_shown *shown, const char *kind, const char *name)
{
	size_t len = strlen(kind);

	for (unsigned i = 0; i < shown->name_count; i++)
		if (strncmp(shown->name[i], kind, len) == 0 &&
		    strcmp(shown->name[i] + len, name) == 0)
			return true;
	return false;
}

bool
policy_certificate(const struct policy *policy, unsigned rule, const struct policy_question *q)
{
	const struct policy_list *list =
	    &policy->of[POLICY_RULE].item[rule].list[POLICY_CERTIFICATE];

	if (!list->given)
		return true;
	if (q->shown.name_count == 0)
		return false;
	for (unsigned i = list->first; i < list->first + list->count; i++) {
		const char *value = policy->text[i].s;

		if (strcmp(value, "*") == 0 || certificate_has(&q->shown, "", value) ||
		    (strcmp(value, "user") == 0 &&
			(certificate_has(&q->shown, "cn:", q->user) ||
			    certificate_has(&q->shown, "email:", q->user))))
			return true;
	}
	return false;
}

bool
policy_token(const struct policy *policy, unsigned rule, const struct policy_question *q)
{
	const struct policy_list *list = &policy->of[POLICY_RULE].item[rule].list[POLICY_TOKENS];

	return !list->given ||
	    (q->shown.issuer &&
		policy_list_has(policy, list, q->shown.issuer, strlen(q->shown.issuer)));
}

static bool
is_before(const struct policy_shown *shown, unsigned i)
{
	for (unsigned j = 0; j < i; j++)
		if (strcmp(shown->approver[i], shown->approver[j]) == 0)
			return true;
	return false;
}

unsigned
policy_approvals(const struct policy *policy, unsigned rule, const struct policy_question *q)
{
	const struct policy_list *approvers =
	    &policy->of[POLICY_RULE].item[rule].list[POLICY_APPROVERS];
	unsigned count = 0;

	for (unsigned i = 0; i < q->shown.approver_count; i++) {
		const char *name = q->shown.approver[i];

		if (policy_list_has(policy, approvers, name, strlen(name)) &&
		    strcmp(name, q->user) != 0 && !is_before(&q->shown, i))
			count++;
	}
	return count;
}

enum policy_verdict
policy_judge(const struct policy *policy, const struct policy_question *q, unsigned *ret_rule)
{
	unsigned i = 0;

	while (i < policy->of[POLICY_RULE].count && policy_rule_why(policy, i, q) != POLICY_MATCHES)
		i++;
	*ret_rule = i;
	if (i == policy->of[POLICY_RULE].count || !policy->of[POLICY_RULE].item[i].allow)
		return VERDICT_DENY;
	if (!policy_certificate(policy, i, q))
		return VERDICT_NEEDS_CERTIFICATE;
	if (!policy_token(policy, i, q))
		return VERDICT_NEEDS_TOKEN;
	if (policy_approvals(policy, i, q) < policy->of[POLICY_RULE].item[i].approvals)
		return VERDICT_NEEDS_APPROVALS;
	return VERDICT_ALLOW;
}

const char *
policy_list_join(
    const struct policy *policy, const struct policy_list *list, char *text, size_t cap)
{
	size_t len = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < list->count; i++) {
		const char *item = policy->text[list->first + i].s;

		/* Always room for the dots. */
		if (len + strlen(item) + 2 + sizeof(", ...") > cap) {
			memcpy(text + len, ", ...", sizeof(", ..."));
			break;
		}
		len += (size_t)snprintf(text + len, cap - len, "%s%s", i ? ", " : "", item);
	}
	return text;
}

const char *
policy_list_text(const struct policy *policy, unsigned rule, enum policy_shown_list which,
    char *text, size_t cap)
{
	static const enum policy_option options[] = { POLICY_CERTIFICATE, POLICY_TOKENS,
		POLICY_APPROVERS };

	return policy_list_join(
	    policy, &policy->of[POLICY_RULE].item[rule].list[options[which]], text, cap);
}

const char *
policy_error_name(enum policy_error error)
{
	static const char *const names[] = { "ok", "too-large", "text", "environment", "syntax",
		"too-many", "title", "repeated-title", "unknown-option", "repeated-option", "value",
		"missing-option", "factors", "repeated-issuer", "key-set", "level", "unknown-group",
		"unknown-issuer", "issuer-keys", "no-memory" };

	return error <= POLICY_NO_MEMORY ? names[error] : "?";
}

const char *
policy_why_name(enum policy_why why)
{
	static const char *const names[] = { "matches", "key", "user", "device", "label", "network",
		"weekday", "hours", "tenant", "directory" };

	return why <= POLICY_NOT_KNOWN ? names[why] : "?";
}

const char *
policy_verdict_name(enum policy_verdict verdict)
{
	static const char *const names[] = { "deny", "allow", "certificate-required",
		"token-required", "approval-required" };

	return verdict <= VERDICT_NEEDS_APPROVALS ? names[verdict] : "?";
}
