/* SPDX-License-Identifier: Apache-2.0 */
#include "client/profile_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "native/approval.h"

#define FILE_MAX_BYTES (DK_REQUEST_FILE_MAX_BYTES + 256)

bool
dk_profile_path(const struct dk_profile *profile, const char *name, char ret[DK_PROFILE_PATH_BYTES])
{
	int n = snprintf(ret, DK_PROFILE_PATH_BYTES, "%s/%s", profile->dir, name);

	return n > 0 && n < DK_PROFILE_PATH_BYTES;
}

dk_err
dk_profile_read(const struct dk_profile *profile, const char *name, uint8_t **ret, size_t *ret_len)
{
	char path[DK_PROFILE_PATH_BYTES];
	struct stat st;
	uint8_t *data;
	ssize_t n;
	int fd;

	if (!dk_profile_path(profile, name, path))
		return DK_ERR_SERVICE_PROFILE;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? DK_ERR_SERVICE_NOT_ENROLLED : DK_ERR_READ;
	if (fstat(fd, &st) != 0 || st.st_size <= 0 || st.st_size > FILE_MAX_BYTES) {
		(void)close(fd);
		return DK_ERR_SERVICE_PROFILE;
	}
	data = malloc((size_t)st.st_size);
	n = data ? read(fd, data, (size_t)st.st_size) : -1;
	(void)close(fd);
	if (n != st.st_size) {
		free(data);
		return DK_ERR_READ;
	}
	*ret = data;
	*ret_len = (size_t)n;
	return DK_OK;
}

/* Several processes may write the same file at a time, so each has a new one of its own. No
 * key or request has a name that begins with a dot. */
dk_err
dk_profile_write(const struct dk_profile *profile, const char *name, const void *data, size_t len)
{
	char path[DK_PROFILE_PATH_BYTES], temp[DK_PROFILE_PATH_BYTES];
	bool ok;
	int fd;

	if (!dk_profile_path(profile, name, path) || !dk_profile_path(profile, ".new.XXXXXX", temp))
		return DK_ERR_WRITE;
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return DK_ERR_WRITE;
	ok = write(fd, data, len) == (ssize_t)len && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	if (ok && rename(temp, path) == 0)
		return DK_OK;
	(void)unlink(temp);
	return DK_ERR_WRITE;
}
