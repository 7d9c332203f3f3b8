/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partial tiles that nobody needs any more. Each checkpoint made some, at most 255 for
 * one tile; where the full one is there, a reader cuts what it wants out of that (C2SP
 * tlog-tiles). Those of the newest full tile of a level stay for a while yet: who has just
 * read a checkpoint may be about to ask for them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "log/tile.h"
#include "logd/logd.h"

/* Of one call: it comes once a second. A look is one system call, a folder many. */
#define LOOKS 512
#define FOLDERS 4

static void
remove_file(const char *folder, unsigned width, const char *end)
{
	char path[DK_TILE_PATH_BYTES + 16];
	int n = snprintf(path, sizeof(path), "%s/%u%s", folder, width, end);

	if (n > 0 && (size_t)n < sizeof(path))
		(void)unlink(path);
}

/* True if there was one with files in it. */
static bool
remove_partial(unsigned level, uint64_t index)
{
	char full[DK_TILE_PATH_BYTES], folder[DK_TILE_PATH_BYTES + 4];

	dk_tile_path(level, index, DK_TILE_WIDTH, full);
	if (snprintf(folder, sizeof(folder), "%s.p", full) < 0)
		return false;
	if (unlinkat(AT_FDCWD, folder, AT_REMOVEDIR) == 0 ||
	    (errno != ENOTEMPTY && errno != EEXIST) || access(full, R_OK) != 0)
		return false;
	for (unsigned width = 1; width < DK_TILE_WIDTH; width++) {
		remove_file(folder, width, "");
		remove_file(folder, width, ".tmp"); /* of one that was cut off */
	}
	(void)unlinkat(AT_FDCWD, folder, AT_REMOVEDIR);
	return true;
}

void
tiles_remove_old(struct logd *logd)
{
	struct tiles *t = &logd->tiles;
	unsigned looks = 0, folders = 0;

	for (unsigned level = 0; level < TILES_LEVELS; level++) {
		uint64_t full = t->size >> (8 * (level + 1));

		for (; t->old[level] + 1 < full && looks < LOOKS && folders < FOLDERS; looks++) {
			folders += remove_partial(level, t->old[level]);
			if (level == 0)
				folders += remove_partial(DK_TILE_ENTRIES, t->old[level]);
			t->old[level]++;
		}
	}
}
