/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/objects/clone.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cli/files/fileio.h"
#include "cli/console/progress.h"

/* One call's worth: often enough for the progress line and for signals. */
#define KERNEL_COPY_BYTES (64u << 20)
#define MEMORY_COPY_BYTES (1u << 20)
#define XATTR_MAX_BYTES 65536 /* of the kernel, for a list and for a value */

static int
share_blocks(int in, uint64_t in_at, int out, uint64_t out_at)
{
	/* A length of 0 means up to the end. */
	struct file_clone_range range = {
		.src_fd = in, .src_offset = in_at, .dest_offset = out_at
	};

	return ioctl(out, FICLONERANGE, &range);
}

static uint64_t
at_most(uint64_t len, uint64_t most)
{
	return len < most ? len : most;
}

static int
copy_in_kernel(
    int in, off_t *in_at, int out, off_t *out_at, uint64_t *len, struct progress_part *progress)
{
	while (*len > 0) {
		ssize_t n =
		    copy_file_range(in, in_at, out, out_at, at_most(*len, KERNEL_COPY_BYTES), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0) {
			/* Either the end, or a file system that cannot: try by memory. */
			errno = EINVAL;
			return -1;
		}
		*len -= (uint64_t)n;
		progress_part_add(progress, (uint64_t)n);
	}
	return 0;
}

static int
copy_in_memory(
    int in, off_t in_at, int out, off_t out_at, uint64_t len, struct progress_part *progress)
{
	void *buf = malloc(MEMORY_COPY_BYTES);
	int result = buf ? 0 : -1;

	if (buf && lseek(out, out_at, SEEK_SET) < 0)
		result = -1;
	while (result == 0 && len > 0) {
		ssize_t n = pread(in, buf, at_most(len, MEMORY_COPY_BYTES), in_at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ESTALE;
		if (n <= 0 || file_write_all(out, buf, (size_t)n) != 0) {
			result = -1;
			break;
		}
		in_at += n;
		len -= (uint64_t)n;
		progress_part_add(progress, (uint64_t)n);
	}
	free(buf);
	return result;
}

int
clone_tail(
    int in, uint64_t in_at, int out, uint64_t out_at, uint64_t len, struct progress_part *progress)
{
	off_t from = (off_t)in_at;
	off_t to = (off_t)out_at;

	if (len == 0)
		return 0;
	if (share_blocks(in, in_at, out, out_at) == 0) {
		progress_part_add(progress, len);
		return 0;
	}
	if (copy_in_kernel(in, &from, out, &to, &len, progress) == 0)
		return 0;
	if (errno != EINVAL && errno != EXDEV && errno != ENOSYS && errno != EOPNOTSUPP &&
	    errno != EPERM)
		return -1;
	return copy_in_memory(in, from, out, to, len, progress);
}

static void
copy_xattr(int in, int out, const char *name, void *value)
{
	ssize_t n = fgetxattr(in, name, value, XATTR_MAX_BYTES);

	if (n >= 0)
		(void)fsetxattr(out, name, value, (size_t)n, 0);
}

static void
copy_xattrs(int in, int out)
{
	char *names = malloc(2 * XATTR_MAX_BYTES);
	ssize_t len = names ? flistxattr(in, names, XATTR_MAX_BYTES) : -1;

	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1)
		copy_xattr(in, out, names + at, names + XATTR_MAX_BYTES);
	free(names);
}

int
clone_attributes(int in, const struct stat *st, int out)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	mode_t mode = st->st_mode & 0777;
	bool owner = fchown(out, st->st_uid, st->st_gid) == 0;

	/* Without the old group, nobody may get more than everybody had. */
	if (!owner && fchown(out, (uid_t)-1, st->st_gid) != 0)
		mode = (mode & 0707) | (mode & ((mode & 07) << 3));
	if (fchmod(out, mode) != 0)
		return -1;
	copy_xattrs(in, out);
	if (futimens(out, times) != 0)
		return -1;
	return owner ? 0 : 1;
}
