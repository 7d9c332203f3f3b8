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

/* In the order of enum policy_option. */
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
	{ "tokens", POLICY_TOKENS },
	{ "approvers", POLICY_APPROVERS },
	{ "zone", POLICY_ZONE },
	{ "per-minute", POLICY_PER_MINUTE },
	{ "per-day", POLICY_PER_DAY },
	{ "approvals", POLICY_APPROVALS },
	{ "allow", POLICY_ALLOW },
	{ "url", POLICY_URL },
	{ "audience", POLICY_AUDIENCE },
	{ "claim", POLICY_CLAIM },
	{ "max-age", POLICY_MAX_AGE },
	{ "key-set", POLICY_KEY_SET },
	{ "key-set-ca", POLICY_KEY_SET_CA },
	{ "key-set-refresh", POLICY_KEY_SET_REFRESH },
	{ "key-set-max-age", POLICY_KEY_SET_MAX_AGE },
};

static const char *const kinds[POLICY_KINDS] = { "group", "rule", "issuer" };
static const unsigned sections_max[POLICY_KINDS] = { POLICY_SECTIONS_MAX, POLICY_SECTIONS_MAX,
	POLICY_ISSUERS_MAX };

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
take_number_value(struct parser *p, struct policy_section *section, enum policy_option option)
{
	const struct {
		enum policy_option option;
		uint32_t max;
		uint32_t *value;
	} numbers[] = { { POLICY_PER_MINUTE, POLICY_BUDGET_MAX, &section->per_minute },
		{ POLICY_PER_DAY, POLICY_BUDGET_MAX, &section->per_day },
		{ POLICY_APPROVALS, POLICY_APPROVALS_MAX, &section->approvals },
		{ POLICY_MAX_AGE, POLICY_AGE_MAX_S, &section->max_age },
		{ POLICY_KEY_SET_REFRESH, POLICY_AGE_MAX_S, &section->key_set_refresh },
		{ POLICY_KEY_SET_MAX_AGE, POLICY_KEY_SET_AGE_MAX_S, &section->key_set_max_age } };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (numbers[i].option != option)
			continue;
		if (p->number < 1 || p->number > numbers[i].max)
			return false;
		*numbers[i].value = (uint32_t)p->number;
		return true;
	}
	return false;
}

static bool
take_text_value(struct parser *p, struct policy_section *section, enum policy_option option)
{
	const char **value = option == POLICY_URL ? &section->url
	    : option == POLICY_AUDIENCE           ? &section->audience
	    : option == POLICY_CLAIM              ? &section->claim
	    : option == POLICY_KEY_SET            ? &section->key_set
	    : option == POLICY_KEY_SET_CA         ? &section->key_set_ca
						  : NULL;

	if (!value || !policy_value_ok(option, p->text))
		return false;
	*value = p->text;
	return true;
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
	if (p->token == T_NUMBER && take_number_value(p, section, option))
		return true;
	if (p->token == T_TEXT && take_text_value(p, section, option))
		return true;
	if (option == POLICY_ZONE && p->token == T_TEXT &&
	    policy_zone_parse(p->text, &section->zone))
		return true;
	return fail(p, POLICY_VALUE, p->token_line, "this is no value of %s", options[option].name);
}

/* ---- groups, rules, issuers ---- */

static bool
has_option(enum policy_kind kind, enum policy_option option)
{
	if (kind == POLICY_GROUP)
		return option == POLICY_USERS;
	return (kind == POLICY_ISSUER) == (option >= POLICY_URL);
}

static bool
take_option(struct parser *p, struct policy_section *section, enum policy_kind kind)
{
	unsigned i = 0;

	while (i < POLICY_OPTIONS && strcmp(options[i].name, p->word) != 0)
		i++;
	if (i == POLICY_OPTIONS || !has_option(kind, i))
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

	if (rule->list[POLICY_TOKENS].given && rule->approvals > 0)
		wrong = "tokens end before people have approved";
	else if (!rule->allow &&
	    (rule->list[POLICY_CERTIFICATE].given || rule->list[POLICY_TOKENS].given ||
		rule->list[POLICY_APPROVERS].given || rule->approvals > 0))
		wrong = "a rule that does not allow has no factors";
	else if (!approvers_fit(p->policy, rule))
		wrong = "approvals and as many different approvers go together";
	return !wrong || fail(p, POLICY_FACTORS, rule->line, "\"%s\": %s", rule->title, wrong);
}

static const char *
missing(const struct policy_section *section, enum policy_kind kind)
{
	static const enum policy_option of_issuer[] = { POLICY_URL, POLICY_AUDIENCE, POLICY_CLAIM,
		POLICY_MAX_AGE };

	if (kind == POLICY_ISSUER) {
		for (size_t i = 0; i < sizeof(of_issuer) / sizeof(of_issuer[0]); i++)
			if (!(section->seen & (1u << of_issuer[i])))
				return options[of_issuer[i]].name;
		return NULL;
	}
	if (!section->list[POLICY_USERS].given && !section->list[POLICY_GROUPS].given)
		return kind == POLICY_GROUP ? "users" : "users or groups";
	if (kind == POLICY_RULE && !section->list[POLICY_KEYS].given)
		return "keys";
	return kind == POLICY_RULE && !(section->seen & (1u << POLICY_ALLOW)) ? "allow" : NULL;
}

