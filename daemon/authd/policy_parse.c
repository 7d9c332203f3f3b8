/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From text to rules, spec/policy.md sections 1, 2 and 9. One pass, no
 * recursion; texts stay in a copy of the file, where the closing quote becomes
 * a NUL.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/policy_impl.h"
#include "base/text.h"

enum token { T_END, T_WORD, T_TEXT, T_NUMBER, T_OPEN, T_CLOSE, T_EQUALS, T_COMMA, T_WRONG };

struct parser {
	struct policy *policy;
	struct policy_fault *fault;
	char *at;
	unsigned line; /* of at */
	/* the token that was read last */
	enum token token;
	unsigned token_line;
	const char *text; /* of a T_TEXT */
	char word[POLICY_NAME_MAX_BYTES + 1];
	uint64_t number; /* of a T_NUMBER; 0 if it begins with a zero */
};

static const struct option {
	const char *name;
	enum policy_option option;
} options[] = {
	{ "keys", POLICY_KEYS },
	{ "users", POLICY_USERS },
	{ "groups", POLICY_GROUPS },
	{ "devices", POLICY_DEVICES },
	{ "labels", POLICY_LABELS },
	{ "networks", POLICY_NETWORKS },
	{ "weekdays", POLICY_WEEKDAYS },
	{ "hours", POLICY_HOURS },
	{ "client-certificate", POLICY_CERTIFICATE },
	{ "approvers", POLICY_APPROVERS },
	{ "zone", POLICY_ZONE },
	{ "per-minute", POLICY_PER_MINUTE },
	{ "per-day", POLICY_PER_DAY },
	{ "approvals", POLICY_APPROVALS },
	{ "allow", POLICY_ALLOW },
};

__attribute__((format(printf, 4, 5))) static bool
fail(struct parser *p, enum policy_error error, unsigned line, const char *format, ...)
{
	va_list args;

	p->fault->error = error;
	p->fault->line = line;
	va_start(args, format);
	if (vsnprintf(p->fault->words, sizeof(p->fault->words), format, args) < 0)
		p->fault->words[0] = '\0';
	va_end(args);
	return false;
}

/* ---- tokens ---- */

static void
skip_blanks(struct parser *p)
{
	for (;; p->at++) {
		if (*p->at == '#')
			while (*p->at != '\n' && *p->at != '\0')
				p->at++;
		if (*p->at == '\n')
			p->line++;
		else if (*p->at != ' ' && *p->at != '\t')
			return;
	}
}

static enum token
take_text(struct parser *p)
{
	size_t len = strcspn(++p->at, "\"\\\n\t");

	if (p->at[len] != '"' || len > POLICY_TEXT_MAX_BYTES)
		return T_WRONG;
	p->text = p->at;
	p->at += len;
	*p->at++ = '\0';
	return T_TEXT;
}

static enum token
take_word(struct parser *p)
{
	size_t len = strspn(p->at, "abcdefghijklmnopqrstuvwxyz-");

	if (len == 0 || len > POLICY_NAME_MAX_BYTES)
		return T_WRONG;
	memcpy(p->word, p->at, len);
	p->word[len] = '\0';
	p->at += len;
	return T_WORD;
}

static enum token
take_number(struct parser *p)
{
	size_t len = strspn(p->at, "0123456789");

	if (len > POLICY_DIGITS_MAX)
		return T_WRONG;
	p->number = *p->at == '0' ? 0 : strtoull(p->at, NULL, 10);
	p->at += len;
	return T_NUMBER;
}

static enum token
next(struct parser *p)
{
	static const char signs[] = "{}=,";
	static const enum token tokens[] = { T_OPEN, T_CLOSE, T_EQUALS, T_COMMA };
	const char *sign;

	skip_blanks(p);
	p->token_line = p->line;
	if (*p->at == '\0') {
		p->token = T_END;
	} else if ((sign = strchr(signs, *p->at))) {
		p->token = tokens[sign - signs];
		p->at++;
	} else if (*p->at >= '0' && *p->at <= '9') {
		p->token = take_number(p);
	} else {
		p->token = *p->at == '"' ? take_text(p) : take_word(p);
	}
	return p->token;
}

static bool
expect(struct parser *p, enum token token, const char *what)
{
	if (next(p) == token)
		return true;
	return fail(p, POLICY_SYNTAX, p->token_line, "%s expected", what);
}

/* ---- values ---- */

static bool
add_text(struct parser *p, struct policy_list *list)
{
	struct policy *policy = p->policy;
	struct policy_text *grown;

	if (policy->text_count == policy->text_cap) {
		policy->text_cap = policy->text_cap ? 2 * policy->text_cap : 64;
		grown = realloc(policy->text, policy->text_cap * sizeof(*grown));
		if (!grown)
			return fail(p, POLICY_NO_MEMORY, p->line, "no memory");
		policy->text = grown;
	}
	policy->text[policy->text_count++] = (struct policy_text){ p->text, p->token_line };
	list->count++;
	return true;
}

