/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From text to rules, spec/policy.md sections 1, 2 and 9. One pass, no
 * recursion; texts stay in a copy of the file, where the closing quote becomes
 * a NUL.
 */
#include <stdlib.h>
#include <string.h>

#include "authd/policy_parser.h"
#include "base/text.h"

const char *const policy_kind_name[POLICY_KINDS] = { "group", "rule", "issuer", "auditor", "tenant",
	"decrypt", "directory" };
static const unsigned sections_max[POLICY_KINDS] = { POLICY_SECTIONS_MAX, POLICY_SECTIONS_MAX,
	POLICY_ISSUERS_MAX, POLICY_AUDITORS_MAX, POLICY_TENANTS_MAX, POLICY_SECTIONS_MAX,
	POLICY_DIRECTORIES_MAX };

#define BIT(option) (UINT64_C(1) << (option))
#define FROM_TO(first, last) (BIT((last) + 1) - BIT(first))
#define FETCH_OPTIONS FROM_TO(POLICY_KEY_SET, POLICY_KEY_SET_MAX_AGE)
#define WHERE_AND_WHEN                                                                             \
	(BIT(POLICY_NETWORKS) | BIT(POLICY_WEEKDAYS) | BIT(POLICY_HOURS) | BIT(POLICY_ZONE))

static const uint64_t options_of[POLICY_KINDS] = {
	[POLICY_GROUP] = BIT(POLICY_USERS),
	[POLICY_RULE] = FROM_TO(POLICY_KEYS, POLICY_APPROVERS) | FROM_TO(POLICY_ZONE, POLICY_ALLOW),
	[POLICY_ISSUER] = FROM_TO(POLICY_URL, POLICY_KEY_SET_MAX_AGE),
	[POLICY_AUDITOR] = BIT(POLICY_KEY_ID),
	[POLICY_TENANT] = FROM_TO(POLICY_TENANT_ISSUERS, POLICY_CLAIMS) | FETCH_OPTIONS |
	    FROM_TO(POLICY_TENANT_ID, POLICY_SINGLE_USE),
	[POLICY_DECRYPT] = FROM_TO(POLICY_DKE_KEYS, POLICY_LDAP_GROUPS) | BIT(POLICY_GROUPS) |
	    WHERE_AND_WHEN | BIT(POLICY_PER_MINUTE) | BIT(POLICY_PER_DAY) | BIT(POLICY_ALLOW) |
	    FROM_TO(POLICY_DOCUMENT_PER_DAY, POLICY_APPROVAL_HOURS) | BIT(POLICY_APPROVALS) |
	    BIT(POLICY_APPROVERS),
	[POLICY_DIRECTORY] = BIT(POLICY_TENANTS) | BIT(POLICY_DIRECTORY_GROUPS) |
	    FROM_TO(POLICY_DIRECTORY_URL, POLICY_DIRECTORY_MAX_AGE),
};
_Static_assert(POLICY_OPTIONS < 64, "a bit for each option");

static bool
take_option(struct policy_parser *p, struct policy_section *section, enum policy_kind kind)
{
	unsigned i = 0;

	while (i < POLICY_OPTIONS &&
	    (!(options_of[kind] & BIT(i)) || strcmp(policy_option_name[i], p->word) != 0))
		i++;
	if (i == POLICY_OPTIONS)
		return policy_fail(
		    p, POLICY_UNKNOWN_OPTION, p->token_line, "there is no option %s here", p->word);
	if (policy_has(section, i))
		return policy_fail(
		    p, POLICY_REPEATED_OPTION, p->token_line, "%s is there twice", p->word);
	section->seen |= BIT(i);
	if (!policy_expect(p, T_EQUALS, "'='"))
		return false;
	(void)policy_next(p);
	return policy_take_value(p, section, i);
}

/* The new last one of its kind, or NULL. */
static struct policy_section *
add_section(struct policy_parser *p, enum policy_kind kind)
{
	struct policy_sections *all = &p->policy->of[kind];
	struct policy_section *grown;

	if (all->count == sections_max[kind]) {
		(void)policy_fail(
		    p, POLICY_TOO_MANY, p->token_line, "more than %u", sections_max[kind]);
		return NULL;
	}
	if (all->count == all->cap) {
		grown = realloc(all->item, (all->cap + 64) * sizeof(*grown));
		if (!grown) {
			(void)policy_fail(p, POLICY_NO_MEMORY, p->line, "no memory");
			return NULL;
		}
		all->item = grown;
		all->cap += 64;
	}
	grown = &all->item[all->count++];
	*grown = (struct policy_section){ .line = p->token_line };
	return grown;
}

static bool
is_source(enum policy_kind kind)
{
	return kind == POLICY_ISSUER || kind == POLICY_TENANT || kind == POLICY_DIRECTORY;
}

