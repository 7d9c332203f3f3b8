/* SPDX-License-Identifier: Apache-2.0 */
#include "conf.h"

#include <confuse.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "message.h"

#define LIBRARY "libconfuse.so.2"

struct conf {
	void *library;
	cfg_t *cfg;
	__typeof__(cfg_init) *init;
	__typeof__(cfg_parse_buf) *parse;
	__typeof__(cfg_set_error_function) *set_error;
	__typeof__(cfg_size) *size;
	__typeof__(cfg_getnstr) *get;
	__typeof__(cfg_free) *free;
};

/*
 * libconfuse passes no context to its callbacks. There is one parse at a time,
 * in the main thread.
 */
static struct {
	const char *path;
	const struct conf_option *option;
	size_t count;
	size_t seen[CONF_OPTIONS_MAX]; /* values, those of replaced lists too */
	bool told;
} parsing;

__attribute__((format(printf, 2, 0))) static void
on_error(cfg_t *cfg, const char *format, va_list args)
{
	char text[512];

	if (vsnprintf(text, sizeof(text), format, args) < 0)
		text[0] = '\0';
	message_fail(parsing.path, "line %d: %s", cfg ? cfg->line : 0, text);
	parsing.told = true;
}

static int
on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	(void)cfg;
	for (size_t i = 0; i < parsing.count; i++)
		parsing.seen[i] += strcmp(parsing.option[i].name, opt->name) == 0;
	*(const char **)result = value;
	return 0;
}

static bool
find(void *library, const char *name, void *ret_function)
{
	void *symbol = dlsym(library, name);

	/* ISO C has no conversion from an object pointer to a function pointer. */
	memcpy(ret_function, &symbol, sizeof(symbol));
	return symbol != NULL;
}

static bool
load(struct conf *conf)
{
	conf->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (conf->library && find(conf->library, "cfg_init", &conf->init) &&
	    find(conf->library, "cfg_parse_buf", &conf->parse) &&
	    find(conf->library, "cfg_set_error_function", &conf->set_error) &&
	    find(conf->library, "cfg_size", &conf->size) &&
	    find(conf->library, "cfg_getnstr", &conf->get) &&
	    find(conf->library, "cfg_free", &conf->free))
		return true;
	message_fail(parsing.path, "%s cannot be loaded, which reads profiles (%s)", LIBRARY,
	    dk_err_name(DK_ERR_LIBRARY));
	return false;
}

/* libconfuse would replace ${NAME} by the environment's value. */
static bool
check_text(const char *text)
{
	if (strstr(text, "${")) {
		message_fail(parsing.path, "'${' is not allowed");
		return false;
	}
	for (const char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c < 0x20 && *c != '\n' && *c != '\t') {
			message_fail(parsing.path, "has a control character");
			return false;
		}
	}
	return true;
}

static bool
check_values(const struct conf *conf)
{
	for (size_t i = 0; i < parsing.count; i++) {
		const char *name = parsing.option[i].name;
		size_t count = conf->size(conf->cfg, name);

		if (parsing.seen[i] > count) {
			message_fail(parsing.path, "'%s' is there twice", name);
			return false;
		}
		/* An option that is not there has one value, NULL, unless it is a list. */
		for (unsigned j = 0; j < count; j++) {
			const char *value = conf->get(conf->cfg, name, j);

			if (value && !dk_text_valid((const uint8_t *)value, strlen(value))) {
				message_fail(parsing.path, "'%s' is not plain text", name);
				return false;
			}
		}
	}
	return true;
}

static bool
parse(struct conf *conf, const char *text)
{
	cfg_opt_t opts[CONF_OPTIONS_MAX + 1];
	static const cfg_opt_t end = CFG_END();

	for (size_t i = 0; i < parsing.count; i++) {
		const char *name = parsing.option[i].name;
		cfg_opt_t one = CFG_STR_CB(name, NULL, CFGF_NONE, on_value);
		cfg_opt_t list = CFG_STR_LIST_CB(name, NULL, CFGF_NONE, on_value);

		opts[i] = parsing.option[i].list ? list : one;
	}
	opts[parsing.count] = end;
	conf->cfg = conf->init(opts, CFGF_NONE);
	if (!conf->cfg) {
		message_err(parsing.path, DK_ERR_NOMEM, NULL);
		return false;
	}
	(void)conf->set_error(conf->cfg, on_error);
	if (conf->parse(conf->cfg, text) == CFG_SUCCESS)
		return check_values(conf);
	if (!parsing.told)
		message_fail(parsing.path, "cannot be parsed");
	return false;
}

struct conf *
conf_parse(const char *path, const char *text, const struct conf_option *option, size_t count)
{
	struct conf *conf = calloc(1, sizeof(*conf));

	memset(&parsing, 0, sizeof(parsing));
	parsing.path = path;
	parsing.option = option;
	parsing.count = count < CONF_OPTIONS_MAX ? count : CONF_OPTIONS_MAX;
	if (!conf) {
		message_err(path, DK_ERR_NOMEM, NULL);
		return NULL;
	}
	if (load(conf) && check_text(text) && parse(conf, text))
		return conf;
	conf_free(conf);
	return NULL;
}

void
conf_free(struct conf *conf)
{
	if (!conf)
		return;
	if (conf->cfg)
		(void)conf->free(conf->cfg);
	if (conf->library)
		(void)dlclose(conf->library);
	free(conf);
}

size_t
conf_count(const struct conf *conf, const char *name)
{
	size_t count = conf->size(conf->cfg, name);

	return count == 1 && !conf->get(conf->cfg, name, 0) ? 0 : count;
}

const char *
conf_value(const struct conf *conf, const char *name, size_t index)
{
	return conf->get(conf->cfg, name, (unsigned)index);
}
