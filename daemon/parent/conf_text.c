/* SPDX-License-Identifier: Apache-2.0 */
#include "parent/conf_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static int on_text(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result);
static int on_bool(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result);
static int on_number(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result);

static cfg_opt_t options[] = {
	CFG_STR_CB("listen", NULL, CFGF_NONE, on_text),
	CFG_STR_CB("store", NULL, CFGF_NONE, on_text),
	CFG_STR_CB("metrics", NULL, CFGF_NONE, on_text),
	CFG_STR_CB("mode", NULL, CFGF_NONE, on_text),
	CFG_STR_CB("witnesses", NULL, CFGF_NONE, on_text),
	CFG_STR_CB("witness-ca", NULL, CFGF_NONE, on_text),
	CFG_INT_CB("quorum-wait", 20, CFGF_NONE, on_number),
	CFG_STR_CB("client-ca", NULL, CFGF_NONE, on_text),
	CFG_STR_CB("dke-listen", NULL, CFGF_NONE, on_text),
	CFG_STR_CB("dke-certificate", NULL, CFGF_NONE, on_text),
	CFG_STR_CB("dke-key", NULL, CFGF_NONE, on_text),
	CFG_STR_CB("dke-base-url", NULL, CFGF_NONE, on_text),
	CFG_STR_CB("dke-audience", NULL, CFGF_NONE, on_text),
	CFG_STR_CB("dke-authorization", NULL, CFGF_NONE, on_text),
	CFG_INT_CB("dke-cache-hours", 24, CFGF_NONE, on_number),
	CFG_INT_CB("dke-session-hours", 8, CFGF_NONE, on_number),
	CFG_STR_CB("dke-domain", NULL, CFGF_NONE, on_text),
	CFG_STR_CB("dke-registration", NULL, CFGF_NONE, on_text),
	CFG_STR_CB("dke-client-ca", NULL, CFGF_NONE, on_text),
	CFG_STR_LIST_CB("dke-fronts", NULL, CFGF_NODEFAULT, on_text),
	CFG_STR_CB("hsm", NULL, CFGF_NONE, on_text),
	CFG_STR_CB("hsm-directory", NULL, CFGF_NONE, on_text),
	CFG_BOOL_CB("hsm-sockets", cfg_false, CFGF_NONE, on_bool),
	CFG_STR_LIST_CB("hsm-environment", NULL, CFGF_NODEFAULT, on_text),
	CFG_INT_CB("person-retention-days", 0, CFGF_NONE, on_number),
	CFG_END(),
};
#define NUMBER_DIGITS 9
#define OPTIONS (sizeof(options) / sizeof(options[0]) - 1)

/* libconfuse passes no context to its callbacks. There is one parse at a time. */
static char *fault;
static size_t seen[OPTIONS]; /* values, those of replaced ones too */

__attribute__((format(printf, 1, 2))) static bool
refuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(fault, CONF_FAULT_BYTES, format, args);
	va_end(args);
	return false;
}

__attribute__((format(printf, 2, 0))) static void
on_error(cfg_t *cfg, const char *format, va_list args)
{
	int n = snprintf(fault, CONF_FAULT_BYTES, "line %d: ", cfg ? cfg->line : 0);

	if (n > 0 && n < CONF_FAULT_BYTES)
		(void)vsnprintf(fault + n, CONF_FAULT_BYTES - (size_t)n, format, args);
}

static void
note(const cfg_opt_t *opt)
{
	for (size_t i = 0; i < OPTIONS; i++)
		seen[i] += strcmp(options[i].name, opt->name) == 0;
}

static int
on_text(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	(void)cfg;
	note(opt);
	*(const char **)result = value;
	return 0;
}

static int
on_bool(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	int v = cfg_parse_boolean(value);

	note(opt);
	if (v < 0) {
		cfg_error(cfg, "invalid boolean value for option '%s'", opt->name);
		return -1;
	}
	*(cfg_bool_t *)result = v ? cfg_true : cfg_false;
	return 0;
}

/* Digits, so that nobody has to know that libconfuse would take 010 for 8. */
static int
on_number(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	size_t len = strlen(value);

	note(opt);
	if (len == 0 || len > NUMBER_DIGITS || strspn(value, "0123456789") != len ||
	    (value[0] == '0' && len > 1)) {
		cfg_error(cfg, "invalid number for option '%s'", opt->name);
		return -1;
	}
	*(long int *)result = strtol(value, NULL, 10);
	return 0;
}

static bool
check_bytes(const char *text, size_t len)
{
	if (len > CONF_TEXT_MAX_BYTES)
		return refuse("longer than %d bytes", CONF_TEXT_MAX_BYTES);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 && text[i] != '\n' && text[i] != '\t')
			return refuse("has a control character");
	/* libconfuse would replace ${NAME} by the environment's value. */
	return strstr(text, "${") ? refuse("'${' is not allowed") : true;
}

/* libconfuse keeps the last of two without a word. */
static bool
check_option(cfg_t *cfg, const cfg_opt_t *option, size_t values)
{
	unsigned size = cfg_size(cfg, option->name);

	if (values > size)
		return refuse("'%s' is there twice", option->name);
	for (unsigned i = 0; option->type == CFGT_STR && i < size; i++) {
		const char *value = cfg_getnstr(cfg, option->name, i);

		if (value && !dk_text_valid((const uint8_t *)value, strlen(value)))
			return refuse("'%s' is not plain text", option->name);
	}
	return true;
}

static bool
check_options(cfg_t *cfg)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (!check_option(cfg, &options[i], seen[i]))
			return false;
	return true;
}

bool
conf_text_parse(const char *text, size_t len, cfg_t **ret_cfg, char ret_fault[CONF_FAULT_BYTES])
{
	cfg_t *cfg;

	fault = ret_fault;
	fault[0] = '\0';
	memset(seen, 0, sizeof(seen));
	if (!check_bytes(text, len))
		return false;
	cfg = cfg_init(options, CFGF_NONE);
	if (!cfg)
		return refuse("no memory");
	(void)cfg_set_error_function(cfg, on_error);
	if (cfg_parse_buf(cfg, text) == CFG_SUCCESS && check_options(cfg)) {
		*ret_cfg = cfg;
		return true;
	}
	if (fault[0] == '\0')
		(void)refuse("cannot be parsed");
	(void)cfg_free(cfg);
	return false;
}
