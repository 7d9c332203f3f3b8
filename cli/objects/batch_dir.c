/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/objects/batch_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/files/temp.h"

static size_t open_dirs;

char *
batch_dir_join(const struct batch_dir *dir, const char *name)
{
	size_t len = strlen(dir->path);
	bool slash = len > 0 && dir->path[len - 1] != '/';
	char *path;

	if (asprintf(&path, "%s%s%s", dir->path, slash ? "/" : "", name) < 0)
		return NULL;
	return path;
}

static int
open_dir(int at, const char *name, bool follow)
{
	int flags = O_DIRECTORY | O_CLOEXEC | O_NOCTTY | (follow ? 0 : O_NOFOLLOW);
	int fd = openat(at, name, O_RDONLY | flags);

	/* Without the right to list it, files in it can still be named. */
	if (fd < 0 && errno == EACCES)
		fd = openat(at, name, O_PATH | flags);
	return fd;
}

struct batch_dir *
batch_dir_open(struct batch_dir *parent, const char *name, bool follow)
{
	struct batch_dir *dir = calloc(1, sizeof(*dir));

	if (!dir)
		return NULL;
	dir->refs = 1;
	dir->path = parent ? batch_dir_join(parent, name) : strdup(name);
	dir->fd = dir->path
	    ? open_dir(parent ? parent->fd : AT_FDCWD, *name != '\0' ? name : ".", follow)
	    : -1;
	if (dir->fd < 0) {
		free(dir->path);
		free(dir);
		return NULL;
	}
	open_dirs++;
	return dir;
}

struct batch_dir *
batch_dir_ref(struct batch_dir *dir)
{
	dir->refs++;
	return dir;
}

void
batch_dir_unref(struct batch_dir *dir)
{
	if (!dir || --dir->refs > 0)
		return;
	(void)close(dir->fd);
	free(dir->path);
	free(dir);
	open_dirs--;
}

size_t
batch_dir_count(void)
{
	return open_dirs;
}

static unsigned char
type_of(int fd, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	/* What is gone by now fails when it is opened, and is told then. */
	if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return DT_REG;
	return (unsigned char)IFTODT(st.st_mode);
}

static bool
is_skipped(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    strncmp(name, TEMP_PREFIX, sizeof(TEMP_PREFIX) - 1) == 0;
}

static int
add_entry(struct batch_listing *listing, size_t *room, const char *name, unsigned char type)
{
	if (listing->count == *room) {
		size_t grown = *room > 0 ? 2 * *room : 64;
		struct batch_entry *entry =
		    reallocarray(listing->entry, grown, sizeof(*listing->entry));

		if (!entry)
			return -1;
		listing->entry = entry;
		*room = grown;
	}
	listing->entry[listing->count].name = strdup(name);
	listing->entry[listing->count].type = type;
	if (!listing->entry[listing->count].name)
		return -1;
	listing->count++;
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct batch_entry *)a)->name, ((const struct batch_entry *)b)->name);
}

static int
read_entries(DIR *stream, struct batch_listing *listing)
{
	struct dirent *entry;
	size_t room = 0;

	while (errno = 0, (entry = readdir(stream)) != NULL) {
		if (is_skipped(entry->d_name))
			continue;
		if (add_entry(listing, &room, entry->d_name, type_of(dirfd(stream), entry)) != 0)
			return -1;
	}
	if (errno != 0)
		return -1;
	if (listing->count > 1)
		qsort(listing->entry, listing->count, sizeof(*listing->entry), by_name);
	return 0;
}

int
batch_listing_read(const struct batch_dir *dir, struct batch_listing *ret)
{
	struct batch_listing listing = { .count = 0 };
	/* A new description: closing the stream must not close dir->fd, and its
	 * position is nobody else's. */
	int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	int result;
	int kept;

	if (!stream) {
		kept = errno;
		if (fd >= 0)
			(void)close(fd);
		errno = kept;
		return -1;
	}
	result = read_entries(stream, &listing);
	kept = errno;
	(void)closedir(stream);
	if (result == 0)
		*ret = listing;
	else
		batch_listing_clear(&listing);
	errno = kept;
	return result;
}

void
batch_listing_clear(struct batch_listing *listing)
{
	for (size_t i = 0; i < listing->count; i++)
		free(listing->entry[i].name);
	free(listing->entry);
	listing->entry = NULL;
	listing->count = 0;
}