/* It is also the name of a file. */
static bool
source_title_ok(const char *title)
{
	return title[0] != '-' && strlen(title) <= POLICY_ISSUER_TITLE_MAX_BYTES &&
	    title[strspn(title, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static const struct policy_section *
find_title(const struct policy_sections *all, unsigned count, const char *title)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(all->item[i].title, title) == 0)
			return &all->item[i];
	return NULL;
}

/* Another section that has the title; issuers, tenants and directories share theirs, as files
 * do. */
static const struct policy_section *
with_title(const struct policy *policy, enum policy_kind kind, const char *title)
{
	const struct policy_sections *all = &policy->of[kind];
	const struct policy_section *found = find_title(all, all->count - 1, title);

	for (enum policy_kind other = 0; !found && is_source(kind) && other < POLICY_KINDS; other++)
		if (other != kind && is_source(other))
			found = find_title(&policy->of[other], policy->of[other].count, title);
	return found;
}

static bool
take_title(struct policy_parser *p, struct policy_section *section, enum policy_kind kind)
{
	const struct policy_section *other;

	if (!policy_expect(p, T_TEXT, "a title in quotes"))
		return false;
	if (p->text[0] == '\0' || strlen(p->text) > POLICY_TITLE_MAX_BYTES)
		return policy_fail(p, POLICY_TITLE, p->token_line, "a title has 1 to %d bytes",
		    POLICY_TITLE_MAX_BYTES);
	if (is_source(kind) && !source_title_ok(p->text))
		return policy_fail(p, POLICY_TITLE, p->token_line,
		    "the title of an issuer, tenant or directory has 1 to %d characters of a-z 0-9 "
		    "-",
		    POLICY_ISSUER_TITLE_MAX_BYTES);
	other = with_title(p->policy, kind, p->text);
	if (other)
		return policy_fail(p, POLICY_REPEATED_TITLE, p->token_line,
		    "\"%s\" is there since line %u", p->text, other->line);
	section->title = p->text;
	return true;
}

static bool
take_section(struct policy_parser *p)
{
	struct policy_section *section;
	enum policy_kind kind = POLICY_GROUP;

	while (kind < POLICY_KINDS && strcmp(p->word, policy_kind_name[kind]) != 0)
		kind++;
	if (kind == POLICY_KINDS)
		return policy_fail(p, POLICY_UNKNOWN_OPTION, p->token_line,
		    "there is no %s, only group, rule, issuer, auditor, tenant, decrypt and"
		    " directory",
		    p->word);
	p->kind = kind;
	section = add_section(p, kind);
	if (!section || !take_title(p, section, kind) || !policy_expect(p, T_OPEN, "'{'"))
		return false;
	while (policy_next(p) == T_WORD)
		if (!take_option(p, section, kind))
			return false;
	if (p->token != T_CLOSE)
		return policy_fail(p, POLICY_SYNTAX, p->token_line, "an option or '}' expected");
	return policy_section_fits(p, section, kind);
}

/* Tab and LF stand between pieces of text as the envelope knows it. */
static bool
check_bytes(struct policy_parser *p, const char *text, size_t len)
{
	unsigned line = 1;
	size_t begin = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && text[i] != '\n' && text[i] != '\t')
			continue;
		if (i > begin && !dk_text_valid((const uint8_t *)text + begin, i - begin))
			return policy_fail(
			    p, POLICY_TEXT, line, "not UTF-8, or a control character");
		line += i < len && text[i] == '\n';
		begin = i + 1;
	}
	line = 1;
	for (size_t i = 0; i + 1 < len; i++) {
		if (text[i] == '$' && text[i + 1] == '{')
			return policy_fail(
			    p, POLICY_ENVIRONMENT, line, "a policy has no variables");
		line += text[i] == '\n';
	}
	return true;
}

static bool
parse(struct policy_parser *p, const char *text, size_t len)
{
	if (len > POLICY_MAX_BYTES)
		return policy_fail(p, POLICY_TOO_LARGE, 1, "more than %d bytes", POLICY_MAX_BYTES);
	if (!check_bytes(p, text, len))
		return false;
	p->policy = calloc(1, sizeof(*p->policy));
	if (p->policy)
		p->policy->copy = malloc(len + 1);
	if (!p->policy || !p->policy->copy)
		return policy_fail(p, POLICY_NO_MEMORY, 1, "no memory");
	if (len > 0)
		memcpy(p->policy->copy, text, len);
	p->policy->copy[len] = '\0';
	p->at = p->policy->copy;
	while (policy_next(p) == T_WORD)
		if (!take_section(p))
			return false;
	if (p->token != T_END)
		return policy_fail(p, POLICY_SYNTAX, p->token_line,
		    "group, rule, issuer, auditor, tenant, decrypt or directory"
		    " expected");
	return policy_names_fit(p);
}

bool
policy_parse(const char *text, size_t len, struct policy **ret, struct policy_fault *ret_fault)
{
	struct policy_parser p = { .fault = ret_fault, .line = 1 };

	*ret_fault = (struct policy_fault){ .error = POLICY_OK };
	if (!parse(&p, text, len)) {
		policy_free(p.policy);
		return false;
	}
	*ret = p.policy;
	return true;
}
