/* SPDX-License-Identifier: Apache-2.0 */
#include "vector_file.h"

#include <string.h>

#include "fuzz.h"

void
vector_file_open(const char *name, struct vector_file *ret)
{
	char path[1024];
	FILE *f;
	char *end;

	FUZZ_CHECK(
	    (size_t)snprintf(path, sizeof(path), FUZZ_KEYS "/../native/%s", name) < sizeof(path));
	f = fopen(path, "rb");
	FUZZ_CHECK(f != NULL);
	ret->len = fread(ret->text, 1, VECTOR_FILE_MAX_BYTES, f);
	FUZZ_CHECK(ret->len < VECTOR_FILE_MAX_BYTES);
	(void)fclose(f);
	ret->text[ret->len] = '\0';
	end = strstr(ret->text, "\n\n");
	FUZZ_CHECK(end != NULL);
	ret->data = (size_t)(end - ret->text) + 2;
	for (char *p = ret->text; p < end + 1; p++)
		if (*p == '\n')
			*p = '\0';
}

static const char *
next_line(const struct vector_file *file, const char *line, const char *name)
{
	const char *end = file->text + file->data - 1;
	size_t len = strlen(name);

	for (line = line ? line + strlen(line) + 1 : file->text; line < end;
	     line += strlen(line) + 1)
		if (strncmp(line, name, len) == 0 && strncmp(line + len, ": ", 2) == 0)
			return line;
	return NULL;
}

const char *
vector_file_line(const struct vector_file *file, const char *name)
{
	const char *line = next_line(file, NULL, name);

	FUZZ_CHECK(line != NULL);
	return line + strlen(name) + 2;
}

void
vector_file_hex(const struct vector_file *file, const char *name, uint8_t *out, size_t len)
{
	const char *value = vector_file_line(file, name);

	FUZZ_CHECK(strlen(value) == 2 * len && dk_unhex(value, out, len));
}

struct dk_part
vector_file_part(const struct vector_file *file, const char *name)
{
	size_t at = file->data, len = strlen(name);

	for (const char *line = next_line(file, NULL, "part"); line;
	     line = next_line(file, line, "part")) {
		const char *value = line + strlen("part: ");
		const char *blank = strchr(value, ' ');
		struct dk_part part = { file->text + at, 0 };

		FUZZ_CHECK(blank != NULL);
		part.len = strtoul(blank + 1, NULL, 10);
		FUZZ_CHECK(part.len <= file->len - at);
		if ((size_t)(blank - value) == len && memcmp(value, name, len) == 0)
			return part;
		at += part.len;
	}
	fprintf(stderr, "no part %s\n", name);
	abort();
}

void
vector_file_service(const char *name, struct dk_service_data *ret)
{
	static struct vector_file file;
	struct dk_part part;

	vector_file_open(name, &file);
	part = vector_file_part(&file, "service");
	FUZZ_CHECK(dk_service_data_parse(part.data, part.len, ret) == DK_OK);
}
