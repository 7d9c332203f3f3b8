/* SPDX-License-Identifier: Apache-2.0 */
/* Values of options, spec/policy.md sections 2 to 4 and 6: from text to a section. */
#include <stdlib.h>
#include <string.h>

#include "authd/policy_parser.h"

const char *const policy_option_name[POLICY_OPTIONS] = {
	[POLICY_KEYS] = "keys",
	[POLICY_USERS] = "users",
	[POLICY_GROUPS] = "groups",
	[POLICY_DEVICES] = "devices",
	[POLICY_LABELS] = "labels",
	[POLICY_NETWORKS] = "networks",
	[POLICY_WEEKDAYS] = "weekdays",
	[POLICY_HOURS] = "hours",
	[POLICY_CERTIFICATE] = "client-certificate",
	[POLICY_TOKENS] = "tokens",
	[POLICY_APPROVERS] = "approvers",
	[POLICY_ZONE] = "zone",
	[POLICY_PER_MINUTE] = "per-minute",
	[POLICY_PER_DAY] = "per-day",
	[POLICY_APPROVALS] = "approvals",
	[POLICY_ALLOW] = "allow",
	[POLICY_URL] = "url",
	[POLICY_AUDIENCE] = "audience",
	[POLICY_CLAIM] = "claim",
	[POLICY_MAX_AGE] = "max-age",
	[POLICY_KEY_SET] = "key-set",
	[POLICY_KEY_SET_CA] = "key-set-ca",
	[POLICY_KEY_SET_REFRESH] = "key-set-refresh",
	[POLICY_KEY_SET_MAX_AGE] = "key-set-max-age",
	[POLICY_KEY_ID] = "key-id",
	[POLICY_TENANT_ISSUERS] = "issuers",
	[POLICY_AUDIENCES] = "audiences",
	[POLICY_CLIENTS] = "clients",
	[POLICY_SCOPES] = "scopes",
	[POLICY_CLAIMS] = "claims",
	[POLICY_DKE_KEYS] = "keys",
	[POLICY_TENANTS] = "tenants",
	[POLICY_PERSONS] = "users",
	[POLICY_TOKEN_GROUPS] = "token-groups",
	[POLICY_ROLES] = "roles",
	[POLICY_CANARIES] = "canaries",
	[POLICY_GATES] = "gates",
	[POLICY_TENANT_ID] = "id",
	[POLICY_METADATA] = "metadata",
	[POLICY_TENANT_MAX_AGE] = "max-age",
	[POLICY_QUARANTINE] = "key-quarantine",
	[POLICY_SINGLE_USE] = "single-use",
	[POLICY_DOCUMENT_PER_DAY] = "document-per-day",
	[POLICY_KEY_PER_DAY] = "key-per-day",
	[POLICY_ACCEPT_LEVEL] = "accept-level",
	[POLICY_APPROVAL_HOURS] = "approval-hours",
	[POLICY_LDAP_GROUPS] = "ldap-groups",
	[POLICY_DIRECTORY_GROUPS] = "groups",
	[POLICY_DIRECTORY_URL] = "url",
	[POLICY_DIRECTORY_CA] = "ca",
	[POLICY_BIND_DN] = "bind-dn",
	[POLICY_PASSWORD_FILE] = "password-file",
	[POLICY_BASE] = "base",
	[POLICY_ATTRIBUTE] = "attribute",
	[POLICY_DIRECTORY_CLAIM] = "claim",
	[POLICY_MEMBER_OF] = "member-of",
	[POLICY_NESTED] = "nested",
	[POLICY_DIRECTORY_REFRESH] = "refresh",
	[POLICY_DIRECTORY_MAX_AGE] = "max-age",
};

static bool
add_text(struct policy_parser *p, struct policy_list *list)
{
	struct policy *policy = p->policy;
	struct policy_text *grown;

	if (policy->text_count == policy->text_cap) {
		policy->text_cap = policy->text_cap ? 2 * policy->text_cap : 64;
		grown = realloc(policy->text, policy->text_cap * sizeof(*grown));
		if (!grown)
			return policy_fail(p, POLICY_NO_MEMORY, p->line, "no memory");
		policy->text = grown;
	}
	policy->text[policy->text_count++] = (struct policy_text){ p->text, p->token_line };
	list->count++;
	return true;
}

static bool
take_item(struct policy_parser *p, struct policy_section *section, enum policy_option option)
{
	if (p->token != T_TEXT)
		return policy_fail(p, POLICY_SYNTAX, p->token_line, "a text in quotes expected");
	if (!policy_value_ok(option, p->text))
		return policy_fail(p, POLICY_VALUE, p->token_line, "\"%.64s\" is no value of %s",
		    p->text, policy_option_name[option]);
	if (section->list[option].count == policy_list_max(option))
		return policy_fail(p, POLICY_VALUE, p->token_line, "%s has at most %u",
		    policy_option_name[option], policy_list_max(option));
	if (option == POLICY_WEEKDAYS)
		section->weekdays |= 1u << policy_weekday(p->text);
	return add_text(p, &section->list[option]);
}

