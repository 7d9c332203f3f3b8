/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/scan/walk.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/scan/run.h"

#define DEPTH_MAX 256

/* A folder that was listed, whose subfolders are being entered. */
struct level {
	struct batch_dir *dir;
	uint64_t folder;
	struct batch_listing listing; /* names of files are not in it any more */
	size_t next;
};

struct walk {
	struct scan_run run;
	unsigned depth; /* levels in use */
	struct level level[DEPTH_MAX + 1];
};

static dk_err
submit_files(struct walk *walk, struct level *level)
{
	struct scan_known known = { .folder = level->folder };
	const struct dk_catalogue_known *it;
	struct scan_chunk *chunk = NULL;
	dk_err err = DK_OK;

	for (size_t i = 0; i < level->listing.count && err == DK_OK; i++) {
		struct batch_entry *entry = &level->listing.entry[i];
		struct scan_item *item;

		if (entry->type != DT_REG)
			continue;
		err = scan_known_until(&walk->run, &known, entry->name, strlen(entry->name), &it);
		if (err == DK_OK)
			err = scan_run_chunk(&walk->run, level->dir, level->folder, &chunk);
		if (err != DK_OK)
			break;
		item = &chunk->item[chunk->count++];
		item->name = entry->name;
		entry->name = NULL;
		item->found.fresh = !it;
		if (it) {
			memcpy(item->known, it->stamp, it->stamp_len);
			item->known_len = it->stamp_len;
		}
	}
	if (err == DK_OK)
		err = scan_known_until(&walk->run, &known, NULL, 0, &it);
	if (chunk)
		scan_pool_submit(walk->run.pool);
	return err;
}

/* Whether the listing has a folder of this name. Files have lost theirs. */
static bool
has_folder(const struct batch_listing *listing, const char *name)
{
	size_t low = 0, high = listing->count;

	while (low < high) {
		size_t at = low + (high - low) / 2;
		int order;

		while (at < high && listing->entry[at].type != DT_DIR)
			at++;
		if (at == high) {
			high = low + (high - low) / 2;
			continue;
		}
		order = strcmp(listing->entry[at].name, name);
		if (order == 0)
			return true;
		if (order < 0)
			low = at + 1;
		else
			high = low + (high - low) / 2;
	}
	return false;
}

static dk_err
forget_folders(struct walk *walk, const struct level *level)
{
	uint64_t after = 0;
	size_t count;
	dk_err err;

	do {
		err = dk_catalogue_children(walk->run.writer, level->folder, &after, walk->run.page,
		    DK_CATALOGUE_PAGE, &count);
		for (size_t i = 0; i < count && err == DK_OK; i++) {
			if (has_folder(&level->listing, walk->run.page[i].name))
				continue;
			err = dk_catalogue_folder_gone(walk->run.writer, walk->run.page[i].folder);
		}
	} while (err == DK_OK && count == DK_CATALOGUE_PAGE);
	return err;
}

static dk_err
folder_row(struct walk *walk, uint64_t parent, const char *path, const char *error, int number,
    uint64_t *ret)
{
	const char *name = number != 0 ? strerrorname_np(number) : NULL;
	dk_err err = dk_catalogue_folder(walk->run.writer, parent, path, strlen(path), ret);

	walk->run.written++;
	if (err == DK_OK)
		err = dk_catalogue_folder_error(walk->run.writer, *ret, error, name);
	return err;
}

/* List a folder, give its files to the threads, and put it on the stack for its subfolders. Owns
 * dir. */
static dk_err
enter(struct walk *walk, uint64_t parent, struct batch_dir *dir)
{
	struct level level = { .dir = dir };
	bool listed = batch_listing_read(dir, &level.listing) == 0;
	dk_err err;

	if (!listed && errno == ENOMEM)
		err = DK_ERR_NOMEM;
	else
		err = folder_row(walk, parent, dir->path, listed ? NULL : "read",
		    listed ? 0 : errno, &level.folder);
	if (err == DK_OK && listed)
		err = submit_files(walk, &level);
	if (err == DK_OK && listed)
		err = forget_folders(walk, &level);
	if (err != DK_OK || !listed) {
		batch_listing_clear(&level.listing);
		batch_dir_unref(dir);
		return err;
	}
	walk->level[walk->depth++] = level;
	return DK_OK;
}

