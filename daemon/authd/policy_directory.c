/* SPDX-License-Identifier: Apache-2.0 */
/* Directories of a policy, spec/profiles/ms-dke.md section 5.5. */
#include <string.h>

#include "authd/policy_parser.h"
#include "base/text.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define ALNUM LETTERS "0123456789"
#define SCHEME "ldaps://"

static const char *const nested_names[] = { "none", "walk", "in-chain" };

/* ---- values ---- */

static int
digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)((at - digits) % 16) : -1;
}

bool
policy_dn_decode(const char *text, char ret[POLICY_DN_MAX_BYTES + 1])
{
	size_t len = 0;

	for (const char *c = text; *c && len < POLICY_DN_MAX_BYTES; c++) {
		if (*c != '%') {
			ret[len++] = *c;
			continue;
		}
		if (digit(c[1]) < 0 || digit(c[2]) < 0)
			return false;
		ret[len++] = (char)(digit(c[1]) << 4 | digit(c[2]));
		c += 2;
	}
	ret[len] = '\0';
	return len > 0 && dk_text_valid((const uint8_t *)ret, len) && strchr(ret, '=');
}

/* A host and a port; what else an LDAP URL may have are options of their own here. */
static bool
url_ok(const char *value)
{
	const char *host = value + strlen(SCHEME);

	return strncmp(value, SCHEME, strlen(SCHEME)) == 0 && *host != '\0' &&
	    strlen(value) <= POLICY_ISSUER_TEXT_MAX_BYTES &&
	    (*host == '[' || strchr(ALNUM, *host)) && host[strspn(host, ALNUM ".-:[]")] == '\0';
}

static bool
attribute_ok(const char *value)
{
	return *value != '\0' && strchr(LETTERS, *value) &&
	    strlen(value) <= POLICY_ATTRIBUTE_MAX_BYTES && value[strspn(value, ALNUM "-")] == '\0';
}

static bool
is_one_of(const char *value, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(value, names[i]) == 0)
			return true;
	return false;
}

bool
policy_value_directory_ok(enum policy_option option, const char *value)
{
	static const char *const claims[] = { "onprem_sid", "upn", "email", "preferred_username",
		"oid" };
	char dn[POLICY_DN_MAX_BYTES + 1];

	switch (option) {
	case POLICY_LDAP_GROUPS:
	case POLICY_DIRECTORY_GROUPS:
	case POLICY_BIND_DN:
	case POLICY_BASE:
		return policy_dn_decode(value, dn);
	case POLICY_DIRECTORY_URL:
		return url_ok(value);
	case POLICY_DIRECTORY_CA:
	case POLICY_PASSWORD_FILE:
		return value[0] != '\0' && strlen(value) <= POLICY_ISSUER_TEXT_MAX_BYTES;
	case POLICY_ATTRIBUTE:
	case POLICY_MEMBER_OF:
		return attribute_ok(value);
	case POLICY_DIRECTORY_CLAIM:
		return is_one_of(value, claims, sizeof(claims) / sizeof(claims[0]));
	case POLICY_NESTED:
		return is_one_of(
		    value, nested_names, sizeof(nested_names) / sizeof(nested_names[0]));
	default:
		return false;
	}
}

/* ---- what goes together ---- */

/* A group is one of one directory, by which its members are found. */
static bool
groups_are_new(struct policy_parser *p, const struct policy_section *directory)
{
	const struct policy *policy = p->policy;
	const struct policy_list *mine = &directory->list[POLICY_DIRECTORY_GROUPS];

	for (const struct policy_section *d = policy->of[POLICY_DIRECTORY].item; d <= directory;
	     d++)
		for (unsigned i = 0; i < mine->count; i++) {
			const struct policy_text *dn = &policy->text[mine->first + i];
			struct policy_list before = d->list[POLICY_DIRECTORY_GROUPS];

			if (d == directory)
				before.count = i;
			if (policy_list_has(policy, &before, dn->s, strlen(dn->s)))
				return policy_fail(
				    p, POLICY_VALUE, dn->line, "\"%.64s\" is there already", dn->s);
		}
	return true;
}

