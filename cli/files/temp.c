/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/files/temp.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define SLOTS 4096
#define TEMP_NAME_BYTES 40
#define TRIES 100

enum slot_state { SLOT_FREE, SLOT_TAKEN, SLOT_LIVE };

/*
 * Names that a signal handler has to remove. The handler reads a slot only while
 * it is live, and a slot's directory stays open that long.
 */
static struct slot {
	atomic_int state;
	int dir;
	char name[TEMP_NAME_BYTES];
} slots[SLOTS];

/* Above every slot that was ever taken, so that the handler is quick. */
static atomic_int slots_used;

static void
on_signal(int number)
{
	int used = atomic_load(&slots_used);

	for (int i = 0; i < used; i++) {
		if (atomic_load(&slots[i].state) == SLOT_LIVE)
			(void)unlinkat(slots[i].dir, slots[i].name, 0);
	}
	/* SA_RESETHAND has put the default back: this ends the process. */
	(void)raise(number);
}

void
temp_catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = on_signal,
		.sa_flags = (int)(SA_RESETHAND | SA_NODEFER) };
	struct sigaction old;

	/* Whoever reads our output may go: that is a failed write like others. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes: likewise */
	(void)sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		/* nohup and shells in the background ignore some: leave that. */
		if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			(void)sigaction(numbers[i], &action, NULL);
	}
}

static int
take_slot(int dir)
{
	for (int i = 0; i < SLOTS; i++) {
		int expected = SLOT_FREE;
		int used = atomic_load(&slots_used);

		if (!atomic_compare_exchange_strong(&slots[i].state, &expected, SLOT_TAKEN))
			continue;
		slots[i].dir = dir;
		while (used <= i && !atomic_compare_exchange_weak(&slots_used, &used, i + 1))
			;
		return i;
	}
	errno = EMFILE;
	return -1;
}

static void
free_slot(struct temp *out)
{
	if (out->slot >= 0)
		atomic_store(&slots[out->slot].state, SLOT_FREE);
	out->slot = -1;
}

static int
new_name(struct slot *slot)
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -1;
	atomic_store(&slot->state, SLOT_TAKEN);
	if (snprintf(slot->name, sizeof(slot->name), TEMP_PREFIX "%016llx.tmp",
		(unsigned long long)random) >= (int)sizeof(slot->name))
		return -1;
	/* Live before the file is there: to remove what is not there is no harm. */
	atomic_store(&slot->state, SLOT_LIVE);
	return 0;
}

static int
open_named(struct temp *out)
{
	struct slot *slot;

	out->slot = take_slot(out->dir);
	if (out->slot < 0)
		return -1;
	slot = &slots[out->slot];
	for (int i = 0; i < TRIES; i++) {
		if (new_name(slot) != 0)
			break;
		out->fd = openat(
		    out->dir, slot->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (out->fd >= 0) {
			out->named = true;
			return 0;
		}
		if (errno != EEXIST)
			break;
	}
	free_slot(out);
	return -1;
}

/* A file without a name gets one through /proc. */
static bool
has_proc(void)
{
	static atomic_int known; /* 0 unknown, 1 yes, 2 no */
	int value = atomic_load(&known);

	if (value == 0) {
		value = access("/proc/self/fd", X_OK) == 0 ? 1 : 2;
		atomic_store(&known, value);
	}
	return value == 1;
}

static int
open_temporary(struct temp *out)
{
	if (has_proc()) {
		out->fd = openat(out->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (out->fd >= 0)
			return 0;
		/* What kernels and file systems without it answer. */
		if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT)
			return -1;
	}
	return open_named(out);
}

int
temp_begin(struct temp *out, int dir, const char *name, bool replace)
{
	struct stat st;

	*out = (struct temp){ .fd = -1, .dir = dir, .name = name, .replace = replace, .slot = -1 };
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = replace ? ENOTSUP : EEXIST;
		if (!replace || !S_ISREG(st.st_mode))
			return -1;
	} else if (errno != ENOENT) {
		return -1;
	}
	if (open_temporary(out) != 0)
		return -1;
	if (fstat(out->fd, &st) != 0) {
		temp_abort(out);
		return -1;
	}
	out->device = st.st_dev;
	out->group = st.st_gid;
	return 0;
}

int
temp_like(const struct temp *out, const struct stat *in)
{
	struct timespec times[2] = { in->st_atim, in->st_mtim };
	mode_t mode = in->st_mode & 0777;

	if (out->group != in->st_gid)
		mode = (mode & 0707) | (mode & ((mode & 07) << 3));
	if (fchmod(out->fd, mode) != 0)
		return -1;
	return futimens(out->fd, times);
}