static bool
url_is_new(struct parser *p, const struct policy_section *issuer)
{
	for (const struct policy_section *other = p->policy->of[POLICY_ISSUER].item; other < issuer;
	     other++)
		if (strcmp(other->url, issuer->url) == 0)
			return fail(p, POLICY_REPEATED_ISSUER, issuer->line,
			    "\"%s\" has the url of \"%s\"", issuer->title, other->title);
	return true;
}

/* A set that is thrown away before it is fetched again would come and go. */
static bool
key_set_fits(struct parser *p, const struct policy_section *issuer)
{
	const char *wrong = NULL;

	if (!issuer->key_set &&
	    (issuer->key_set_ca || issuer->key_set_refresh || issuer->key_set_max_age))
		wrong = "only a key-set that is fetched has such options";
	else if (policy_key_set_max_age(issuer) < policy_key_set_refresh(issuer))
		wrong = "key-set-max-age is below key-set-refresh";
	return !wrong ||
	    fail(p, POLICY_KEY_SET_OPTIONS, issuer->line, "\"%s\": %s", issuer->title, wrong);
}

static bool
complete(struct parser *p, const struct policy_section *section, enum policy_kind kind)
{
	const char *what = missing(section, kind);

	if (what)
		return fail(p, POLICY_MISSING_OPTION, section->line, "\"%s\" has no %s",
		    section->title, what);
	if (kind == POLICY_RULE)
		return factors_fit(p, section);
	return kind == POLICY_GROUP || (key_set_fits(p, section) && url_is_new(p, section));
}

/* The new last one of its kind, or NULL. */
static struct policy_section *
add_section(struct parser *p, enum policy_kind kind)
{
	struct policy_sections *all = &p->policy->of[kind];
	struct policy_section *grown;

	if (all->count == sections_max[kind]) {
		(void)fail(p, POLICY_TOO_MANY, p->token_line, "more than %u", sections_max[kind]);
		return NULL;
	}
	if (all->count == all->cap) {
		grown = realloc(all->item, (all->cap + 64) * sizeof(*grown));
		if (!grown) {
			(void)fail(p, POLICY_NO_MEMORY, p->line, "no memory");
			return NULL;
		}
		all->item = grown;
		all->cap += 64;
	}
	grown = &all->item[all->count++];
	*grown = (struct policy_section){ .line = p->token_line };
	return grown;
}

/* It is also the name of a file. */
static bool
issuer_title_ok(const char *title)
{
	return title[0] != '-' && strlen(title) <= POLICY_ISSUER_TITLE_MAX_BYTES &&
	    title[strspn(title, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static bool
take_title(struct parser *p, struct policy_section *section, enum policy_kind kind)
{
	if (!expect(p, T_TEXT, "a title in quotes"))
		return false;
	if (p->text[0] == '\0' || strlen(p->text) > POLICY_TITLE_MAX_BYTES)
		return fail(p, POLICY_TITLE, p->token_line, "a title has 1 to %d bytes",
		    POLICY_TITLE_MAX_BYTES);
	if (kind == POLICY_ISSUER && !issuer_title_ok(p->text))
		return fail(p, POLICY_TITLE, p->token_line,
		    "the title of an issuer has 1 to %d characters of a-z 0-9 -",
		    POLICY_ISSUER_TITLE_MAX_BYTES);
	for (const struct policy_section *other = p->policy->of[kind].item; other < section;
	     other++)
		if (strcmp(other->title, p->text) == 0)
			return fail(p, POLICY_REPEATED_TITLE, p->token_line,
			    "\"%s\" is there since line %u", p->text, other->line);
	section->title = p->text;
	return true;
}

static bool
take_section(struct parser *p)
{
	struct policy_section *section;
	enum policy_kind kind = POLICY_GROUP;

	while (kind < POLICY_KINDS && strcmp(p->word, kinds[kind]) != 0)
		kind++;
	if (kind == POLICY_KINDS)
		return fail(p, POLICY_UNKNOWN_OPTION, p->token_line,
		    "there is no %s, only group, rule and issuer", p->word);
	section = add_section(p, kind);
	if (!section || !take_title(p, section, kind) || !expect(p, T_OPEN, "'{'"))
		return false;
	while (next(p) == T_WORD)
		if (!take_option(p, section, kind))
			return false;
	if (p->token != T_CLOSE)
		return fail(p, POLICY_SYNTAX, p->token_line, "an option or '}' expected");
	return complete(p, section, kind);
}

/* ---- the whole file ---- */

static bool
is_title(const struct policy_sections *all, const char *name)
{
	for (unsigned i = 0; i < all->count; i++)
		if (strcmp(all->item[i].title, name) == 0)
			return true;
	return false;
}

/* Names in a list of every rule that must be titles of this kind. */
static bool
check_names(
    struct parser *p, enum policy_option option, enum policy_kind kind, enum policy_error error)
{
	const struct policy *policy = p->policy;
	const struct policy_sections *rules = &policy->of[POLICY_RULE];

	for (unsigned r = 0; r < rules->count; r++) {
		const struct policy_list *list = &rules->item[r].list[option];

		for (unsigned i = list->first; i < list->first + list->count; i++)
			if (!is_title(&policy->of[kind], policy->text[i].s))
				return fail(p, error, policy->text[i].line,
				    "there is no %s \"%.64s\"", kinds[kind], policy->text[i].s);
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
		return fail(p, POLICY_SYNTAX, p->token_line, "group, rule or issuer expected");
	return check_names(p, POLICY_GROUPS, POLICY_GROUP, POLICY_UNKNOWN_GROUP) &&
	    check_names(p, POLICY_TOKENS, POLICY_ISSUER, POLICY_UNKNOWN_ISSUER);
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
