/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/files/conf.h"

#include <confuse.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/console/message.h"

#define LIBRARY "libconfuse.so.2"

/* Lines of the values of an option, those of replaced lists too. */
struct lines {
	unsigned *line;
	size_t count, cap;
};

struct conf {
	void *library;
	cfg_t *cfg;
	__typeof__(cfg_init) *init;
	__typeof__(cfg_parse_buf) *parse;
	__typeof__(cfg_set_error_function) *set_error;
	__typeof__(cfg_size) *size;
	__typeof__(cfg_getnstr) *get;
	__typeof__(cfg_free) *free;
	size_t options;
	const struct conf_option *option;
	struct lines lines[CONF_OPTIONS_MAX];
};

/*
 * libconfuse passes no context to its callbacks. There is one parse at a time,
 * in the main thread.
 */
static struct {
	const char *path;
	const char *code;
	struct conf *conf;
	bool told;
} parsing;

static struct lines *
lines_of(struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->options; i++)
		if (strcmp(conf->option[i].name, name) == 0)
			return &conf->lines[i];
	return NULL;
}

static bool
add_line(struct lines *lines, unsigned line)
{
	size_t cap = lines->cap ? 2 * lines->cap : 16;
	unsigned *more;

	if (lines->count == lines->cap) {
		more = realloc(lines->line, cap * sizeof(*more));
		if (!more)
			return false;
		lines->line = more;
		lines->cap = cap;
	}
	lines->line[lines->count++] = line;
	return true;
}

__attribute__((format(printf, 2, 0))) static void
on_error(cfg_t *cfg, const char *format, va_list args)
{
	char text[512];

	if (vsnprintf(text, sizeof(text), format, args) < 0)
		text[0] = '\0';
	message_fail(parsing.path, "line %d: %s (%s)", cfg ? cfg->line : 0, text, parsing.code);
	parsing.told = true;
}

static int
on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct lines *lines = lines_of(parsing.conf, opt->name);

	if (lines && !add_line(lines, cfg->line > 0 ? (unsigned)cfg->line : 1)) {
		message_err(parsing.path, DK_ERR_NOMEM, NULL);
		parsing.told = true;
		return -1;
	}
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
	message_fail(parsing.path, "%s cannot be loaded, which reads this file (%s)", LIBRARY,
	    dk_err_name(DK_ERR_LIBRARY));
	return false;
}

/* libconfuse would replace ${NAME} by the environment's value. */
static bool
check_text(const char *text)
{
	if (strstr(text, "${")) {
		message_fail(parsing.path, "'${' is not allowed (%s)", parsing.code);
		return false;
	}
	for (const char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c < 0x20 && *c != '\n' && *c != '\t') {
			message_fail(parsing.path, "has a control character (%s)", parsing.code);
			return false;
		}
	}
	return true;
}

/*
 * Where a comment begins on this line, or its length. A string that goes on to another line is
 * refused later, so that quotes are those of this line; what has none stands alone.
 */
static size_t
find_comment(const char *line, size_t len)
{
	size_t quotes = 0;

	for (size_t at = 0; at < len; at++) {
		bool alone = at == 0 || line[at - 1] == ' ' || line[at - 1] == '\t';

		if (alone && quotes % 2 == 0 &&
		    (line[at] == '#' || strncmp(line + at, "//", 2) == 0))
			return at;
		if (line[at] == '\\' || line[at] == '\'')
			break;
		quotes += line[at] == '"';
	}
	return len;
}

/* libconfuse counts a line with a comment more than once, so it gets none to see, as far as
 * that is easy. What ends another comment is left. */
static void
blank_comments(char *text)
{
	for (char *line = text; *line != '\0';) {
		size_t len = strcspn(line, "\n");
		size_t at = find_comment(line, len);

		if (!memmem(line + at, len - at, "*/", 2))
			memset(line + at, ' ', len - at);
		line += len + (line[len] == '\n');
	}
}

static bool
check_values(const struct conf *conf)
{
	for (size_t i = 0; i < conf->options; i++) {
		const char *name = conf->option[i].name;
		const struct lines *lines = &conf->lines[i];
		size_t count = conf->size(conf->cfg, name);

		if (lines->count > count) {
			message_fail(parsing.path, "line %u: '%s' is there twice (%s)",
			    lines->line[lines->count - 1], name, parsing.code);
			return false;
		}
		/* An option that is not there has one value, NULL, unless it is a list. */
		for (unsigned j = 0; j < count; j++) {
			const char *value = conf->get(conf->cfg, name, j);

			if (value && !dk_text_valid((const uint8_t *)value, strlen(value))) {
				message_fail(parsing.path, "line %u: '%s' is not plain text (%s)",
				    lines->line[j], name, parsing.code);
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

	for (size_t i = 0; i < conf->options; i++) {
		const char *name = conf->option[i].name;
		cfg_opt_t one = CFG_STR_CB(name, NULL, CFGF_NONE, on_value);
		cfg_opt_t list = CFG_STR_LIST_CB(name, NULL, CFGF_NONE, on_value);

		opts[i] = conf->option[i].list ? list : one;
	}
	opts[conf->options] = end;
	conf->cfg = conf->init(opts, CFGF_NONE);
	if (!conf->cfg) {
		message_err(parsing.path, DK_ERR_NOMEM, NULL);
		return false;
	}
	(void)conf->set_error(conf->cfg, on_error);
	if (conf->parse(conf->cfg, text) == CFG_SUCCESS)
		return check_values(conf);
	if (!parsing.told)
		message_fail(parsing.path, "cannot be parsed (%s)", parsing.code);
	return false;
}

struct conf *
conf_parse(const char *path, const char *code, const char *text, const struct conf_option *option,
    size_t count)
{
	struct conf *conf = calloc(1, sizeof(*conf));
	char *copy = strdup(text);
	bool ok = conf && copy;

	parsing = (__typeof__(parsing)){ .path = path, .code = code, .conf = conf };
	if (ok) {
		conf->option = option;
		conf->options = count < CONF_OPTIONS_MAX ? count : CONF_OPTIONS_MAX;
		blank_comments(copy);
		ok = load(conf) && check_text(text) && parse(conf, copy);
	} else {
		message_err(path, DK_ERR_NOMEM, NULL);
	}
	free(copy);
	if (ok)
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
	for (size_t i = 0; i < conf->options; i++)
		free(conf->lines[i].line);
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

unsigned
conf_line(const struct conf *conf, const char *name, size_t index)
{
	for (size_t i = 0; i < conf->options; i++)
		if (strcmp(conf->option[i].name, name) == 0 && index < conf->lines[i].count)
			return conf->lines[i].line[index];
	return 0;
}

void
conf_put(FILE *f, const char *value)
{
	(void)putc('"', f);
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			(void)putc('\\', f);
		(void)putc(*value, f);
	}
	(void)putc('"', f);
}
