/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/scan/item.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "format/header.h"

#define TRIES 3
#define NS_PER_S UINT64_C(1000000000)
#define STAMP_AGE_NS (2 * NS_PER_S)
#define STAMP_BYTES 32

static uint64_t
ns_of(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * NS_PER_S + (uint64_t)ts->tv_nsec;
}

static void
stamp_of(const struct stat *st, uint8_t ret[STAMP_BYTES])
{
	struct dk_writer_buf wr;

	dk_wr_init(&wr, ret, STAMP_BYTES);
	dk_wr_u64(&wr, (uint64_t)st->st_size);
	dk_wr_u64(&wr, ns_of(&st->st_mtim));
	dk_wr_u64(&wr, ns_of(&st->st_ctim));
	dk_wr_u64(&wr, st->st_ino);
}

/* Whether a later change must have another stamp: spec/catalogue.md section 5. */
static bool
is_settled(const struct stat *st, const struct timespec *now)
{
	uint64_t limit = ns_of(now);

	limit = limit > STAMP_AGE_NS ? limit - STAMP_AGE_NS : 0;
	return ns_of(&st->st_mtim) <= limit && ns_of(&st->st_ctim) <= limit;
}

void
scan_item_error(struct scan_item *item, const char *error, const char *place)
{
	item->outcome = SCAN_READ;
	(void)snprintf(item->found.error, sizeof(item->found.error), "%s", error);
	(void)snprintf(item->found.place, sizeof(item->found.place), "%s", place);
}

static void
set_errno(struct scan_item *item)
{
	const char *name = strerrorname_np(errno);

	if (errno == ENOENT || errno == ELOOP || errno == ENXIO)
		item->outcome = SCAN_NO_FILE;
	else
		scan_item_error(item, "read", name ? name : "");
}

/* As many of the bytes up to len as there are; -1 with errno set. */
static ptrdiff_t
read_up_to(int fd, uint8_t *block, size_t from, size_t len)
{
	while (from < len) {
		ssize_t n = pread(fd, block + from, len - from, (off_t)from);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		from += (size_t)n;
	}
	return (ptrdiff_t)from;
}

/* The header block, or what there is of it; of what is no object, one unit at most. */
static ptrdiff_t
read_block(int fd, uint8_t *block)
{
	ptrdiff_t n = read_up_to(fd, block, 0, DK_HEADER_UNIT_BYTES);
	size_t need;

	if (n < (ptrdiff_t)DK_HEADER_UNIT_BYTES ||
	    memcmp(block, dk_header_magic, DK_MAGIC_BYTES) != 0)
		return n;
	need = dk_header_need(block, (size_t)n);
	return need > (size_t)n ? read_up_to(fd, block, (size_t)n, need) : n;
}

void
scan_item_parse(struct scan_item *item, const uint8_t *block, size_t len)
{
	struct dk_place place = { .offset = 0 };
	dk_err err;

	item->outcome = SCAN_READ;
	if (len < DK_MAGIC_BYTES || memcmp(block, dk_header_magic, DK_MAGIC_BYTES) != 0)
		return;
	err = dk_catalogue_seen_parse(block, len, &item->found.seen, &place);
	if (dk_err_category(err) == DK_CAT_SYSTEM) {
		item->outcome = SCAN_BROKEN;
		item->err = err;
	} else if (err != DK_OK) {
		scan_item_error(item, dk_err_name(err), place.text);
	}
}

/* Between two looks at its stamp. False: it changed meanwhile. */
static bool
read_between(struct scan_item *item, int fd, const struct stat *before, uint8_t *block)
{
	uint8_t was[STAMP_BYTES];
	struct stat st;
	ptrdiff_t len = read_block(fd, block);

	if (len < 0 || fstat(fd, &st) != 0) {
		set_errno(item);
		return true;
	}
	stamp_of(before, was);
	stamp_of(&st, item->found.stamp);
	if (memcmp(was, item->found.stamp, STAMP_BYTES) != 0)
		return false;
	item->found.size = (uint64_t)st.st_size;
	scan_item_parse(item, block, (size_t)len);
	return true;
}

/* False: it changed meanwhile. What is old enough after the reading did not change while it was
 * read, so that one look is enough. */
static bool
read_once(struct scan_item *item, int fd, uint8_t *block)
{
	struct timespec now;
	struct stat st;
	ptrdiff_t len;
	int number;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
		set_errno(item);
		return true;
	}
	len = read_block(fd, block);
	number = errno;
	if (fstat(fd, &st) != 0) {
		set_errno(item);
		return true;
	}
	if (!S_ISREG(st.st_mode)) {
		item->outcome = SCAN_NO_FILE;
		return true;
	}
	if (len < 0) {
		errno = number;
		set_errno(item);
		return true;
	}
	if (!is_settled(&st, &now))
		return read_between(item, fd, &st, block);
	item->found.size = (uint64_t)st.st_size;
	item->found.stamp_len = STAMP_BYTES;
	stamp_of(&st, item->found.stamp);
	scan_item_parse(item, block, (size_t)len);
	return true;
}

static bool
is_unchanged(const struct scan_item *item, int dir)
{
	uint8_t stamp[STAMP_BYTES];
	struct stat st;

	if (item->known_len != STAMP_BYTES ||
	    fstatat(dir, item->name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
		return false;
	stamp_of(&st, stamp);
	return memcmp(stamp, item->known, STAMP_BYTES) == 0;
}

void
scan_item_read(struct scan_item *item, int dir, uint8_t *block)
{
	int fd;

	item->found.name = item->name;
	item->found.name_len = strlen(item->name);
	item->outcome = SCAN_UNCHANGED;
	if (is_unchanged(item, dir))
		return;
	/* What became a pipe since it was listed must not hold us up. */
	fd = openat(dir, item->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		set_errno(item);
		return;
	}
	for (unsigned i = 0; !read_once(item, fd, block); i++) {
		if (i + 1 == TRIES) {
			scan_item_error(item, "changed", "");
			break;
		}
	}
	(void)close(fd);
}

void
scan_item_clear(struct scan_item *item)
{
	dk_catalogue_seen_free(item->found.seen);
	free(item->name);
	memset(item, 0, sizeof(*item));
}
