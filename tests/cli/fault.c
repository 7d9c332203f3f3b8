/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the program under test: makes system calls fail, or kills the
 * process in front of one.
 *
 *   FAULT=CALL:N:WHAT[,CALL:N:WHAT...]
 *
 * CALL is one of the names below, or any (each of those in front of tmpfile). N
 * counts from 1; 0 means every call. WHAT is an errno as a number, KILL (SIGKILL to
 * the process), TERM, or LOSE: the call does nothing and says that it succeeded.
 * For read, pread and write also SHORT: it does the half.
 *
 * FAULT_LOG=FILE: at the end, one line "CALL CALLS BYTES" for each call.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
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
	OPEN,
	STAT,
	LSEEK,
	FCHMOD,
	FCHOWN,
	UNLINKAT,
	MKDIR,
	CLOSE,
	RANDOM,
	MMAP,
	THREAD,
	SCANDIR,
	FLOCK,
	XATTR,
	FCNTL,
	ADVISE,
	RLIMIT,
	AFFINITY,
	GETCWD,
	DLOPEN,
	ANY,
	CALLS
};

static const char *const names[CALLS] = { "read", "pread", "write", "fsync", "syncfs", "linkat",
	"renameat", "futimens", "clone", "copy", "tmpfile", "open", "stat", "lseek", "fchmod",
	"fchown", "unlinkat", "mkdir", "close", "random", "mmap", "thread", "scandir", "flock",
	"xattr", "fcntl", "advise", "rlimit", "affinity", "getcwd", "dlopen", "any" };
static atomic_long counts[CALLS];
static atomic_long bytes[CALLS];

enum { NO_FAULT, FAILS, LOSES, HALVES };

static int
act(const char *what)
{
	if (strncmp(what, "LOSE", 4) == 0)
		return LOSES;
	if (strncmp(what, "SHORT", 5) == 0)
		return HALVES;
	if (strncmp(what, "KILL", 4) == 0)
		(void)kill(getpid(), SIGKILL);
	if (strncmp(what, "TERM", 4) == 0)
		(void)kill(getpid(), SIGTERM);
	errno = (int)strtol(what, NULL, 10);
	return FAILS;
}

/* What the rule says for call number count; if that it fails, errno is set. */
static int
matches(const char *rule, enum call call, long count)
{
	size_t len = strlen(names[call]);
	char *rest;
	long n;

	if (strncmp(rule, names[call], len) != 0 || rule[len] != ':')
		return NO_FAULT;
	n = strtol(rule + len + 1, &rest, 10);
	if ((n != 0 && n != count) || *rest != ':')
		return NO_FAULT;
	return act(rest + 1);
}

static int
fault(enum call call)
{
	const char *rule = getenv("FAULT");
	long count = atomic_fetch_add(&counts[call], 1) + 1;
	long any = call >= TMPFILE ? -1 : atomic_fetch_add(&counts[ANY], 1) + 1;
	int what = NO_FAULT;

	for (; rule && what == NO_FAULT; rule = strchr(rule, ',')) {
		rule += *rule == ',';
		what = matches(rule, call, count);
		if (what == NO_FAULT && any > 0)
			what = matches(rule, ANY, any);
	}
	return what;
}

/* For calls that return 0. */
#define FAULT(call)                                                                                \
	switch (fault(call)) {                                                                     \
	case FAILS:                                                                                \
		return -1;                                                                         \
	case LOSES:                                                                                \
		return 0;                                                                          \
	default:                                                                                   \
		break;                                                                             \
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

/* For calls that move bytes; len is theirs. */
#define FAULT_BYTES(call)                                                                          \
	switch (fault(call)) {                                                                     \
	case FAILS:                                                                                \
		return -1;                                                                         \
	case LOSES:                                                                                \
		return counted(call, (long)len);                                                   \
	case HALVES:                                                                               \
		len = (len + 1) / 2;                                                               \
		break;                                                                             \
	default:                                                                                   \
		break;                                                                             \
	}

ssize_t
read(int fd, void *buf, size_t len)
{
	NEXT(read);
	FAULT_BYTES(READ);
	return counted(READ, next(fd, buf, len));
}

ssize_t
pread64(int fd, void *buf, size_t len, off64_t at)
{
	NEXT(pread64);
	FAULT_BYTES(PREAD);
	return counted(PREAD, next(fd, buf, len, at));
}

ssize_t
write(int fd, const void *buf, size_t len)
{
	NEXT(write);
	if (fd == STDERR_FILENO)
		return next(fd, buf, len);
	FAULT_BYTES(WRITE);
	return counted(WRITE, next(fd, buf, len));
}

ssize_t
copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t len, unsigned flags)
{
	NEXT(copy_file_range);
	FAULT_BYTES(COPY);
	return counted(COPY, next(in, in_at, out, out_at, len, flags));
}

/* A call of another one: type, name, its arguments, and those arguments passed on. */
#define CALL(call, name, parameters, ...)                                                          \
	int name parameters                                                                        \
	{                                                                                          \
		NEXT(name);                                                                        \
		FAULT(call);                                                                       \
		return next(__VA_ARGS__);                                                          \
	}

