/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/files/fileio.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "format/header.h"

#define PIPE_BYTES (1 << 20)
/* Small files are in one read; hints cost more than they bring. */
#define ADVISE_MIN_BYTES (1 << 20)

static ptrdiff_t
keep_error(struct file_source *in, ptrdiff_t n)
{
	int none = 0;

	if (n < 0)
		(void)atomic_compare_exchange_strong(&in->error, &none, errno);
	return n;
}

static ptrdiff_t
read_stream(void *ctx, void *buf, size_t len)
{
	struct file_source *in = ctx;
	ssize_t n;

	do {
		n = read(in->fd, buf, len);
	} while (n < 0 && errno == EINTR);
	return keep_error(in, n);
}

static ptrdiff_t
read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	struct file_source *in = ctx;
	ssize_t n;

	do {
		n = pread(in->fd, buf, len, (off_t)(in->base + offset));
	} while (n < 0 && errno == EINTR);
	return keep_error(in, n);
}

/* A pipe of 64 KiB would make the two processes wait for each other; on anything
 * else this does nothing. */
static void
widen_pipe(int fd)
{
	(void)fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
}

void
file_source_init(struct file_source *in, int fd, const struct stat *st)
{
	off_t at;

	in->fd = fd;
	in->base = 0;
	in->regular = false;
	atomic_init(&in->error, 0);
	in->source = (struct dk_source){ .ctx = in, .read = read_stream, .size = DK_SIZE_UNKNOWN };
	/* Files of /proc say that they are empty: read those to find their end. */
	at = S_ISREG(st->st_mode) && st->st_size > 0 ? lseek(fd, 0, SEEK_CUR) : -1;
	if (at < 0) {
		widen_pipe(fd);
		return;
	}
	in->regular = true;
	in->base = (uint64_t)at;
	in->source.read_at = read_at;
	in->source.size = at < st->st_size ? (uint64_t)(st->st_size - at) : 0;
	if (in->source.size >= ADVISE_MIN_BYTES)
		(void)posix_fadvise(fd, at, 0, POSIX_FADV_SEQUENTIAL);
}

int
file_write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
write_sink(void *ctx, const void *buf, size_t len)
{
	struct file_sink *out = ctx;

	if (file_write_all(out->fd, buf, len) == 0) {
		out->written += len;
		return 0;
	}
	out->error = errno;
	return -1;
}

void
file_sink_init(struct file_sink *out, int fd)
{
	out->fd = fd;
	out->error = 0;
	out->written = 0;
	out->sink = (struct dk_sink){ .ctx = out, .write = write_sink };
	widen_pipe(fd);
}

static const char *
why_not_regular(mode_t mode)
{
	if (S_ISDIR(mode))
		return "is a directory (-r takes the files in it)";
	return "is not a regular file";
}

int
file_open(int dir, const char *name, struct stat *ret_st, struct failure *failure)
{
	struct stat st;
	/* O_NONBLOCK: a FIFO without a writer must not hold us up before fstat. */
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 && errno == ELOOP)
		return failure_why(failure, "is a symbolic link");
	if (fd < 0 && errno == ENXIO)
		return failure_why(failure, "is not a regular file");
	if (fd < 0)
		return failure_errno(failure, "cannot open the file");
	if (fstat(fd, &st) != 0)
		(void)failure_errno(failure, "cannot open the file");
	else if (!S_ISREG(st.st_mode))
		(void)failure_why(failure, why_not_regular(st.st_mode));
	if (failure_is(failure)) {
		(void)close(fd);
		return -1;
	}
	*ret_st = st;
	return fd;
}

/* Short, and not the beginning of an object either. */
static bool
is_foreign(const struct file_source *in)
{
	uint8_t head[DK_MAGIC_BYTES];
	ssize_t n = in->regular ? pread(in->fd, head, sizeof(head), 0) : 0;

	return n > 0 && memcmp(head, dk_header_magic, (size_t)n) != 0;
}

void
file_explain(struct failure *failure, const struct file_source *in, const struct file_sink *out)
{
	if (failure->err == DK_ERR_WRITE) {
		failure->error = out ? out->error : errno;
		failure->of_output = true;
	} else if (failure->err == DK_ERR_READ) {
		failure->error = atomic_load(&in->error);
	} else if (failure->err == DK_ERR_TRUNCATED && is_foreign(in)) {
		failure->err = DK_ERR_MAGIC;
	}
}

int
file_check_length(int fd, const struct stat *st, struct failure *failure)
{
	struct stat now;

	if (fstat(fd, &now) != 0)
		return failure_errno(failure, "cannot read the file");
	/* Files of /proc have no length to compare. */
	if (now.st_size == st->st_size || st->st_size == 0)
		return 0;
	failure->err = DK_ERR_CHANGED;
	return -1;
}
