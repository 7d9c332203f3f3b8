/* SPDX-License-Identifier: Apache-2.0 */
#include "authd/policy.h"

#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct policy {
	cfg_t *cfg;
};

/* libconfuse reports through a callback without context. */
static char *error_text;
static size_t error_cap;

__attribute__((format(printf, 2, 0))) static void
on_error(cfg_t *cfg, const char *format, va_list args)
{
	char line[160];

	if (!error_text || error_text[0] != '\0')
		return;
	if (vsnprintf(line, sizeof(line), format, args) < 0)
		return;
	if (snprintf(error_text, error_cap, "line %d: %s", cfg ? cfg->line : 0, line) < 0)
		error_text[0] = '\0';
}

static cfg_opt_t rule_options[] = {
	CFG_STR_LIST("keys", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("labels", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("users", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("groups", NULL, CFGF_NODEFAULT),
	CFG_BOOL("allow", cfg_false, CFGF_NODEFAULT),
	CFG_END(),
};

static cfg_opt_t group_options[] = {
	CFG_STR_LIST("users", NULL, CFGF_NODEFAULT),
	CFG_END(),
};

static cfg_opt_t options[] = {
	CFG_SEC("group", group_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("rule", rule_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_END(),
};

static bool
fail(char *ret_error, size_t error_len, const char *text)
{
	if (snprintf(ret_error, error_len, "%s", text) < 0)
		ret_error[0] = '\0';
	return false;
}

static bool
complete(struct policy *policy, char *ret_error, size_t error_len)
{
	for (unsigned i = 0; i < cfg_size(policy->cfg, "rule"); i++) {
		cfg_t *rule = cfg_getnsec(policy->cfg, "rule", i);

		if (cfg_size(rule, "allow") == 0)
			return fail(ret_error, error_len, "a rule without allow");
		for (unsigned g = 0; g < cfg_size(rule, "groups"); g++)
			if (!cfg_gettsec(policy->cfg, "group", cfg_getnstr(rule, "groups", g)))
				return fail(ret_error, error_len, "a rule names a group that is not there");
	}
	return true;
}

bool
policy_parse(char *text, struct policy **ret, char *ret_error, size_t error_len)
{
	struct policy *policy = calloc(1, sizeof(*policy));
	bool ok;

	ret_error[0] = '\0';
	if (!policy)
		return fail(ret_error, error_len, "no memory");
	/* libconfuse would put environment variables there. */
	if (strstr(text, "${")) {
		free(policy);
		return fail(ret_error, error_len, "${ has no meaning in a policy");
	}
	policy->cfg = cfg_init(options, CFGF_NONE);
	error_text = ret_error;
	error_cap = error_len;
	if (policy->cfg)
		(void)cfg_set_error_function(policy->cfg, on_error);
	ok = policy->cfg && cfg_parse_buf(policy->cfg, text) == CFG_SUCCESS &&
	    complete(policy, ret_error, error_len);
	error_text = NULL;
	if (!ok) {
		if (ret_error[0] == '\0')
			(void)fail(ret_error, error_len, "not a policy");
		policy_free(policy);
		return false;
	}
	*ret = policy;
	return true;
}

void
policy_free(struct policy *policy)
{
	if (!policy)
		return;
	if (policy->cfg)
		(void)cfg_free(policy->cfg);
	free(policy);
}

static bool
in_list(cfg_t *section, const char *option, const char *value, size_t len)
{
	for (unsigned i = 0; i < cfg_size(section, option); i++) {
		const char *item = cfg_getnstr(section, option, i);

		if (strcmp(item, "*") == 0 || (strlen(item) == len && memcmp(item, value, len) == 0))
			return true;
	}
	return false;
}

static bool
user_matches(const struct policy *policy, cfg_t *rule, const char *user)
{
	if (in_list(rule, "users", user, strlen(user)))
		return true;
	for (unsigned g = 0; g < cfg_size(rule, "groups"); g++) {
		cfg_t *group = cfg_gettsec(policy->cfg, "group", cfg_getnstr(rule, "groups", g));

		if (group && in_list(group, "users", user, strlen(user)))
			return true;
	}
	return false;
}

bool
policy_allows(const struct policy *policy, const struct policy_question *q, const char **ret_rule)
{
	*ret_rule = NULL;
	for (unsigned i = 0; i < cfg_size(policy->cfg, "rule"); i++) {
		cfg_t *rule = cfg_getnsec(policy->cfg, "rule", i);

		if (!in_list(rule, "keys", q->key, strlen(q->key)) || !user_matches(policy, rule, q->user))
			continue;
		if (cfg_size(rule, "labels") > 0 &&
		    !in_list(rule, "labels", (const char *)q->label, q->label_len))
			continue;
		*ret_rule = cfg_title(rule);
		return cfg_getbool(rule, "allow") == cfg_true;
	}
	return false;
}
