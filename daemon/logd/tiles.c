/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tiles, entry bundles and checkpoint as files (C2SP tlog-tiles), made from the
 * store. Everything a checkpoint needs is synced before the checkpoint is, the names
 * of the files too: after a start nobody looks whether one is missing. One file at a
 * time: what comes meanwhile is committed between two of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/tile.h"
#include "logd/logd.h"
#include "store/folder.h"

#define WIDTH DK_TILE_WIDTH
#define BUNDLE_MAX_BYTES (WIDTH * (2 + DK_LEAF_BYTES))

static bool
make_dirs(const char *path)
{
	char dir[TILES_PATH_MAX_BYTES];
	size_t len = strlen(path);

	for (size_t i = 1; i < len; i++) {
		if (path[i] != '/')
			continue;
		memcpy(dir, path, i);
		dir[i] = '\0';
		if (mkdir(dir, 0755) != 0 && errno != EEXIST)
			return false;
	}
	return true;
}

/* The last of the folders, and all above it: one that is new needs its own name. */
static bool
sync_folder(struct tiles *t)
{
	char *path = t->folder[--t->folder_count];
	size_t len = strlen(path);
	bool ok = true;

	while (ok && len > 0) {
		ok = folder_sync(path);
		while (len > 0 && path[--len] != '/')
			;
		path[len] = '\0';
	}
	return ok && folder_sync(".");
}

/* Most files of a round are in few folders: each is synced once, at its end. */
static bool
note_folder(struct tiles *t, const char *path)
{
	size_t len = (size_t)(strrchr(path, '/') - path);

	for (unsigned i = 0; i < t->folder_count; i++)
		if (strlen(t->folder[i]) == len && memcmp(t->folder[i], path, len) == 0)
			return true;
	if (t->folder_count == TILES_FOLDERS_MAX && !sync_folder(t))
		return false;
	memcpy(t->folder[t->folder_count], path, len);
	t->folder[t->folder_count++][len] = '\0';
	return true;
}

/* The whole file under a temporary name beside it (Landlock lets no file change
 * its folder), synced, then renamed. */
static bool
put_file(const char *path, const void *data, size_t len)
{
	char temp[TILES_PATH_MAX_BYTES + 4];
	int fd, n;
	bool ok;

	n = snprintf(temp, sizeof(temp), "%s.tmp", path);
	if (n < 0 || (size_t)n >= sizeof(temp) || !make_dirs(path))
		return false;
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return false;
	ok = write(fd, data, len) == (ssize_t)len && fdatasync(fd) == 0;
	if (close(fd) != 0)
		ok = false;
	return ok && rename(temp, path) == 0;
}

static bool
put_tile(struct logd *logd, unsigned level, uint64_t index, unsigned width)
{
	uint8_t tile[DK_TILE_BYTES];
	char path[DK_TILE_PATH_BYTES];

	dk_tile_path(level, index, width, path);
	return tree_nodes(&logd->tree, level * 8, index * WIDTH, width, tile) &&
	    note_folder(&logd->tiles, path) && put_file(path, tile, width * DK_HASH_BYTES);
}

struct bundle {
	size_t len;
	uint8_t bytes[BUNDLE_MAX_BYTES];
};

static bool
add_leaf(
    void *ctx, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES], const uint8_t *record, size_t len)
{
	struct bundle *b = ctx;

	(void)index;
	(void)record;
	(void)len;
	b->bytes[b->len] = 0;
	b->bytes[b->len + 1] = DK_LEAF_BYTES;
	memcpy(b->bytes + b->len + 2, leaf, DK_LEAF_BYTES);
	b->len += 2 + DK_LEAF_BYTES;
	return true;
}

static bool
put_bundle(struct logd *logd, uint64_t index, unsigned width)
{
	static struct bundle b;
	char path[DK_TILE_PATH_BYTES];

	b.len = 0;
	dk_tile_path(DK_TILE_ENTRIES, index, width, path);
	return store_read(logd->store, index * WIDTH, width, add_leaf, &b) &&
	    b.len == width * (2 + DK_LEAF_BYTES) && note_folder(&logd->tiles, path) &&
	    put_file(path, b.bytes, b.len);
}

bool
checkpoint_newest(struct logd *logd, struct cosign_point *ret)
{
	struct dk_checkpoint cp;

	/* Of a shared store it may be of a larger tree than this node has seen. */
	if (!store_last_checkpoint(logd->store, ret->text, sizeof(ret->text), &ret->len) ||
	    dk_checkpoint_verify(&logd->signer.keys, ret->text, ret->len, &cp) != DK_OK ||
	    (cp.size > logd->tree.size && !shared_look(logd)) || cp.size > logd->tree.size)
		return false;
	ret->size = cp.size;
	return true;
}

