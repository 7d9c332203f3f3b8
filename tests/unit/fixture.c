/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "unit.h"

#define LINE_MAX_BYTES 8192

size_t
unhex(const char *hex, uint8_t *out, size_t cap)
{
	size_t len = strlen(hex) / 2;

	assert_true(len <= cap);
	assert_true(dk_unhex(hex, out, len));
	return len;
}

void
fixture_open(struct fixture *fx, const char *path)
{
	const char *root = getenv("DK_SOURCE_ROOT");
	char full[1024];

	memset(fx, 0, sizeof(*fx));
	assert_in_range(
	    snprintf(full, sizeof(full), "%s/%s", root ? root : ".", path), 1, sizeof(full) - 1);
	fx->file = fopen(full, "r");
	if (fx->file == NULL)
		fail_msg("cannot open %s", full);
}

static void
drop_fields(struct fixture *fx)
{
	for (size_t i = 0; i < fx->n; i++) {
		free(fx->fields[i].name);
		free(fx->fields[i].data);
	}
	fx->n = 0;
}

static void
add_field(struct fixture *fx, const char *name, const char *hex)
{
	struct fixture_field *field;

	assert_true(fx->n < FIXTURE_FIELDS_MAX);
	field = &fx->fields[fx->n++];
	field->name = strdup(name);
	field->data = malloc(strlen(hex) / 2 + 1);
	assert_non_null(field->name);
	assert_non_null(field->data);
	field->len = unhex(hex, field->data, strlen(hex) / 2);
}

bool
fixture_next(struct fixture *fx)
{
	char line[LINE_MAX_BYTES];
	bool inside = false;

	drop_fields(fx);
	while (fgets(line, sizeof(line), fx->file) != NULL) {
		char *value = strstr(line, ": ");
		size_t len = strlen(line);

		assert_true(len > 0 && line[len - 1] == '\n');
		line[len - 1] = 0;
		if (line[0] == '#')
			continue;
		if (line[0] == 0 && inside)
			return true;
		if (line[0] == 0)
			continue;
		assert_non_null(value);
		*value = 0;
		value += 2;
		if (!inside) {
			assert_string_equal(line, "case");
			assert_true(strlen(value) < sizeof(fx->what));
			memcpy(fx->what, value, strlen(value) + 1);
			inside = true;
			continue;
		}
		add_field(fx, line, value);
	}
	return inside;
}

const struct fixture_field *
fixture_get(const struct fixture *fx, const char *name)
{
	for (size_t i = 0; i < fx->n; i++) {
		if (strcmp(fx->fields[i].name, name) == 0)
			return &fx->fields[i];
	}
	fail_msg("no field %s", name);
	return NULL;
}

void
fixture_close(struct fixture *fx)
{
	drop_fields(fx);
	(void)fclose(fx->file);
}
