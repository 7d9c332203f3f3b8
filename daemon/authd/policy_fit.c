/* SPDX-License-Identifier: Apache-2.0 */
/* What options of a section, and names of sections, must have to do with each other,
 * spec/policy.md sections 2 and 6. */
#include <string.h>

#include "authd/policy_parser.h"

/* A list with a name twice would let one approver count for two. */
bool
policy_approvers_fit(const struct policy *policy, const struct policy_section *rule)
{
	const struct policy_list *list = &rule->list[POLICY_APPROVERS];
	const struct policy_text *text = policy->text + list->first;

	if (list->given != (rule->approvals > 0) || list->count < rule->approvals)
		return false;
	for (unsigned i = 0; i < list->count; i++)
		for (unsigned j = 0; j < i; j++)
			if (strcmp(text[i].s, text[j].s) == 0)
				return false;
	return true;
}

static bool
factors_fit(struct policy_parser *p, const struct policy_section *rule)
{
	const char *wrong = NULL;

	if (rule->list[POLICY_TOKENS].given && rule->approvals > 0)
		wrong = "tokens end before people have approved";
	else if (!rule->allow &&
	    (rule->list[POLICY_CERTIFICATE].given || rule->list[POLICY_TOKENS].given ||
		rule->list[POLICY_APPROVERS].given || rule->approvals > 0))
		wrong = "a rule that does not allow has no factors";
	else if (!policy_approvers_fit(p->policy, rule))
		wrong = "approvals and as many different approvers go together";
	return !wrong ||
	    policy_fail(p, POLICY_FACTORS, rule->line, "\"%s\": %s", rule->title, wrong);
}

static const char *
missing(const struct policy_section *section, enum policy_kind kind)
{
	static const enum policy_option of_issuer[] = { POLICY_URL, POLICY_AUDIENCE, POLICY_CLAIM,
		POLICY_MAX_AGE };

	if (kind == POLICY_ISSUER) {
		for (size_t i = 0; i < sizeof(of_issuer) / sizeof(of_issuer[0]); i++)
			if (!policy_has(section, of_issuer[i]))
				return policy_option_name[of_issuer[i]];
		return NULL;
	}
	if (kind == POLICY_AUDITOR)
		return section->key_id ? NULL : "key-id";
	if (!section->list[POLICY_USERS].given && !section->list[POLICY_GROUPS].given)
		return kind == POLICY_GROUP ? "users" : "users or groups";
	if (kind == POLICY_RULE && !section->list[POLICY_KEYS].given)
		return "keys";
	return kind == POLICY_RULE && !policy_has(section, POLICY_ALLOW) ? "allow" : NULL;
}

static bool
url_is_new(struct policy_parser *p, const struct policy_section *issuer)
{
	for (const struct policy_section *other = p->policy->of[POLICY_ISSUER].item; other < issuer;
	     other++)
		if (strcmp(other->url, issuer->url) == 0)
			return policy_fail(p, POLICY_REPEATED_ISSUER, issuer->line,
			    "\"%s\" has the url of \"%s\"", issuer->title, other->title);
	return true;
}

/* A set that is thrown away before it is fetched again would come and go. */
static bool
key_set_fits(struct policy_parser *p, const struct policy_section *issuer)
{
	const char *wrong = NULL;

	if (!issuer->key_set && !issuer->metadata &&
	    (issuer->key_set_ca || issuer->key_set_refresh || issuer->key_set_max_age))
		wrong = "only a key-set that is fetched has such options";
	else if (policy_key_set_max_age(issuer) < policy_key_set_refresh(issuer))
		wrong = "key-set-max-age is below key-set-refresh";
	return !wrong ||
	    policy_fail(
		p, POLICY_KEY_SET_OPTIONS, issuer->line, "\"%s\": %s", issuer->title, wrong);
}

bool
policy_section_fits(
    struct policy_parser *p, const struct policy_section *section, enum policy_kind kind)
{
	const char *what;

	if (kind == POLICY_TENANT)
		return policy_tenant_fits(p, section) && key_set_fits(p, section);
	if (kind == POLICY_DIRECTORY)
		return policy_directory_fits(p, section);
	if (kind == POLICY_DECRYPT)
		return policy_decrypt_fits(p, section);
	what = missing(section, kind);
	if (what)
		return policy_fail(p, POLICY_MISSING_OPTION, section->line, "\"%s\" has no %s",
		    section->title, what);
	if (kind == POLICY_RULE)
		return factors_fit(p, section);
	return kind != POLICY_ISSUER || (key_set_fits(p, section) && url_is_new(p, section));
}

static bool
is_title(const struct policy_sections *all, const char *name)
{
	for (unsigned i = 0; i < all->count; i++)
		if (strcmp(all->item[i].title, name) == 0)
			return true;
	return false;
}

/* Names in a list of every rule of a kind that must be titles of another kind. */
static bool
check_names(struct policy_parser *p, enum policy_kind of, enum policy_option option,
    enum policy_kind kind, enum policy_error error)
{
	const struct policy *policy = p->policy;
	const struct policy_sections *rules = &policy->of[of];

	for (unsigned r = 0; r < rules->count; r++) {
		const struct policy_list *list = &rules->item[r].list[option];

		for (unsigned i = list->first; i < list->first + list->count; i++)
			if (!is_title(&policy->of[kind], policy->text[i].s))
				return policy_fail(p, error, policy->text[i].line,
				    "there is no %s \"%.64s\"", policy_kind_name[kind],
				    policy->text[i].s);
	}
	return true;
}

bool
policy_names_fit(struct policy_parser *p)
{
	return check_names(p, POLICY_RULE, POLICY_GROUPS, POLICY_GROUP, POLICY_UNKNOWN_GROUP) &&
	    check_names(p, POLICY_DECRYPT, POLICY_GROUPS, POLICY_GROUP, POLICY_UNKNOWN_GROUP) &&
	    policy_ldap_groups_fit(p) &&
	    check_names(p, POLICY_RULE, POLICY_TOKENS, POLICY_ISSUER, POLICY_UNKNOWN_ISSUER) &&
	    check_names(p, POLICY_DECRYPT, POLICY_TENANTS, POLICY_TENANT, POLICY_UNKNOWN_ISSUER) &&
	    check_names(p, POLICY_DIRECTORY, POLICY_TENANTS, POLICY_TENANT, POLICY_UNKNOWN_ISSUER);
}
