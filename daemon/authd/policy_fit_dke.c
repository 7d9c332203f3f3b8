/* SPDX-License-Identifier: Apache-2.0 */
/* What options of tenants and of decrypt rules must have to do with each other,
 * spec/profiles/ms-dke.md sections 5.1, 6 and 7.2. */
#include <string.h>

#include "authd/policy_parser.h"

static bool
have_all(struct policy_parser *p, const struct policy_section *s, const enum policy_option *options,
    size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!policy_has(s, options[i]))
			return policy_fail(p, POLICY_MISSING_OPTION, s->line, "\"%s\" has no %s",
			    s->title, policy_option_name[options[i]]);
	return true;
}

/* Whether the id is a whole segment of the path. */
static bool
names_tenant(const char *url, const char *id)
{
	const char *path = strchr(url + strlen("https://"), '/');
	size_t len = strlen(id);

	while (path && *path == '/') {
		size_t segment = strcspn(++path, "/?");

		if (segment == len && memcmp(path, id, len) == 0)
			return true;
		path += segment;
	}
	return false;
}

bool
policy_key_set_url_ok(const char *metadata, const char *id, const char *url)
{
	size_t server = strlen("https://") + strcspn(metadata + strlen("https://"), "/?");

	return policy_is_url(url) && names_tenant(url, id) && strncmp(metadata, url, server) == 0 &&
	    url[server] == '/';
}

static bool
issuers_name_tenant(struct policy_parser *p, const struct policy_section *tenant)
{
	const struct policy_list *list = &tenant->list[POLICY_TENANT_ISSUERS];

	for (unsigned i = list->first; i < list->first + list->count; i++) {
		const struct policy_text *url = &p->policy->text[i];

		if (!names_tenant(url->s, tenant->tenant_id))
			return policy_fail(p, POLICY_VALUE, url->line,
			    "\"%.64s\" has not the id of the tenant in its path", url->s);
	}
	return true;
}

static bool
sources_name_tenant(struct policy_parser *p, const struct policy_section *tenant)
{
	const char *wrong = NULL;

	if (tenant->metadata && tenant->key_set)
		wrong = "metadata and key-set are both there";
	else if ((tenant->metadata && !names_tenant(tenant->metadata, tenant->tenant_id)) ||
	    (tenant->key_set && !names_tenant(tenant->key_set, tenant->tenant_id)))
		wrong = "the URL has not the id of the tenant in its path";
	return !wrong ||
	    policy_fail(
		p, POLICY_KEY_SET_OPTIONS, tenant->line, "\"%s\": %s", tenant->title, wrong);
}

/* A token is that of one tenant. */
static bool
issuers_are_new(struct policy_parser *p, const struct policy_section *tenant)
{
	const struct policy *policy = p->policy;
	const struct policy_list *mine = &tenant->list[POLICY_TENANT_ISSUERS];

	for (const struct policy_section *other = policy->of[POLICY_TENANT].item; other < tenant;
	     other++)
		for (unsigned i = mine->first; i < mine->first + mine->count; i++)
			if (policy_list_has(policy, &other->list[POLICY_TENANT_ISSUERS],
				policy->text[i].s, strlen(policy->text[i].s)))
				return policy_fail(p, POLICY_REPEATED_ISSUER, tenant->line,
				    "\"%s\" has an issuer of \"%s\"", tenant->title, other->title);
	return true;
}

bool
policy_tenant_fits(struct policy_parser *p, const struct policy_section *tenant)
{
	static const enum policy_option needed[] = { POLICY_TENANT_ID, POLICY_TENANT_ISSUERS,
		POLICY_AUDIENCES, POLICY_CLIENTS };

	return have_all(p, tenant, needed, sizeof(needed) / sizeof(needed[0])) &&
	    issuers_name_tenant(p, tenant) && sources_name_tenant(p, tenant) &&
	    issuers_are_new(p, tenant);
}

static bool
has_somebody(struct policy_parser *p, const struct policy_section *rule)
{
	if (policy_has(rule, POLICY_PERSONS) || policy_has(rule, POLICY_GROUPS) ||
	    policy_has(rule, POLICY_TOKEN_GROUPS) || policy_has(rule, POLICY_ROLES) ||
	    policy_has(rule, POLICY_LDAP_GROUPS))
		return true;
	return policy_fail(p, POLICY_MISSING_OPTION, rule->line,
	    "\"%s\" has no users, groups, token-groups, roles or ldap-groups", rule->title);
}

unsigned
policy_decrypt_texts(
    const struct policy *policy, const struct policy_section *rule, unsigned ret[POLICY_GATES_MAX])
{
	const struct policy_list *list = &rule->list[POLICY_GATES];

	for (unsigned i = 0; i < list->count; i++)
		ret[i] = policy_gates_parse(policy->text[list->first + i].s);
	return list->count;
}

/* Where both gates could stand in different texts, an approver would have to approve twice. */
static bool
approvals_fit(const struct policy_parser *p, const struct policy_section *rule,
    const unsigned *texts, unsigned count)
{
	unsigned wanted = 0;

	for (unsigned i = 0; i < count; i++)
		wanted |= texts[i] & POLICY_GATES_APPROVED;
	if (wanted == 0)
		return !policy_has(rule, POLICY_APPROVALS) && !policy_has(rule, POLICY_APPROVERS) &&
		    !policy_has(rule, POLICY_APPROVAL_HOURS);
	for (unsigned i = 0; i < count; i++)
		if ((texts[i] & POLICY_GATES_APPROVED) &&
		    (texts[i] & POLICY_GATES_APPROVED) != wanted)
			return false;
	return rule->approvals > 0 && policy_approvers_fit(p->policy, rule);
}

static bool
gates_fit(struct policy_parser *p, const struct policy_section *rule, const unsigned *texts,
    unsigned count)
{
	unsigned gates = 0;
	const char *wrong = NULL;

	for (unsigned i = 0; i < count; i++)
		gates |= texts[i];
	if (!rule->allow && (gates != 0 || policy_has(rule, POLICY_ACCEPT_LEVEL)))
		wrong = "a rule that does not allow has no gates";
	else if ((gates & POLICY_GATE_NETWORK) && !policy_has(rule, POLICY_NETWORKS))
		wrong = "the gate network is one of networks";
	else if (!approvals_fit(p, rule, texts, count))
		wrong = "approvals, as many different approvers and their gates go together";
	return !wrong ||
	    policy_fail(p, POLICY_FACTORS, rule->line, "\"%s\": %s", rule->title, wrong);
}

static bool
level_fits(struct policy_parser *p, const struct policy_section *rule, enum policy_level lowest)
{
	if (!rule->allow || lowest == POLICY_LEVEL_C || lowest == rule->accept_level)
		return true;
	return policy_fail(p, POLICY_LEVEL, rule->line,
	    "\"%s\" may come to level %s: no gate that covers the one request must hold",
	    rule->title, policy_level_name(lowest));
}

bool
policy_decrypt_fits(struct policy_parser *p, const struct policy_section *rule)
{
	static const enum policy_option needed[] = { POLICY_DKE_KEYS, POLICY_TENANTS,
		POLICY_ALLOW };
	unsigned texts[POLICY_GATES_MAX], count;

	if (!have_all(p, rule, needed, sizeof(needed) / sizeof(needed[0])) ||
	    !has_somebody(p, rule))
		return false;
	count = policy_decrypt_texts(p->policy, rule, texts);
	return gates_fit(p, rule, texts, count) &&
	    level_fits(p, rule, policy_gates_lowest(texts, count));
}
