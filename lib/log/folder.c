/* SPDX-License-Identifier: Apache-2.0 */
/* A log in a folder. Names are made by us, never taken from outside. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "log/tile.h"

struct folder {
	int fd;
};

static dk_err
read_file(int dir, struct dk_log_file *file)
{
	int fd = openat(dir, file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	dk_err err = DK_OK;
	ssize_t n = 1;
	uint8_t more;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? DK_ERR_LOG_MISSING : DK_ERR_READ;
	for (file->len = 0; n > 0 && err == DK_OK; file->len += (size_t)n) {
		bool full = file->len == file->cap;

		do
			n = full ? read(fd, &more, 1)
				 : read(fd, file->data + file->len, file->cap - file->len);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			err = DK_ERR_READ;
		else if (n > 0 && full)
			err = DK_ERR_LOG_FILE;
	}
	(void)close(fd);
	return err;
}

static dk_err
folder_read(void *ctx, struct dk_log_file *files, size_t n)
{
	const struct folder *folder = ctx;
	dk_err err = DK_OK;

	for (size_t i = 0; i < n; i++) {
		files[i].err = read_file(folder->fd, &files[i]);
		if (err == DK_OK)
			err = files[i].err;
	}
	return err;
}

static void
folder_close(void *ctx)
{
	struct folder *folder = ctx;

	(void)close(folder->fd);
	free(folder);
}

dk_err
dk_log_folder_open(const char *path, struct dk_log_source *ret_source)
{
	struct folder *folder = malloc(sizeof(*folder));

	if (!folder)
		return DK_ERR_NOMEM;
	folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder->fd < 0) {
		free(folder);
		return DK_ERR_READ;
	}
	*ret_source =
	    (struct dk_log_source){ .read = folder_read, .close = folder_close, .ctx = folder };
	return DK_OK;
}