int
temp_sync(const struct temp *out)
{
	return fsync(out->fd);
}

/*
 * By its descriptor, where the kernel allows that (for files of one's own since
 * Linux 6.10; ENOENT says that it does not), else through /proc, which takes
 * twice as long.
 */
static int
link_fd(const struct temp *out, const char *name)
{
	char path[32];

	if (linkat(out->fd, "", out->dir, name, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	if (snprintf(path, sizeof(path), "/proc/self/fd/%d", out->fd) >= (int)sizeof(path)) {
		errno = EOVERFLOW;
		return -1;
	}
	return linkat(AT_FDCWD, path, out->dir, name, AT_SYMLINK_FOLLOW);
}

/* A link never replaces a file, so the new one needs a name to rename first. */
static int
link_temporary(struct temp *out)
{
	out->slot = take_slot(out->dir);
	if (out->slot < 0)
		return -1;
	for (int i = 0; i < TRIES; i++) {
		if (new_name(&slots[out->slot]) != 0)
			break;
		if (link_fd(out, slots[out->slot].name) == 0) {
			out->named = true;
			return 0;
		}
		if (errno != EEXIST)
			break;
	}
	free_slot(out);
	return -1;
}

/* Rename, unless the name is there by now. */
static int
rename_new(const struct temp *out)
{
	const char *temp = slots[out->slot].name;

	if (renameat2(out->dir, temp, out->dir, out->name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(out->dir, temp, out->dir, out->name, 0) != 0)
		return -1;
	(void)unlinkat(out->dir, temp, 0);
	return 0;
}

static int
give_name(struct temp *out)
{
	if (!out->replace && !out->named)
		return link_fd(out, out->name);
	if (!out->replace)
		return rename_new(out);
	if (!out->named && link_temporary(out) != 0)
		return -1;
	return renameat(out->dir, slots[out->slot].name, out->dir, out->name);
}

int
temp_commit(struct temp *out)
{
	int result = give_name(out);

	if (result != 0) {
		temp_abort(out);
		return -1;
	}
	free_slot(out);
	/* Synced before, so that close has nothing left to report. */
	(void)close(out->fd);
	out->fd = -1;
	return 0;
}

/* The two change names, so that nothing is lost in between. */
static int
exchange(struct temp *out)
{
	struct slot *slot;

	if (!out->named && link_temporary(out) != 0)
		return -1;
	slot = &slots[out->slot];
	atomic_store(&slot->state, SLOT_TAKEN);
	if (renameat2(out->dir, slot->name, out->dir, out->name, RENAME_EXCHANGE) == 0) {
		out->kept = true;
		return 0;
	}
	out->fresh = errno == ENOENT;
	if (errno == ENOENT || errno == EINVAL || errno == ENOSYS)
		return renameat(out->dir, slot->name, out->dir, out->name);
	return -1;
}

int
temp_commit_keeping(struct temp *out)
{
	if (!out->replace) {
		out->fresh = true;
		return temp_commit(out);
	}
	if (exchange(out) != 0) {
		temp_abort(out);
		return -1;
	}
	if (!out->kept)
		free_slot(out);
	(void)close(out->fd);
	out->fd = -1;
	return 0;
}

void
temp_drop_old(struct temp *out)
{
	if (out->kept)
		(void)unlinkat(out->dir, slots[out->slot].name, 0);
	if (out->kept)
		free_slot(out);
	out->kept = false;
}

int
temp_put_back(struct temp *out)
{
	int result = -1;

	if (out->fresh)
		return unlinkat(out->dir, out->name, 0);
	if (!out->kept)
		return -1;
	result = renameat(out->dir, slots[out->slot].name, out->dir, out->name);
	free_slot(out);
	out->kept = false;
	return result;
}

void
temp_abort(struct temp *out)
{
	int kept = errno;

	if (out->fd >= 0 && out->named)
		(void)unlinkat(out->dir, slots[out->slot].name, 0);
	if (out->fd >= 0)
		(void)close(out->fd);
	free_slot(out);
	out->fd = -1;
	errno = kept;
}

int
temp_sync_dir(int dir)
{
	/* EINVAL: this file system has no such thing; EBADF: opened with O_PATH. */
	if (fsync(dir) != 0 && errno != EINVAL && errno != EBADF)
		return -1;
	return 0;
}
