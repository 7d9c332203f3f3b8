/* SPDX-License-Identifier: Apache-2.0 */
#include "store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const folder_of_service[FOLDER_OF_SERVICE_COUNT] = { "issuers", "keys", "log",
	"policies", "run", "tls" };

static bool
sync_and_close(int fd)
{
	/* A file system that cannot do it says EINVAL. */
	bool ok = fsync(fd) == 0 || errno == EINVAL;

	return close(fd) == 0 && ok;
}

bool
folder_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && sync_and_close(fd);
}

bool
folder_sync_above(const char *file)
{
	const char *slash = strrchr(file, '/');
	char *path;
	bool ok;

	if (!slash)
		return folder_sync(".");
	path = strndup(file, slash == file ? 1 : (size_t)(slash - file));
	ok = path && folder_sync(path);
	free(path);
	return ok;
}

bool
folder_sync_service(void)
{
	int above = open("..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < FOLDER_OF_SERVICE_COUNT; i++)
		if (!folder_sync(folder_of_service[i]))
			return false;
	return folder_sync(".") && (above < 0 || sync_and_close(above));
}
