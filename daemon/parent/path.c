/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "parent/parent.h"

bool
path_join(char ret[PATH_BYTES], const char *dir, const char *name)
{
	int n = snprintf(ret, PATH_BYTES, "%s/%s", dir, name);

	return n > 0 && n < PATH_BYTES;
}

/* Beside doublekeyd, or where an installation has it: a tree that was moved
 * or unpacked somewhere runs as it is. */
bool
path_program(char ret[PATH_BYTES], const char *name)
{
	static const char *const places[] = { "", "../libexec/doublekey/", "../lib/doublekey/" };
	char self[PATH_BYTES / 2];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;
	int n;

	if (len <= 0)
		return false;
	self[len] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return false;
	*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		n = snprintf(ret, PATH_BYTES, "%s/%sdoublekeyd-%s", self, places[i], name);
		if (n > 0 && n < PATH_BYTES && access(ret, X_OK) == 0)
			return true;
	}
	return false;
}

bool
file_keep(const char *path, const struct dk_part *parts, size_t count)
{
	char fresh[PATH_BYTES];
	int n = snprintf(fresh, sizeof(fresh), "%s.new", path), fd;
	bool ok = true;

	if (n < 0 || n >= PATH_BYTES)
		return false;
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	for (size_t i = 0; i < count; i++)
		ok = ok && write(fd, parts[i].data, parts[i].len) == (ssize_t)parts[i].len;
	ok = ok && fsync(fd) == 0;
	return close(fd) == 0 && ok && rename(fresh, path) == 0;
}