bool
tiles_begin(struct logd *logd)
{
	const struct cosign_point *cosigned = cosign_shown(logd);
	struct tiles *t = &logd->tiles;
	struct cosign_point newest;

	if (t->busy || (!cosigned && t->size == logd->tree.size))
		return true;
	if (!cosigned) {
		if (!checkpoint_newest(logd, &newest))
			return false;
		cosigned = &newest;
	}
	/* The same tree is shown again with more cosignatures, an earlier one never. */
	if (cosigned->size < t->size || (cosigned->size == t->size && cosigned->len == t->shown))
		return true;
	memcpy(t->text, cosigned->text, cosigned->len);
	t->len = cosigned->len;
	t->to = cosigned->size;
	t->level = 0;
	t->index = t->size / WIDTH;
	t->bundle = false;
	t->folder_count = 0;
	t->busy = true;
	return true;
}

/* Moves on to the next tile that is new or wider than at the old size; false: none is left. */
static bool
next_tile(struct tiles *t)
{
	while (t->level * 8 < TREE_LEVELS && t->to >> (8 * t->level) > 0) {
		uint64_t to = t->to >> (8 * t->level), from = t->size >> (8 * t->level);

		if (to != from && t->index * WIDTH < to)
			return true;
		t->level++;
		t->index = (t->size >> (8 * t->level)) / WIDTH;
	}
	return false;
}

/* A tile, or the bundle of entries that goes with one of level 0. */
static bool
put_next(struct logd *logd)
{
	struct tiles *t = &logd->tiles;
	uint64_t rest = (t->to >> (8 * t->level)) - t->index * WIDTH;
	unsigned width = rest < WIDTH ? (unsigned)rest : WIDTH;
	bool ok = t->bundle ? put_bundle(logd, t->index, width)
			    : put_tile(logd, t->level, t->index, width);

	t->bundle = t->level == 0 && !t->bundle;
	if (!t->bundle)
		t->index++;
	return ok;
}

bool
tiles_step(struct logd *logd)
{
	struct tiles *t = &logd->tiles;
	bool ok, more = next_tile(t), last = !more && t->folder_count == 0;

	if (more)
		ok = put_next(logd);
	else
		ok = last ? put_file("checkpoint", t->text, t->len) : sync_folder(t);
	if (ok && last) {
		t->size = t->to;
		t->shown = t->len;
	}
	t->busy = ok && !last;
	return ok;
}

/* The root of the tree when it had this size; all complete nodes are in the store. */
static bool
root_was(struct logd *logd, const struct dk_checkpoint *cp)
{
	uint8_t root[DK_HASH_BYTES];

	return tree_root(&logd->tree, cp->size, root) && memcmp(root, cp->root, sizeof(root)) == 0;
}

/* What the files show is what their checkpoint says, and of this log. */
bool
tiles_load(struct logd *logd)
{
	struct dk_checkpoint cp = { 0 };
	uint8_t text[DK_CHECKPOINT_MAX_BYTES];
	size_t len;

	logd->tiles = (struct tiles){ .size = 0 };
	if (!tiles_read("checkpoint", text, sizeof(text), &len))
		return true;
	if (dk_checkpoint_verify(&logd->signer.keys, (const char *)text, len, &cp) != DK_OK ||
	    cp.size > logd->tree.size || !root_was(logd, &cp))
		return false;
	logd->tiles.size = cp.size;
	logd->tiles.shown = len;
	return true;
}

/* Only what dk_tile_path() can make, and "checkpoint". */
static bool
path_ok(const char *path)
{
	if (strcmp(path, "checkpoint") == 0)
		return true;
	if (strncmp(path, "tile/", 5) != 0 || strstr(path, "..") || strstr(path, "//"))
		return false;
	for (const char *p = path; *p; p++)
		if (!strchr("0123456789x/.ptilenrs", *p))
			return false;
	return true;
}

bool
tiles_read(const char *path, uint8_t *out, size_t cap, size_t *ret_len)
{
	ssize_t n;
	int fd;

	if (!path_ok(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	n = read(fd, out, cap);
	(void)close(fd);
	if (n < 0)
		return false;
	*ret_len = (size_t)n;
	return true;
}