static void
leave(struct walk *walk)
{
	struct level *level = &walk->level[--walk->depth];

	batch_listing_clear(&level->listing);
	batch_dir_unref(level->dir);
}

/* Enter a subfolder. One that is gone or replaced since it was listed is found so by the next scan.
 */
static dk_err
descend(struct walk *walk, struct level *level, const char *name)
{
	struct batch_dir *dir;
	const char *error = "too-deep";
	int number = 0;
	uint64_t folder;
	char *path;
	dk_err err;

	if (walk->depth <= DEPTH_MAX) {
		dir = batch_dir_open(level->dir, name, false);
		if (dir)
			return enter(walk, level->folder, dir);
		number = errno;
		error = "read";
	}
	if (number == ENOENT || number == ENOTDIR || number == ELOOP)
		return DK_OK;
	if (number == ENOMEM)
		return DK_ERR_NOMEM;
	path = batch_dir_join(level->dir, name);
	if (!path)
		return DK_ERR_NOMEM;
	err = folder_row(walk, level->folder, path, error, number, &folder);
	free(path);
	return err;
}

static dk_err
walk_all(struct walk *walk)
{
	dk_err err = DK_OK;

	while (err == DK_OK && walk->depth > 0) {
		struct level *level = &walk->level[walk->depth - 1];

		if (level->next == level->listing.count) {
			leave(walk);
			continue;
		}
		if (level->listing.entry[level->next++].type == DT_DIR)
			err = descend(walk, level, level->listing.entry[level->next - 1].name);
	}
	return err == DK_OK ? scan_run_drain(&walk->run) : err;
}

static dk_err
scan_root(struct walk *walk, const char *path, struct batch_dir *dir)
{
	uint64_t scan, folder;
	dk_err err =
	    dk_catalogue_begin(walk->run.writer, path, strlen(path), (uint64_t)time(NULL), &scan);

	if (err == DK_OK)
		err = dk_catalogue_commit(walk->run.writer);
	if (err == DK_OK)
		err = dk_catalogue_folder(walk->run.writer, 0, path, strlen(path), &folder);
	if (err != DK_OK) {
		batch_dir_unref(dir);
		return err;
	}
	err = enter(walk, 0, dir);
	if (err == DK_OK)
		err = walk_all(walk);
	while (walk->depth > 0)
		leave(walk);
	if (err != DK_OK)
		return err;
	return dk_catalogue_end(
	    walk->run.writer, scan, folder, (uint64_t)time(NULL), &walk->run.counts->missed);
}

static void
read_item(void *ctx, const struct scan_chunk *chunk, struct scan_item *item, uint8_t *block)
{
	(void)ctx;
	scan_item_read(item, chunk->dir->fd, block);
}

dk_err
scan_walk(struct dk_catalogue_writer *writer, const char *root, unsigned jobs,
    struct progress_part *progress, struct scan_counts *counts)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	char *path = realpath(root, NULL);
	struct batch_dir *dir = path ? batch_dir_open(NULL, path, false) : NULL;
	int number = errno;
	dk_err err = DK_ERR_READ;

	if (walk && dir) {
		walk->run.writer = writer;
		walk->run.progress = progress;
		walk->run.counts = counts;
		walk->run.committed = time(NULL);
		walk->run.pool = scan_pool_new(jobs, SCAN_CHUNK_ITEMS, read_item, NULL);
		err = walk->run.pool ? scan_root(walk, path, dir) : DK_ERR_NOMEM;
		number = errno;
		if (!walk->run.pool)
			batch_dir_unref(dir);
		scan_pool_free(walk->run.pool);
	} else if (!walk || number == ENOMEM) {
		err = DK_ERR_NOMEM;
		batch_dir_unref(dir);
	}
	free(walk);
	free(path);
	errno = number;
	return err;
}
