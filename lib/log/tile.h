/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a log, wherever they are: their names, a source that reads them, and
 * nodes of the tree from tiles. C2SP tlog-tiles; spec/log.md sections 6 and 13.
 */
#ifndef DK_LOG_TILE_H
#define DK_LOG_TILE_H

#include <stdbool.h>

#include "log/tree.h"

#define DK_TILE_WIDTH 256
#define DK_TILE_BYTES (DK_TILE_WIDTH * DK_HASH_BYTES)
#define DK_TILE_LEVELS 8 /* enough for 2^62 leaves */
#define DK_TILE_PATH_BYTES 64
#define DK_BUNDLE_MAX_BYTES 1048576
/* In place of a level: the entries. */
#define DK_TILE_ENTRIES 64

/* "tile/LEVEL/x001/234[.p/W]"; width 256 is a full one. */
void dk_tile_path(unsigned level, uint64_t index, unsigned width, char ret[DK_TILE_PATH_BYTES]);
/* Width of a tile in a tree of that size; 0: it has no such tile. */
unsigned dk_tile_width(uint64_t size, unsigned level, uint64_t index);

/* One file that is read. */
struct dk_log_file {
	char path[DK_TILE_PATH_BYTES];
	uint8_t *data; /* the caller's, room for cap bytes */
	size_t cap;
	size_t len;
	dk_err err;
	bool fetched; /* free for the source */
};

/* Reads files; several at once may be faster than one after the other. */
struct dk_log_source {
	/*
	 * Fill n files, each with an err of its own: DK_ERR_LOG_MISSING: there is none;
	 * DK_ERR_LOG_FILE: longer than cap; DK_ERR_READ; of a URL, errors of the category
	 * service. The first error, if one is to be told, is what is returned.
	 */
	dk_err (*read)(void *ctx, struct dk_log_file *files, size_t n);
	void (*close)(void *ctx);
	void *ctx;
};
/* May be one that was never opened. */
void dk_log_source_close(struct dk_log_source *source);

/* A folder. DK_ERR_READ, with errno: it cannot be opened. */
DK_MUST_USE dk_err dk_log_folder_open(const char *path, struct dk_log_source *ret_source);

/*
 * Nodes of a tree of that size from its tiles, of which the last one of each level is
 * kept. A narrower tile that is not there any more is cut out of the full one. What a
 * tile says is not checked: the proof that is made from it is.
 */
struct dk_tiles {
	const struct dk_log_source *source;
	uint64_t size;
	struct {
		uint64_t index;
		unsigned width; /* 0: none */
		uint8_t hashes[DK_TILE_BYTES];
	} kept[DK_TILE_LEVELS];
};
/* tiles must not move while nodes are used. */
void dk_tiles_init(struct dk_tiles *tiles, const struct dk_log_source *source, uint64_t size,
    struct dk_tree_nodes *ret_nodes);
/* Level, index and width of a tile, whole. DK_ERR_LOG_MISSING, DK_ERR_LOG_FILE: another length. */
DK_MUST_USE dk_err dk_tile_read(const struct dk_log_source *source, unsigned level, uint64_t index,
    unsigned width, uint8_t ret_hashes[DK_TILE_BYTES]);

/* The root over n hashes beside each other, n from 1 to 256: a power of two gives a node. They
 * are overwritten. */
DK_MUST_USE dk_err dk_tile_root(uint8_t *hashes, unsigned n, uint8_t ret_root[DK_HASH_BYTES]);

/* The next entry of a bundle. False: none is whole. */
bool dk_bundle_next(const uint8_t *bundle, size_t len, size_t *at, const uint8_t **ret_entry,
    size_t *ret_len);

#endif
