/* SPDX-License-Identifier: Apache-2.0 */
#include "folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 1102 /* with LF and NUL: the longest is a passphrase */
#define PATH_BYTES 4096

static bool
take_line(char *line, folder_line_fn take, void *ctx)
{
	char *value = strstr(line, ": ");

	if (!value)
		return false;
	*value = '\0';
	return take(ctx, line, value + 2);
}

bool
folder_read(
    const char *path, folder_line_fn take, void *ctx, uint8_t *data, size_t room, size_t *ret_len)
{
	FILE *file = fopen(path, "rb");
	char line[LINE_BYTES];
	bool good = file != NULL;

	if (!file)
		printf("FAIL %s: cannot be read\n", path);
	while (good && fgets(line, sizeof(line), file) && line[0] != '\n') {
		line[strcspn(line, "\n")] = '\0';
		good = take_line(line, take, ctx);
		if (!good)
			printf("FAIL %s: header line \"%s\" is not known\n", path, line);
	}
	if (good)
		*ret_len = fread(data, 1, room, file);
	if (good && *ret_len == room) {
		printf("FAIL %s: longer than any vector\n", path);
		good = false;
	}
	if (file)
		(void)fclose(file);
	return good;
}

static int
visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static unsigned
run_all(const char *folder, struct dirent **names, int n, folder_run_fn run, void *ctx)
{
	unsigned failed = 0;

	for (int i = 0; i < n; i++) {
		char path[PATH_BYTES];

		if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name) >=
		    sizeof(path))
			abort();
		failed += !run(ctx, path);
		free(names[i]);
	}
	free(names);
	return failed;
}

int
folder_run(const char *path, folder_run_fn run, void *ctx)
{
	struct dirent **names;
	int n = scandir(path, &names, visible, alphasort);
	unsigned failed;

	if (n < 0) {
		n = 1;
		failed = !run(ctx, path);
	} else
		failed = run_all(path, names, n, run, ctx);
	printf("%d vectors, %u failed\n", n, failed);
	return failed == 0 && n > 0 ? 0 : 1;
}

void
folder_copy(char *to, size_t room, const char *value)
{
	if ((size_t)snprintf(to, room, "%s", value) >= room) {
		printf("FAIL a header value is too long\n");
		exit(1);
	}
}

bool
folder_same(const char *path, const char *what, const char *got, const char *want)
{
	if (strcmp(got, want) == 0)
		return true;
	printf("FAIL %s: %s is \"%s\", expected \"%s\"\n", path, what, got, want);
	return false;
}