static bool
take_item(struct parser *p, struct policy_section *section, enum policy_option option)
{
	if (p->token != T_TEXT)
		return fail(p, POLICY_SYNTAX, p->token_line, "a text in quotes expected");
	if (!policy_value_ok(option, p->text))
		return fail(p, POLICY_VALUE, p->token_line, "\"%.64s\" is no value of %s", p->text,
		    options[option].name);
	if (option == POLICY_WEEKDAYS)
		section->weekdays |= 1u << policy_weekday(p->text);
	return add_text(p, &section->list[option]);
}

static bool
take_list(struct parser *p, struct policy_section *section, enum policy_option option)
{
	unsigned begin = p->token_line;

	section->list[option] = (struct policy_list){ true, p->policy->text_count, 0 };
	if (next(p) == T_CLOSE)
		return fail(p, POLICY_VALUE, begin, "%s is empty", options[option].name);
	while (take_item(p, section, option)) {
		if (next(p) == T_CLOSE)
			return true;
		if (p->token != T_COMMA)
			return fail(p, POLICY_SYNTAX, p->token_line, "',' or '}' expected");
		(void)next(p);
	}
	return false;
}

static bool
take_value(struct parser *p, struct policy_section *section, enum policy_option option)
{
	bool truth = p->token == T_WORD && strcmp(p->word, "true") == 0;
	bool falsehood = p->token == T_WORD && strcmp(p->word, "false") == 0;

	if (p->token != T_OPEN && p->token != T_TEXT && p->token != T_NUMBER && !truth &&
	    !falsehood)
		return fail(p, POLICY_SYNTAX, p->token_line, "a value expected");
	if (option < POLICY_LISTS && p->token == T_OPEN)
		return take_list(p, section, option);
	if (option == POLICY_ALLOW && (truth || falsehood)) {
		section->allow = truth;
		return true;
	}
	if (p->token == T_NUMBER && p->number >= 1 && p->number <= POLICY_BUDGET_MAX &&
	    (option == POLICY_PER_MINUTE || option == POLICY_PER_DAY)) {
		*(option == POLICY_PER_DAY ? &section->per_day : &section->per_minute) =
		    (uint32_t)p->number;
		return true;
	}
	if (p->token == T_NUMBER && p->number >= 1 && p->number <= POLICY_APPROVALS_MAX &&
	    option == POLICY_APPROVALS) {
		section->approvals = (uint32_t)p->number;
		return true;
	}
	if (option == POLICY_ZONE && p->token == T_TEXT &&
	    policy_zone_parse(p->text, &section->zone))
		return true;
	return fail(p, POLICY_VALUE, p->token_line, "this is no value of %s", options[option].name);
}

/* ---- groups and rules ---- */

static bool
take_option(struct parser *p, struct policy_section *section, bool group)
{
	unsigned i = 0;

	while (i < POLICY_OPTIONS && strcmp(options[i].name, p->word) != 0)
		i++;
	if (i == POLICY_OPTIONS || (group && i != POLICY_USERS))
		return fail(
		    p, POLICY_UNKNOWN_OPTION, p->token_line, "there is no option %s here", p->word);
	if (section->seen & (1u << i))
		return fail(p, POLICY_REPEATED_OPTION, p->token_line, "%s is there twice", p->word);
	section->seen |= 1u << i;
	if (!expect(p, T_EQUALS, "'='"))
		return false;
	(void)next(p);
	return take_value(p, section, options[i].option);
}

/* A list with a name twice would let one approver count for two. */
static bool
approvers_fit(const struct policy *policy, const struct policy_section *rule)
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
factors_fit(struct parser *p, const struct policy_section *rule)
{
	const char *wrong = NULL;

	if (!rule->allow &&
	    (rule->list[POLICY_CERTIFICATE].given || rule->list[POLICY_APPROVERS].given ||
		rule->approvals > 0))
		wrong = "a rule that does not allow has no factors";
	else if (!approvers_fit(p->policy, rule))
		wrong = "approvals and as many different approvers go together";
	return !wrong || fail(p, POLICY_FACTORS, rule->line, "\"%s\": %s", rule->title, wrong);
}

static bool
complete(struct parser *p, const struct policy_section *section, bool group)
{
	bool has_users = section->list[POLICY_USERS].given || section->list[POLICY_GROUPS].given;
	const char *missing = NULL;

	if (!has_users)
		missing = group ? "users" : "users or groups";
	else if (!group && !section->list[POLICY_KEYS].given)
		missing = "keys";
	else if (!group && !(section->seen & (1u << POLICY_ALLOW)))
		missing = "allow";
	if (missing)
		return fail(p, POLICY_MISSING_OPTION, section->line, "\"%s\" has no %s",
		    section->title, missing);
	return true;
}

