/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/files/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/console/message.h"
#include "cli/files/temp.h"

struct output {
	char *path; /* NULL: standard output */
	int dir;    /* of a file that is no stream */
	int fd;     /* of a stream */
	struct temp temp;
	bool force;
	mode_t mode;
	bool is_stream;
	bool mode_set;
	bool defer_sync;
};

static mode_t mask = 077;

void
output_init(void)
{
	mask = umask(077);
	(void)umask(mask);
	temp_catch_signals();
}

bool
output_is_stdout(const char *path)
{
	return !path || strcmp(path, "-") == 0;
}

int
output_fd(const struct output *output)
{
	return output->is_stream ? output->fd : output->temp.fd;
}

bool
output_is_stream(const struct output *output)
{
	return output->is_stream;
}

const char *
output_name(const struct output *output)
{
	return output->path ? output->path : "standard output";
}

/* What is at path now, if anything, allows us to go on. */
static bool
check_existing(const char *path, const struct stat *st, bool force)
{
	if (S_ISDIR(st->st_mode))
		message_fail(path, "this is a directory");
	else if (S_ISLNK(st->st_mode))
		message_fail(path, "this is a symbolic link; it is not followed");
	else if (!S_ISREG(st->st_mode))
		message_fail(path, "this is no regular file");
	else if (!force)
		message_fail(path, "the file exists; --force replaces it");
	else
		return true;
	return false;
}

static bool
fail(const char *path)
{
	if (errno == EEXIST)
		message_fail(path, "the file exists; --force replaces it");
	else
		message_err(path, DK_ERR_WRITE, NULL);
	return false;
}

static bool
open_stream(struct output *output)
{
	output->fd = open(output->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	output->is_stream = true;
	return output->fd >= 0 || fail(output->path);
}

static const char *
base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The directory of path, or -1 with errno set. */
static int
open_directory(const char *path)
{
	char dir[PATH_MAX];
	size_t len = (size_t)(base_of(path) - path);
	int fd;

	if (len >= sizeof(dir)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (len == 0)
		return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	memcpy(dir, path, len);
	dir[len] = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* One may write to a directory that one may not list. */
	if (fd < 0 && errno == EACCES)
		fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd;
}

static bool
open_file(struct output *output)
{
	struct stat st;

	/* Followed, since /dev/stdout and /dev/fd/N are links. */
	if (stat(output->path, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
		return open_stream(output);
	if (lstat(output->path, &st) == 0 && !check_existing(output->path, &st, output->force))
		return false;
	output->dir = open_directory(output->path);
	if (output->dir < 0 ||
	    temp_begin(&output->temp, output->dir, base_of(output->path), output->force) != 0)
		return fail(output->path);
	return true;
}

bool
output_open(const char *path, const struct output_options *options, struct output **ret_output)
{
	bool is_stdout = output_is_stdout(path);
	struct output *output = calloc(1, sizeof(*output));

	if (output && !is_stdout)
		output->path = strdup(path);
	if (!output || (!is_stdout && !output->path)) {
		message_err(path, DK_ERR_NOMEM, NULL);
		free(output);
		return false;
	}
	output->dir = -1;
	output->fd = -1;
	output->temp.fd = -1;
	output->temp.slot = -1;
	output->force = options->force;
	output->mode = (options->mode ? options->mode : 0666) & ~mask;
	output->defer_sync = options->defer_sync;
	if (is_stdout) {
		output->fd = STDOUT_FILENO;
		output->is_stream = true;
	} else if (!open_file(output)) {
		output_abandon(output);
		return false;
	}
	*ret_output = output;
	return true;
}

bool
output_write(struct output *output, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = write(output_fd(output), at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			message_err(output_name(output), DK_ERR_WRITE, NULL);
			return false;
		}
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool
output_like(struct output *output, const struct stat *in)
{
	if (output->is_stream)
		return true;
	output->mode_set = true;
	return temp_like(&output->temp, in) == 0 || fail(output->path);
}

static bool
prepare(struct output *output)
{
	if (output->is_stream)
		return true;
	if (!output->mode_set && fchmod(output->temp.fd, output->mode) != 0)
		return fail(output->path);
	if (!output->defer_sync && temp_sync(&output->temp) != 0)
		return fail(output->path);
	return true;
}

static bool
give_name(struct output *output)
{
	return output->is_stream || temp_commit_keeping(&output->temp) == 0 || fail(output->path);
}

/* What was there before. Where that is gone, the new one has to stay. */
static void
take_name(struct output *output)
{
	int kept = errno;

	if (!output->is_stream && temp_put_back(&output->temp) != 0)
		message_warn(output->path, "the new file is there, what it replaced is not");
	errno = kept;
}

static bool
name_all(struct output **outputs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (give_name(outputs[i]))
			continue;
		while (i > 0)
			take_name(outputs[--i]);
		return false;
	}
	return true;
}

static bool
sync_name(struct output *output)
{
	if (output->is_stream || output->defer_sync)
		return true;
	return temp_sync_dir(output->dir) == 0 || fail(output->path);
}

bool
output_commit_all(struct output **outputs, size_t count)
{
	bool ok = true;

	for (size_t i = 0; i < count && ok; i++)
		ok = prepare(outputs[i]);
	ok = ok && name_all(outputs, count);
	for (size_t i = 0; i < count; i++) {
		ok = ok && sync_name(outputs[i]);
		temp_drop_old(&outputs[i]->temp);
		output_abandon(outputs[i]); /* a file with its name has nothing left to drop */
		outputs[i] = NULL;
	}
	return ok;
}

/* One alone needs nothing that could be put back. */
bool
output_commit(struct output *output)
{
	bool ok = prepare(output) &&
	    (output->is_stream || temp_commit(&output->temp) == 0 || fail(output->path)) &&
	    sync_name(output);

	output_abandon(output);
	return ok;
}

void
output_abandon(struct output *output)
{
	if (!output)
		return;
	temp_abort(&output->temp);
	if (output->dir >= 0)
		(void)close(output->dir);
	if (output->path && output->fd >= 0)
		(void)close(output->fd);
	free(output->path);
	free(output);
}

bool
output_sync(const char *path)
{
	int fd = open_directory(path);
	bool ok = fd >= 0 && syncfs(fd) == 0;

	if (!ok)
		message_err(path, DK_ERR_WRITE, NULL);
	if (fd >= 0)
		(void)close(fd);
	return ok;
}
