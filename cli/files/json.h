/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON (RFC 8259) to a stream: output only, one compact line. The caller's
 * calls make the structure; commas are put where they belong.
 */
#ifndef DK_CLI_JSON_H
#define DK_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	bool comma; /* a value stands before this place */
};

/* name is NULL within arrays and for the outermost value. */
void json_open(struct json *json, const char *name, char bracket); /* '{' or '[' */
void json_close(struct json *json, char bracket);                  /* '}' or ']' */
/* Bytes that are not UTF-8 become U+FFFD. */
void json_string(struct json *json, const char *name, const char *value);
void json_number(struct json *json, const char *name, uint64_t value);
void json_bool(struct json *json, const char *name, bool value);
void json_null(struct json *json, const char *name);

#endif
