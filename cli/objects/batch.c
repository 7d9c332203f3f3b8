/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/objects/batch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "cli/objects/batch_dir.h"
#include "cli/objects/batch_round.h"
#include "cli/command/command.h"
#include "cli/console/message.h"

/* A walk holds one directory open for each level. */
#define DEPTH_MAX 200

struct level {
	struct batch_dir *dir;
	struct batch_listing listing;
	size_t next;
};

struct batch {
	const struct batch_task *task;
	size_t failures;
	struct batch_dir *last; /* of the operand before */
	size_t depth;
	struct level level[DEPTH_MAX];
	struct batch_round round;
};

unsigned
batch_processors(void)
{
	cpu_set_t set;
	int count;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	count = CPU_COUNT(&set);
	return count > 0 ? (unsigned)count : 1;
}

static void
fail(struct batch *batch, const char *shown, const char *why, int error)
{
	struct failure failure = { .why = why, .error = error };

	batch->failures++;
	failure_tell(shown, &failure);
}

static void
fail_in(
    struct batch *batch, const struct batch_dir *dir, const char *name, const char *why, int error)
{
	char *shown = batch_dir_join(dir, name);

	fail(batch, shown ? shown : name, why, error);
	free(shown);
}

static void
finish_round(struct batch *batch)
{
	if (batch->round.count > 0)
		batch->failures += batch_round_finish(&batch->round);
}

static void
add_file(struct batch *batch, struct batch_dir *dir, const char *name, bool listed)
{
	char *out_name = batch->task->out_name(batch->task->ctx, name, listed);
	const int why = out_name ? 0 : errno;
	struct batch_item item = {
		.dir = batch_dir_ref(dir),
		.dir_fd = dir->fd,
		.out_name = out_name,
		.out = { .fd = -1, .slot = -1 },
		.held = -1,
	};

	if (item.out_name) {
		item.name = strdup(name);
		item.shown = batch_dir_join(dir, name);
	}
	if (item.name && item.shown) {
		batch->round.item[batch->round.count++] = item;
		if (batch_round_is_full(&batch->round))
			finish_round(batch);
		return;
	}
	if (item.out_name || why != 0)
		fail_in(batch, dir, name, "out of memory", 0);
	else if (!listed)
		fail_in(batch, dir, name, batch->task->why_no_name, 0);
	batch_item_clear(&item);
}

/* Takes dir over. */
static void
enter(struct batch *batch, struct batch_dir *dir)
{
	struct level *level = &batch->level[batch->depth];

	if (batch->depth == DEPTH_MAX) {
		fail(batch, dir->path, "directories are nested too deeply", 0);
		batch_dir_unref(dir);
		return;
	}
	*level = (struct level){ .dir = dir };
	if (batch_listing_read(dir, &level->listing) != 0) {
		fail(batch, dir->path, "cannot read the directory", errno);
		batch_dir_unref(dir);
		return;
	}
	batch->depth++;
}

static void
visit(struct batch *batch, struct batch_dir *dir, const struct batch_entry *entry)
{
	struct batch_dir *inner;

	switch (entry->type) {
	case DT_REG:
		add_file(batch, dir, entry->name, true);
		break;
	case DT_DIR:
		inner = batch_dir_open(dir, entry->name, false);
		if (inner)
			enter(batch, inner);
		else
			fail_in(batch, dir, entry->name, "cannot open the directory", errno);
		break;
	case DT_LNK:
		fail_in(batch, dir, entry->name, "is a symbolic link", 0);
		break;
	default:
		fail_in(batch, dir, entry->name, "is not a regular file", 0);
		break;
	}
}

/* Without recursion: the levels that are open are in batch->level. */
static void
walk(struct batch *batch, struct batch_dir *top)
{
	enter(batch, top);
	while (batch->depth > 0) {
		struct level *level = &batch->level[batch->depth - 1];

		if (level->next < level->listing.count) {
			visit(batch, level->dir, &level->listing.entry[level->next++]);
			continue;
		}
		batch->depth--;
		batch_listing_clear(&level->listing);
		batch_dir_unref(level->dir);
	}
}

/* The directory of an operand, which often is that of the one before. */
static struct batch_dir *
dir_of(struct batch *batch, const char *path, size_t len)
{
	char *name;

	if (batch->last && strlen(batch->last->path) == len &&
	    memcmp(batch->last->path, path, len) == 0)
		return batch->last;
	batch_dir_unref(batch->last);
	batch->last = NULL;
	name = strndup(path, len);
	if (name)
		batch->last = batch_dir_open(NULL, name, true);
	free(name);
	return batch->last;
}

static void
add_operand(struct batch *batch, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	struct batch_dir *dir;
	struct stat st;

	if (*path != '\0' && batch->task->recursive &&
	    fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)) {
		dir = batch_dir_open(NULL, path, false);
		if (dir)
			walk(batch, dir);
		else
			fail(batch, path, "cannot open the directory", errno);
		return;
	}
	if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		fail(batch, path,
		    *path == '\0' ? "is not a file name"
				  : "is a directory (-r takes the files in it)",
		    0);
		return;
	}
	dir = dir_of(batch, path, (size_t)(name - path));
	if (dir)
		add_file(batch, dir, name, false);
	else
		fail(batch, path, "cannot open the directory of the file", errno);
}

/* What the operands weigh, where that can be seen without a walk. */
static uint64_t
total_of(char *const *paths, size_t count)
{
	uint64_t total = 0;
	struct stat st;

	for (size_t i = 0; i < count; i++) {
		if (fstatat(AT_FDCWD, paths[i], &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (S_ISDIR(st.st_mode))
			return PROGRESS_UNKNOWN;
		if (S_ISREG(st.st_mode))
			total += (uint64_t)st.st_size;
	}
	return total;
}

int
batch_run(const struct batch_task *task, char *const *paths, size_t count)
{
	struct batch *batch = calloc(1, sizeof(*batch));
	size_t failures;

	if (!batch) {
		message_err(NULL, DK_ERR_NOMEM, NULL);
		return STATUS_FAILED;
	}
	batch->task = task;
	batch_round_init(&batch->round, task);
	progress_start(total_of(paths, count));
	for (size_t i = 0; i < count; i++)
		add_operand(batch, paths[i]);
	finish_round(batch);
	progress_end();
	batch_dir_unref(batch->last);
	failures = batch->failures;
	free(batch);
	return failures > 0 ? STATUS_FAILED : STATUS_OK;
}
