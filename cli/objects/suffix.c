/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/objects/suffix.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SUFFIX ".dkey"
#define SUFFIX_BYTES (sizeof(SUFFIX) - 1)

static bool
has_suffix(const char *name)
{
	size_t len = strlen(name);

	return len > SUFFIX_BYTES && strcmp(name + len - SUFFIX_BYTES, SUFFIX) == 0;
}

static char *
none(void)
{
	errno = 0;
	return NULL;
}

char *
suffix_add(void *ctx, const char *name, bool listed)
{
	char *out;

	(void)ctx;
	if (listed && has_suffix(name))
		return none();
	return asprintf(&out, "%s" SUFFIX, name) < 0 ? NULL : out;
}

char *
suffix_strip(void *ctx, const char *name, bool listed)
{
	size_t len = strlen(name);

	(void)ctx;
	(void)listed;
	/* "..dkey" and "...dkey" would give names of directories. */
	if (!has_suffix(name) || strcmp(name, "." SUFFIX) == 0 || strcmp(name, ".." SUFFIX) == 0)
		return none();
	return strndup(name, len - SUFFIX_BYTES);
}

char *
suffix_keep(void *ctx, const char *name, bool listed)
{
	(void)ctx;
	return listed && !has_suffix(name) ? none() : strdup(name);
}