bool
policy_directory_fits(struct policy_parser *p, const struct policy_section *directory)
{
	static const enum policy_option needed[] = { POLICY_DIRECTORY_URL, POLICY_BASE,
		POLICY_TENANTS, POLICY_DIRECTORY_GROUPS };
	uint32_t age =
	    directory->key_set_max_age ? directory->key_set_max_age : POLICY_DIRECTORY_AGE_S;
	const char *missing = NULL;

	for (size_t i = 0; !missing && i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!policy_has(directory, needed[i]))
			missing = policy_option_name[needed[i]];
	if (!missing && !directory->bind_dn != !directory->password_file)
		missing = directory->bind_dn ? "password-file" : "bind-dn";
	if (missing)
		return policy_fail(p, POLICY_MISSING_OPTION, directory->line, "\"%s\" has no %s",
		    directory->title, missing);
	if (age < policy_key_set_refresh(directory))
		return policy_fail(p, POLICY_KEY_SET_OPTIONS, directory->line,
		    "\"%s\": max-age is below refresh", directory->title);
	return groups_are_new(p, directory);
}

bool
policy_groups_of(
    const struct policy *policy, const struct policy_list *groups, unsigned directories)
{
	for (unsigned d = 0; d < policy_directories(policy); d++)
		for (unsigned i = 0; directories & (1u << d) && i < groups->count; i++) {
			const char *dn = policy->text[groups->first + i].s;

			if (policy_list_has(policy,
				&policy->of[POLICY_DIRECTORY].item[d].list[POLICY_DIRECTORY_GROUPS],
				dn, strlen(dn)))
				return true;
		}
	return false;
}

bool
policy_ldap_groups_fit(struct policy_parser *p)
{
	const struct policy_sections *rules = &p->policy->of[POLICY_DECRYPT];

	for (unsigned r = 0; r < rules->count; r++) {
		struct policy_list one = rules->item[r].list[POLICY_LDAP_GROUPS];

		for (unsigned left = one.count; left > 0; left--, one.first++) {
			one.count = 1;
			if (!policy_groups_of(p->policy, &one, UINT32_MAX))
				return policy_fail(p, POLICY_UNKNOWN_GROUP,
				    p->policy->text[one.first].line,
				    "no directory has the group \"%.64s\"",
				    p->policy->text[one.first].s);
		}
	}
	return true;
}

/* ---- for those who ask ---- */

static const struct policy_section *
section_of(const struct policy *policy, unsigned directory)
{
	return &policy->of[POLICY_DIRECTORY].item[directory];
}

unsigned
policy_directories(const struct policy *policy)
{
	return policy->of[POLICY_DIRECTORY].count;
}

static enum policy_nested
nested_of(const char *name)
{
	enum policy_nested nested = POLICY_NESTED_NONE;

	if (!name)
		return POLICY_NESTED_WALK;
	while (strcmp(name, nested_names[nested]) != 0)
		nested++;
	return nested;
}

struct policy_directory
policy_directory(const struct policy *policy, unsigned directory)
{
	const struct policy_section *s = section_of(policy, directory);

	return (struct policy_directory){ .title = s->title,
		.line = s->line,
		.url = s->url,
		.ca = s->key_set_ca,
		.bind_dn = s->bind_dn,
		.password_file = s->password_file,
		.base = s->base,
		.attribute = s->attribute ? s->attribute : "objectSid",
		.claim = s->claim ? s->claim : "onprem_sid",
		.member_of = s->member_of ? s->member_of : "memberOf",
		.nested = nested_of(s->nested),
		.refresh_s = policy_key_set_refresh(s),
		.max_age_s = s->key_set_max_age ? s->key_set_max_age : POLICY_DIRECTORY_AGE_S };
}

const char *
policy_directory_group(const struct policy *policy, unsigned directory, unsigned group)
{
	const struct policy_list *list =
	    &section_of(policy, directory)->list[POLICY_DIRECTORY_GROUPS];

	return group < list->count ? policy->text[list->first + group].s : NULL;
}

bool
policy_directory_of(const struct policy *policy, unsigned directory, const char *tenant)
{
	return policy_list_has(
	    policy, &section_of(policy, directory)->list[POLICY_TENANTS], tenant, strlen(tenant));
}