static bool
take_list(struct policy_parser *p, struct policy_section *section, enum policy_option option)
{
	unsigned begin = p->token_line;

	section->list[option] = (struct policy_list){ true, p->policy->text_count, 0 };
	if (policy_next(p) == T_CLOSE)
		return policy_fail(
		    p, POLICY_VALUE, begin, "%s is empty", policy_option_name[option]);
	while (take_item(p, section, option)) {
		if (policy_next(p) == T_CLOSE)
			return true;
		if (p->token != T_COMMA)
			return policy_fail(p, POLICY_SYNTAX, p->token_line, "',' or '}' expected");
		(void)policy_next(p);
	}
	return false;
}

static bool
take_number_value(
    struct policy_parser *p, struct policy_section *section, enum policy_option option)
{
	const struct {
		enum policy_option option;
		uint32_t min, max;
		uint32_t *value;
	} numbers[] = { { POLICY_PER_MINUTE, 1, POLICY_BUDGET_MAX, &section->per_minute },
		{ POLICY_PER_DAY, 1, POLICY_BUDGET_MAX, &section->per_day },
		{ POLICY_DOCUMENT_PER_DAY, 1, POLICY_BUDGET_MAX, &section->document_per_day },
		{ POLICY_KEY_PER_DAY, 1, POLICY_BUDGET_MAX, &section->key_per_day },
		{ POLICY_APPROVALS, 1, POLICY_APPROVALS_MAX, &section->approvals },
		{ POLICY_APPROVAL_HOURS, 1, POLICY_APPROVAL_HOURS_MAX, &section->approval_hours },
		{ POLICY_MAX_AGE, 1, POLICY_AGE_MAX_S, &section->max_age },
		{ POLICY_TENANT_MAX_AGE, POLICY_TENANT_AGE_MIN_S, POLICY_AGE_MAX_S,
		    &section->max_age },
		{ POLICY_QUARANTINE, 0, POLICY_QUARANTINE_MAX_S, &section->quarantine },
		{ POLICY_KEY_SET_REFRESH, 1, POLICY_AGE_MAX_S, &section->key_set_refresh },
		{ POLICY_KEY_SET_MAX_AGE, 1, POLICY_KEY_SET_AGE_MAX_S, &section->key_set_max_age },
		{ POLICY_DIRECTORY_REFRESH, 1, POLICY_AGE_MAX_S, &section->key_set_refresh },
		{ POLICY_DIRECTORY_MAX_AGE, 1, POLICY_KEY_SET_AGE_MAX_S,
		    &section->key_set_max_age } };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (numbers[i].option != option)
			continue;
		if (p->number < numbers[i].min || p->number > numbers[i].max)
			return false;
		*numbers[i].value = (uint32_t)p->number;
		return true;
	}
	return false;
}

static bool
take_text_value(struct policy_parser *p, struct policy_section *section, enum policy_option option)
{
	const struct {
		enum policy_option option;
		const char **value;
	} texts[] = { { POLICY_URL, &section->url }, { POLICY_AUDIENCE, &section->audience },
		{ POLICY_CLAIM, &section->claim }, { POLICY_KEY_SET, &section->key_set },
		{ POLICY_KEY_SET_CA, &section->key_set_ca }, { POLICY_KEY_ID, &section->key_id },
		{ POLICY_TENANT_ID, &section->tenant_id }, { POLICY_METADATA, &section->metadata },
		{ POLICY_DIRECTORY_URL, &section->url },
		{ POLICY_DIRECTORY_CA, &section->key_set_ca },
		{ POLICY_BIND_DN, &section->bind_dn },
		{ POLICY_PASSWORD_FILE, &section->password_file }, { POLICY_BASE, &section->base },
		{ POLICY_ATTRIBUTE, &section->attribute },
		{ POLICY_DIRECTORY_CLAIM, &section->claim },
		{ POLICY_MEMBER_OF, &section->member_of }, { POLICY_NESTED, &section->nested } };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].option != option)
			continue;
		if (!policy_value_ok(option, p->text))
			return false;
		*texts[i].value = p->text;
		return true;
	}
	return false;
}

/* Options that are true or false. */
static bool
take_truth(struct policy_section *section, enum policy_option option, bool truth)
{
	if (option == POLICY_ALLOW)
		section->allow = truth;
	if (option == POLICY_SINGLE_USE)
		section->single_use = truth;
	return option == POLICY_ALLOW || option == POLICY_SINGLE_USE;
}

bool
policy_take_value(
    struct policy_parser *p, struct policy_section *section, enum policy_option option)
{
	bool truth = p->token == T_WORD && strcmp(p->word, "true") == 0;
	bool falsehood = p->token == T_WORD && strcmp(p->word, "false") == 0;

	if (p->token != T_OPEN && p->token != T_TEXT && p->token != T_NUMBER && !truth &&
	    !falsehood)
		return policy_fail(p, POLICY_SYNTAX, p->token_line, "a value expected");
	if (option < POLICY_LISTS && p->token == T_OPEN)
		return take_list(p, section, option);
	if ((truth || falsehood) && take_truth(section, option, truth))
		return true;
	if (p->token == T_NUMBER && take_number_value(p, section, option))
		return true;
	if (p->token == T_TEXT && take_text_value(p, section, option))
		return true;
	if (option == POLICY_ZONE && p->token == T_TEXT &&
	    policy_zone_parse(p->text, &section->zone))
		return true;
	if (option == POLICY_ACCEPT_LEVEL && p->token == T_TEXT &&
	    policy_level_from_name(p->text, &section->accept_level))
		return true;
	return policy_fail(
	    p, POLICY_VALUE, p->token_line, "this is no value of %s", policy_option_name[option]);
}
