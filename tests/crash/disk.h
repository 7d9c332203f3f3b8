/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk in memory that forgets: files and folders as programs see them, and what
 * of that would still be there if the power went out now.
 *
 *   write, truncate       in `now` at once; in `kept` after a sync of the file
 *   create, remove, rename, mkdir
 *                         in `now` at once; in `kept` after a sync of the folder
 *   owner, mode           in both at once
 *
 * That is the least that POSIX promises. Most file systems keep more; a program
 * that is right on this one is right on those.
 */
#ifndef DK_DISK_H
#define DK_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define DISK_ROOT 1
#define DISK_NAME_MAX_BYTES 255

struct image {
	uint8_t *bytes;
	size_t len, cap;
};

/* A write that was not synced; without bytes: the file got this length. */
struct change {
	struct change *next;
	size_t at, len;
	uint8_t *bytes;
};

struct entry {
	char name[DISK_NAME_MAX_BYTES + 1];
	uint64_t node;
};

struct folder {
	struct entry *entries;
	size_t count, cap;
};

struct node {
	uint64_t number;
	bool gone;      /* lost at a crash */
	unsigned links; /* names that it has */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct timespec modified;
	struct image now, kept;
	struct change *changes, **changes_end;
	unsigned change_count;
	struct folder names, kept_names;
};

/* Entries that came and went and were not synced: `from` goes, `to` comes. */
struct move {
	struct move *next;
	struct node *from_folder, *to_folder;
	char from[DISK_NAME_MAX_BYTES + 1], to[DISK_NAME_MAX_BYTES + 1];
	uint64_t node;
};

struct disk {
	struct node **nodes; /* by number; a number is not used again */
	size_t count, cap;
	struct move *moves;
	size_t bytes, space; /* in use, and how many there are; 0: no end */
	bool read_only;
	/* Syncs of files and folders of this name do nothing. "*": of all, "/": of folders. */
	char deaf[64];
};

/* All return 0 or an errno. */
void disk_init(struct disk *disk);
struct node *disk_node(struct disk *disk, uint64_t number);
struct node *disk_find(struct disk *disk, struct node *folder, const char *name);
int disk_create(struct disk *disk, struct node *folder, const char *name, mode_t mode, uid_t uid,
    gid_t gid, struct node **ret);
int disk_link(struct disk *disk, struct node *node, struct node *folder, const char *name);
int disk_remove(struct disk *disk, struct node *folder, const char *name, bool is_folder);
int disk_rename(struct disk *disk, struct node *from_folder, const char *from,
    struct node *to_folder, const char *to, bool replace);
int disk_write(struct disk *disk, struct node *file, const void *bytes, size_t len, size_t at);
int disk_resize(struct disk *disk, struct node *file, size_t len);

/* name: the one the program knows it by, compared with `deaf`. */
void disk_sync(struct disk *disk, struct node *node);
/* Everything, whatever `deaf` says. */
void disk_sync_all(struct disk *disk);

/*
 * The power goes out. seed 0: nothing is left that was not synced. Else any part
 * of it may be: of each sector the state behind one of the writes to it, each
 * name or not.
 */
void disk_crash(struct disk *disk, uint64_t seed);

/* image.c */
int image_write(struct image *image, const void *bytes, size_t len, size_t at);
int image_resize(struct image *image, size_t len);
int image_copy(struct image *to, const struct image *from);
int change_add(struct node *file, const void *bytes, size_t len, size_t at);
void changes_keep(struct node *file);
void changes_keep_some(struct node *file, uint64_t seed);
uint64_t disk_hash(uint64_t seed, uint64_t a, uint64_t b);

#endif