CALL(FSYNC, fsync, (int fd), fd)
CALL(SYNCFS, syncfs, (int fd), fd)
CALL(LINKAT, linkat, (int from, const char *a, int to, const char *b, int flags), from, a, to, b,
    flags)
CALL(RENAMEAT, renameat, (int from, const char *a, int to, const char *b), from, a, to, b)
CALL(RENAMEAT, renameat2, (int from, const char *a, int to, const char *b, unsigned flags), from, a,
    to, b, flags)
CALL(FUTIMENS, futimens, (int fd, const struct timespec times[2]), fd, times)
CALL(STAT, fstat64, (int fd, struct stat64 *st), fd, st)
CALL(STAT, stat64, (const char *path, struct stat64 *st), path, st)
CALL(STAT, lstat64, (const char *path, struct stat64 *st), path, st)
CALL(STAT, fstatat64, (int dir, const char *path, struct stat64 *st, int flags), dir, path, st,
    flags)
CALL(FCHMOD, fchmod, (int fd, mode_t mode), fd, mode)
CALL(FCHOWN, fchown, (int fd, uid_t user, gid_t group), fd, user, group)
CALL(UNLINKAT, unlinkat, (int dir, const char *name, int flags), dir, name, flags)
CALL(MKDIR, mkdir, (const char *path, mode_t mode), path, mode)
CALL(FLOCK, flock, (int fd, int operation), fd, operation)
CALL(XATTR, fsetxattr, (int fd, const char *name, const void *value, size_t len, int flags), fd,
    name, value, len, flags)
CALL(RLIMIT, setrlimit64, (__rlimit_resource_t resource, const struct rlimit64 *limit), resource,
    limit)
CALL(RLIMIT, getrlimit64, (__rlimit_resource_t resource, struct rlimit64 *limit), resource, limit)
CALL(AFFINITY, sched_getaffinity, (pid_t pid, size_t size, cpu_set_t *set), pid, size, set)

/* It closes all the same, as the kernel does. */
int
close(int fd)
{
	int kept;

	NEXT(close);
	if (fault(CLOSE) != FAILS)
		return next(fd);
	kept = errno;
	(void)next(fd);
	errno = kept;
	return -1;
}

off64_t
lseek64(int fd, off64_t at, int whence)
{
	NEXT(lseek64);
	FAULT(LSEEK);
	return next(fd, at, whence);
}

ssize_t
getrandom(void *buf, size_t len, unsigned flags)
{
	NEXT(getrandom);
	FAULT(RANDOM);
	return next(buf, len, flags);
}

void *
mmap64(void *at, size_t len, int protection, int flags, int fd, off64_t offset)
{
	NEXT(mmap64);
	return fault(MMAP) == FAILS ? MAP_FAILED : next(at, len, protection, flags, fd, offset);
}

int
pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	NEXT(pthread_create);
	return fault(THREAD) == FAILS ? errno : next(thread, attr, run, arg);
}

int
scandirat64(int dir, const char *name, struct dirent64 ***list,
    int (*wanted)(const struct dirent64 *),
    int (*compare)(const struct dirent64 **, const struct dirent64 **))
{
	NEXT(scandirat64);
	FAULT(SCANDIR);
	return next(dir, name, list, wanted, compare);
}

DIR *
fdopendir(int fd)
{
	NEXT(fdopendir);
	return fault(SCANDIR) == FAILS ? NULL : next(fd);
}

/* 0 is the end of the directory, so that errno alone tells. */
struct dirent64 *
readdir64(DIR *dir)
{
	NEXT(readdir64);
	return fault(SCANDIR) == FAILS ? NULL : next(dir);
}

ssize_t
flistxattr(int fd, char *list, size_t len)
{
	NEXT(flistxattr);
	FAULT(XATTR);
	return next(fd, list, len);
}

int
posix_fadvise64(int fd, off64_t at, off64_t len, int advice)
{
	NEXT(posix_fadvise64);
	return fault(ADVISE) == FAILS ? errno : next(fd, at, len, advice);
}

char *
getcwd(char *buf, size_t len)
{
	NEXT(getcwd);
	return fault(GETCWD) == FAILS ? NULL : next(buf, len);
}

void *
dlopen(const char *name, int flags)
{
	NEXT(dlopen);
	return fault(DLOPEN) == FAILS ? NULL : next(name, flags);
}

int
fcntl64(int fd, int command, ...)
{
	va_list args;
	void *arg;

	NEXT(fcntl64);
	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	FAULT(FCNTL);
	return next(fd, command, arg);
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
	if (request == FICLONERANGE)
		FAULT(CLONE);
	return next(fd, request, arg);
}

int
open64(const char *name, int flags, ...)
{
	va_list args;
	mode_t mode;

	NEXT(open64);
	va_start(args, flags);
	mode = va_arg(args, mode_t);
	va_end(args);
	return fault(OPEN) == FAILS ? -1 : next(name, flags, mode);
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
	if (fault((flags & O_TMPFILE) == O_TMPFILE ? TMPFILE : OPEN) == FAILS)
		return -1;
	return next(dir, name, flags, mode);
}

/* What a program built with _FORTIFY_SOURCE calls instead. */
int __openat64_2(int dir, const char *name, int flags);
int
__openat64_2(int dir, const char *name, int flags)
{
	return openat64(dir, name, flags, 0);
}
