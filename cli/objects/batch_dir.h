/* SPDX-License-Identifier: Apache-2.0 */
/* Open directories that several files share, and what is in them. */
#ifndef DK_CLI_BATCH_DIR_H
#define DK_CLI_BATCH_DIR_H

#include <stdbool.h>
#include <stddef.h>

struct batch_dir {
	int fd;
	unsigned refs;
	char *path;   /* as the user knows it; "" for the working directory */
	bool touched; /* a round gave a name in it */
};

/* Relative to parent, or to the working directory if that is NULL. follow: name
 * may be a symbolic link. NULL with errno set. */
struct batch_dir *batch_dir_open(struct batch_dir *parent, const char *name, bool follow);
struct batch_dir *batch_dir_ref(struct batch_dir *dir);
void batch_dir_unref(struct batch_dir *dir);

/* Directories that are open now; each holds a descriptor. */
size_t batch_dir_count(void);

/* "path/name", allocated, or NULL. */
char *batch_dir_join(const struct batch_dir *dir, const char *name);

struct batch_entry {
	char *name;
	unsigned char type; /* DT_REG, DT_DIR, DT_LNK, ... never DT_UNKNOWN */
};

struct batch_listing {
	struct batch_entry *entry;
	size_t count;
};

/*
 * All entries by name, without ".", ".." and our own temporary files. The whole
 * directory is read before any of its files is worked on: what the work adds to
 * it is not worked on again. -1 with errno set.
 */
int batch_listing_read(const struct batch_dir *dir, struct batch_listing *ret);
void batch_listing_clear(struct batch_listing *listing);

#endif
