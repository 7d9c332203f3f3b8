/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the program under test: makes system calls fail, or kills the
 * process in front of one.
 *
 *   FAULT=CALL:N:WHAT[,CALL:N:WHAT...]
 *
 * CALL is read, pread, write, fsync, syncfs, linkat, renameat, futimens, clone,
 * copy, tmpfile, or any (each of these but tmpfile). N counts from 1; 0 means every
 * call. WHAT is an errno as a number, KILL (SIGKILL to the process), or TERM.
 *
 * FAULT_LOG=FILE: at the end, one line "CALL CALLS BYTES" for each call.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum call {
	READ,
	PREAD,
	WRITE,
	FSYNC,
	SYNCFS,
	LINKAT,
	RENAMEAT,
	FUTIMENS,
	CLONE,
	COPY,
	TMPFILE,
	ANY,
	CALLS
};

static const char *const names[CALLS] = { "read", "pread", "write", "fsync", "syncfs", "linkat",
	"renameat", "futimens", "clone", "copy", "tmpfile", "any" };
static atomic_long counts[CALLS];
static atomic_long bytes[CALLS];

static void
act(const char *what)
{
	if (strncmp(what, "KILL", 4) == 0)
		(void)kill(getpid(), SIGKILL);
	if (strncmp(what, "TERM", 4) == 0)
		(void)kill(getpid(), SIGTERM);
	errno = (int)strtol(what, NULL, 10);
}

/* Whether the rule is for call number count; then errno is set. */
static int
matches(const char *rule, enum call call, long count)
{
	size_t len = strlen(names[call]);
	char *rest;
	long n;

	if (strncmp(rule, names[call], len) != 0 || rule[len] != ':')
		return 0;
	n = strtol(rule + len + 1, &rest, 10);
	if ((n != 0 && n != count) || *rest != ':')
		return 0;
	act(rest + 1);
	return 1;
}

static int
fails(enum call call)
{
	const char *rule = getenv("FAULT");
	long count = atomic_fetch_add(&counts[call], 1) + 1;
	long any = call == TMPFILE ? -1 : atomic_fetch_add(&counts[ANY], 1) + 1;

	for (; rule; rule = strchr(rule, ',')) {
		rule += *rule == ',';
		if (matches(rule, call, count) || (any > 0 && matches(rule, ANY, any)))
			return 1;
	}
	return 0;
}

static long
counted(enum call call, long n)
{
	if (n > 0)
		(void)atomic_fetch_add(&bytes[call], n);
	return n;
}

static void __attribute__((destructor)) report(void)
{
	const char *path = getenv("FAULT_LOG");
	FILE *f = path ? fopen(path, "w") : NULL;

	if (!f)
		return;
	for (int i = 0; i < CALLS; i++)
		(void)fprintf(
		    f, "%s %ld %ld\n", names[i], atomic_load(&counts[i]), atomic_load(&bytes[i]));
	(void)fclose(f);
}

#define NEXT(name)                                                                                 \
	static __typeof__(name) *next;                                                             \
	if (!next)                                                                                 \
	*(void **)&next = dlsym(RTLD_NEXT, #name)

ssize_t
read(int fd, void *buf, size_t len)
{
	NEXT(read);
	return fails(READ) ? -1 : counted(READ, next(fd, buf, len));
}

ssize_t
pread64(int fd, void *buf, size_t len, off64_t at)
{
	NEXT(pread64);
	return fails(PREAD) ? -1 : counted(PREAD, next(fd, buf, len, at));
}

ssize_t
write(int fd, const void *buf, size_t len)
{
	NEXT(write);
	if (fd == STDERR_FILENO)
		return next(fd, buf, len);
	return fails(WRITE) ? -1 : counted(WRITE, next(fd, buf, len));
}

int
fsync(int fd)
{
	NEXT(fsync);
	return fails(FSYNC) ? -1 : next(fd);
}

int
syncfs(int fd)
{
	NEXT(syncfs);
	return fails(SYNCFS) ? -1 : next(fd);
}

int
linkat(int from, const char *a, int to, const char *b, int flags)
{
	NEXT(linkat);
	return fails(LINKAT) ? -1 : next(from, a, to, b, flags);
}

int
renameat(int from, const char *a, int to, const char *b)
{
	NEXT(renameat);
	return fails(RENAMEAT) ? -1 : next(from, a, to, b);
}

int
renameat2(int from, const char *a, int to, const char *b, unsigned flags)
{
	NEXT(renameat2);
	return fails(RENAMEAT) ? -1 : next(from, a, to, b, flags);
}

int
futimens(int fd, const struct timespec times[2])
{
	NEXT(futimens);
	return fails(FUTIMENS) ? -1 : next(fd, times);
}

int
ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	NEXT(ioctl);
	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (request == FICLONERANGE && fails(CLONE))
		return -1;
	return next(fd, request, arg);
}

ssize_t
copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t len, unsigned flags)
{
	NEXT(copy_file_range);
	return fails(COPY) ? -1 : counted(COPY, next(in, in_at, out, out_at, len, flags));
}

int
openat64(int dir, const char *name, int flags, ...)
{
	va_list args;
	mode_t mode;

	NEXT(openat64);
	va_start(args, flags);
	mode = va_arg(args, mode_t);
	va_end(args);
	if ((flags & O_TMPFILE) == O_TMPFILE && fails(TMPFILE))
		return -1;
	return next(dir, name, flags, mode);
}