/* The new last one of the groups or rules, or NULL. */
static struct policy_section *
add_section(struct parser *p, bool group)
{
	struct policy_section **all = group ? &p->policy->group : &p->policy->rule;
	unsigned *count = group ? &p->policy->group_count : &p->policy->rule_count;
	unsigned *cap = group ? &p->policy->group_cap : &p->policy->rule_cap;
	struct policy_section *grown;

	if (*count == POLICY_SECTIONS_MAX) {
		(void)fail(p, POLICY_TOO_MANY, p->token_line, "more than %d", POLICY_SECTIONS_MAX);
		return NULL;
	}
	if (*count == *cap) {
		grown = realloc(*all, (*cap + 64) * sizeof(*grown));
		if (!grown) {
			(void)fail(p, POLICY_NO_MEMORY, p->line, "no memory");
			return NULL;
		}
		*all = grown;
		*cap += 64;
	}
	grown = &(*all)[(*count)++];
	*grown = (struct policy_section){ .line = p->token_line };
	return grown;
}

static bool
take_title(struct parser *p, struct policy_section *section, bool group)
{
	const struct policy_section *all = group ? p->policy->group : p->policy->rule;

	if (!expect(p, T_TEXT, "a title in quotes"))
		return false;
	if (p->text[0] == '\0' || strlen(p->text) > POLICY_TITLE_MAX_BYTES)
		return fail(p, POLICY_TITLE, p->token_line, "a title has 1 to %d bytes",
		    POLICY_TITLE_MAX_BYTES);
	for (const struct policy_section *other = all; other < section; other++)
		if (strcmp(other->title, p->text) == 0)
			return fail(p, POLICY_REPEATED_TITLE, p->token_line,
			    "\"%s\" is there since line %u", p->text, other->line);
	section->title = p->text;
	return true;
}

static bool
take_section(struct parser *p)
{
	bool group = strcmp(p->word, "group") == 0;
	struct policy_section *section;

	if (!group && strcmp(p->word, "rule") != 0)
		return fail(p, POLICY_UNKNOWN_OPTION, p->token_line,
		    "there is no %s, only group and rule", p->word);
	section = add_section(p, group);
	if (!section || !take_title(p, section, group) || !expect(p, T_OPEN, "'{'"))
		return false;
	while (next(p) == T_WORD)
		if (!take_option(p, section, group))
			return false;
	if (p->token != T_CLOSE)
		return fail(p, POLICY_SYNTAX, p->token_line, "an option or '}' expected");
	return complete(p, section, group) && (group || factors_fit(p, section));
}

/* ---- the whole file ---- */

static bool
check_groups(struct parser *p)
{
	const struct policy *policy = p->policy;

	for (unsigned r = 0; r < policy->rule_count; r++) {
		const struct policy_list *list = &policy->rule[r].list[POLICY_GROUPS];

		for (unsigned i = list->first; i < list->first + list->count; i++) {
			unsigned g = 0;

			while (g < policy->group_count &&
			    strcmp(policy->group[g].title, policy->text[i].s) != 0)
				g++;
			if (g == policy->group_count)
				return fail(p, POLICY_UNKNOWN_GROUP, policy->text[i].line,
				    "there is no group \"%.64s\"", policy->text[i].s);
		}
	}
	return true;
}

/* Tab and LF stand between pieces of text as the envelope knows it. */
static bool
check_bytes(struct parser *p, const char *text, size_t len)
{
	unsigned line = 1;
	size_t begin = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && text[i] != '\n' && text[i] != '\t')
			continue;
		if (i > begin && !dk_text_valid((const uint8_t *)text + begin, i - begin))
			return fail(p, POLICY_TEXT, line, "not UTF-8, or a control character");
		line += i < len && text[i] == '\n';
		begin = i + 1;
	}
	line = 1;
	for (size_t i = 0; i + 1 < len; i++) {
		if (text[i] == '$' && text[i + 1] == '{')
			return fail(p, POLICY_ENVIRONMENT, line, "a policy has no variables");
		line += text[i] == '\n';
	}
	return true;
}

static bool
parse(struct parser *p, const char *text, size_t len)
{
	if (len > POLICY_MAX_BYTES)
		return fail(p, POLICY_TOO_LARGE, 1, "more than %d bytes", POLICY_MAX_BYTES);
	if (!check_bytes(p, text, len))
		return false;
	p->policy = calloc(1, sizeof(*p->policy));
	if (p->policy)
		p->policy->copy = malloc(len + 1);
	if (!p->policy || !p->policy->copy)
		return fail(p, POLICY_NO_MEMORY, 1, "no memory");
	if (len > 0)
		memcpy(p->policy->copy, text, len);
	p->policy->copy[len] = '\0';
	p->at = p->policy->copy;
	while (next(p) == T_WORD)
		if (!take_section(p))
			return false;
	if (p->token != T_END)
		return fail(p, POLICY_SYNTAX, p->token_line, "group or rule expected");
	return check_groups(p);
}

bool
policy_parse(const char *text, size_t len, struct policy **ret, struct policy_fault *ret_fault)
{
	struct parser p = { .fault = ret_fault, .line = 1 };

	*ret_fault = (struct policy_fault){ .error = POLICY_OK };
	if (!parse(&p, text, len)) {
		policy_free(p.policy);
		return false;
	}
	*ret = p.policy;
	return true;
}
