/* SPDX-License-Identifier: Apache-2.0 */
#include "native_vector.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "folder.h"

/* "NAME LENGTH" */
static bool
take_part(struct part *p, const char *value)
{
	size_t name = strcspn(value, " ");
	char *end;

	if (name >= sizeof(p->name) || value[name] != ' ' || value[name + 1] < '0' ||
	    value[name + 1] > '9')
		return false;
	memcpy(p->name, value, name);
	p->len = strtoul(value + name + 1, &end, 10);
	return *end == '\0';
}

static bool
take_line(void *ctx, const char *name, const char *value)
{
	struct vector *v = ctx;

	if (strcmp(name, "part") == 0)
		return v->parts < PARTS_MAX && take_part(&v->part[v->parts++], value);
	if (v->lines == LINES_MAX)
		return false;
	folder_copy(v->name[v->lines], sizeof(v->name[0]), name);
	folder_copy(v->value[v->lines++], LINE_BYTES, value);
	return true;
}

static const char *
line(const struct vector *v, const char *name)
{
	for (unsigned i = 0; i < v->lines; i++)
		if (strcmp(v->name[i], name) == 0)
			return v->value[i];
	return NULL;
}

/* Ends the program: the file is not what the README says. */
const char *
need(const struct vector *v, const char *name)
{
	const char *value = line(v, name);

	if (!value) {
		printf("FAIL %s: no line \"%s\"\n", v->path, name);
		exit(1);
	}
	return value;
}

struct dk_part
part(const struct vector *v, const char *name)
{
	for (unsigned i = 0; i < v->parts; i++)
		if (strcmp(v->part[i].name, name) == 0)
			return (struct dk_part){ v->part[i].data, v->part[i].len };
	printf("FAIL %s: no part \"%s\"\n", v->path, name);
	exit(1);
}

void
need_hex(const struct vector *v, const char *name, uint8_t *out, size_t len)
{
	const char *value = need(v, name);

	if (strlen(value) != 2 * len || !dk_unhex(value, out, len)) {
		printf("FAIL %s: line \"%s\"\n", v->path, name);
		exit(1);
	}
}

/* What was found, if the vector has a line about it. */
void
found(struct vector *v, const char *name, const char *got)
{
	const char *want = line(v, name);

	if (want && !folder_same(v->path, name, got, want))
		v->differs = true;
}

void
found_hex(struct vector *v, const char *name, const uint8_t *bytes, size_t len)
{
	char hex[2 * 48 + 1];

	dk_hex(bytes, len, hex);
	found(v, name, hex);
}

void
found_number(struct vector *v, const char *name, uint64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, number);
	found(v, name, text);
}

bool
native_vector_read(const char *path, struct vector *v)
{
	size_t len, at = 0;

	memset(v, 0, offsetof(struct vector, data));
	v->path = path;
	if (!folder_read(path, take_line, v, v->data, sizeof(v->data), &len))
		return false;
	for (unsigned i = 0; i < v->parts; i++) {
		if (v->part[i].len > len - at) {
			printf("FAIL %s: shorter than its parts\n", path);
			return false;
		}
		v->part[i].data = v->data + at;
		at += v->part[i].len;
	}
	if (at != len)
		printf("FAIL %s: longer than its parts\n", path);
	return at == len;
}
