/* SPDX-License-Identifier: Apache-2.0 */
#include "vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (8u << 20)

static bool
slurp(const char *path, uint8_t **ret, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(FILE_MAX);
	size_t len = 0;

	if (f && data)
		len = fread(data, 1, FILE_MAX, f);
	if (f)
		fclose(f);
	if (len == 0 || len == FILE_MAX) {
		free(data);
		return false;
	}
	*ret = data;
	*ret_len = len;
	return true;
}

static void
copy(char *to, size_t room, const char *from)
{
	if ((size_t)snprintf(to, room, "%s", from) >= room)
		abort();
}

bool
vector_word(const char **at, char *to, size_t room)
{
	size_t n = strcspn(*at, " \n");

	if (n == 0 || n >= room)
		return false;
	memcpy(to, *at, n);
	to[n] = '\0';
	*at += n + strspn(*at + n, " ");
	return true;
}

static void
expectation(struct vector *v, const char *value)
{
	v->success = strcmp(value, "success") == 0;
	if (v->success)
		return;
	if (!vector_word(&value, v->category, sizeof(v->category)) ||
	    !vector_word(&value, v->error, sizeof(v->error)))
		abort();
}

static void
range(struct vector *v, const char *value)
{
	char *end;

	v->range_offset = strtoull(value, &end, 10);
	v->range_len = strtoull(end, NULL, 10);
	v->has_range = true;
}

static bool
number(struct vector *v, const char *key, const char *value)
{
	if (strcmp(key, "released-length") == 0)
		v->released_len = strtoull(value, NULL, 10);
	else if (strcmp(key, "min-epoch-customer") == 0)
		v->min_epoch_customer = (uint32_t)strtoul(value, NULL, 10);
	else if (strcmp(key, "min-epoch-provider") == 0)
		v->min_epoch_provider = (uint32_t)strtoul(value, NULL, 10);
	else if (strcmp(key, "range") == 0)
		range(v, value);
	else
		return false;
	return true;
}

static bool
text(struct vector *v, const char *key, const char *value)
{
	const struct {
		const char *key;
		char *to;
		size_t room;
	} table[] = {
		{ "where", v->where, sizeof(v->where) },
		{ "released", v->released, sizeof(v->released) },
		{ "require-creator", v->creator, sizeof(v->creator) },
		{ "tenant", v->tenant, sizeof(v->tenant) },
		{ "label", v->label, sizeof(v->label) },
		{ "file-name", v->file_name, sizeof(v->file_name) },
		{ "media-type", v->media_type, sizeof(v->media_type) },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(key, table[i].key) != 0)
			continue;
		copy(table[i].to, table[i].room, value);
		return true;
	}
	return strcmp(key, "spec") == 0 || strcmp(key, "comment") == 0;
}

static void
line(struct vector *v, const char *key, const char *value)
{
	if (strcmp(key, "expect") == 0)
		expectation(v, value);
	else if (strcmp(key, "customer-key") == 0 && v->customers < VECTOR_KEYS_MAX)
		copy(v->customer[v->customers++], sizeof(v->customer[0]), value);
	else if (strcmp(key, "provider-key") == 0 && v->providers < VECTOR_KEYS_MAX)
		copy(v->provider[v->providers++], sizeof(v->provider[0]), value);
	else if (!number(v, key, value) && !text(v, key, value))
		copy(v->unknown, sizeof(v->unknown), key);
}

bool
vector_read(const char *path, struct vector *ret)
{
	char buf[VECTOR_LINE_MAX];
	size_t len, pos = 0;

	memset(ret, 0, sizeof(*ret));
	if (!slurp(path, &ret->file, &len)) {
		printf("%s: cannot be read\n", path);
		return false;
	}
	for (;;) {
		const uint8_t *end = memchr(ret->file + pos, '\n', len - pos);
		size_t n = end ? (size_t)(end - (ret->file + pos)) : sizeof(buf);
		char *value;

		if (n >= sizeof(buf)) {
			printf("%s: header line too long\n", path);
			return false;
		}
		memcpy(buf, ret->file + pos, n);
		buf[n] = '\0';
		pos += n + 1;
		if (n == 0)
			break;
		value = strstr(buf, ": ");
		if (!value) {
			printf("%s: header line without a colon\n", path);
			return false;
		}
		*value = '\0';
		line(ret, buf, value + 2);
	}
	ret->object = ret->file + pos;
	ret->object_len = len - pos;
	return true;
}

void
vector_clear(struct vector *v)
{
	free(v->file);
	v->file = NULL;
}
