/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libconfuse, loaded when a profile or an incident file is read: everything else starts without it.
 * It takes some input that this program refuses; see conf_parse().
 */
#ifndef DK_CLI_CONF_H
#define DK_CLI_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct conf;

#define CONF_OPTIONS_MAX 8

struct conf_option {
	const char *name;
	bool list;
};

/*
 * Parse text (NUL-terminated; path is for messages only, code their stable name). An
 * unknown option, an option given twice, a variable and a control character are refused.
 * NULL: told already.
 */
struct conf *conf_parse(const char *path, const char *code, const char *text,
    const struct conf_option *option, size_t count);
void conf_free(struct conf *conf);

/* Values live as long as conf. */
size_t conf_count(const struct conf *conf, const char *name);
const char *conf_value(const struct conf *conf, const char *name, size_t index);
/* A value as it is written, in quotes; stream errors are the caller's to look for. */
void conf_put(FILE *f, const char *value);
/* Where the value ends, from 1. */
unsigned conf_line(const struct conf *conf, const char *name, size_t index);

#endif
