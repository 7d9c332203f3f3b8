/* SPDX-License-Identifier: Apache-2.0 */
#include "log/tile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- names ---- */

void
dk_tile_path(unsigned level, uint64_t index, unsigned width, char ret[DK_TILE_PATH_BYTES])
{
	char name[8] = "entries", groups[32] = "", suffix[8] = "", next[sizeof(groups)];
	uint64_t rest = index / 1000;

	if (level != DK_TILE_ENTRIES)
		(void)snprintf(name, sizeof(name), "%u", level % DK_TILE_ENTRIES);
	if (width < DK_TILE_WIDTH)
		(void)snprintf(suffix, sizeof(suffix), ".p/%u", width % DK_TILE_WIDTH);
	(void)snprintf(groups, sizeof(groups), "%03u", (unsigned)(index % 1000));
	for (; rest > 0; rest /= 1000) {
		(void)snprintf(next, sizeof(next), "x%03u/%.*s", (unsigned)(rest % 1000),
		    (int)sizeof(next) - 6, groups);
		memcpy(groups, next, sizeof(groups));
	}
	(void)snprintf(ret, DK_TILE_PATH_BYTES, "tile/%s/%s%s", name, groups, suffix);
}

unsigned
dk_tile_width(uint64_t size, unsigned level, uint64_t index)
{
	uint64_t nodes = level >= DK_TILE_LEVELS ? 0 : size >> (8 * level);

	if (index >= (nodes + DK_TILE_WIDTH - 1) / DK_TILE_WIDTH)
		return 0;
	nodes -= index * DK_TILE_WIDTH;
	return nodes < DK_TILE_WIDTH ? (unsigned)nodes : DK_TILE_WIDTH;
}

void
dk_log_source_close(struct dk_log_source *source)
{
	if (source->close)
		source->close(source->ctx);
	source->close = NULL;
}

/* ---- tiles ---- */

static dk_err
read_one(const struct dk_log_source *source, unsigned level, uint64_t index, unsigned width,
    unsigned wanted, uint8_t *data)
{
	struct dk_log_file file = { .data = data, .cap = DK_TILE_BYTES };
	dk_err err;

	dk_tile_path(level, index, width, file.path);
	err = source->read(source->ctx, &file, 1);
	if (err != DK_OK)
		return err;
	return file.len == (size_t)width * DK_HASH_BYTES && wanted <= width ? DK_OK
									    : DK_ERR_LOG_FILE;
}

dk_err
dk_tile_read(const struct dk_log_source *source, unsigned level, uint64_t index, unsigned width,
    uint8_t ret_hashes[DK_TILE_BYTES])
{
	dk_err err = read_one(source, level, index, width, width, ret_hashes);

	if (err == DK_ERR_LOG_MISSING && width < DK_TILE_WIDTH)
		err = read_one(source, level, index, DK_TILE_WIDTH, width, ret_hashes);
	return err;
}

dk_err
dk_tile_root(uint8_t *hashes, unsigned n, uint8_t ret_root[DK_HASH_BYTES])
{
	dk_err err = DK_OK;

	/* Pairs from below; one that has no sibling moves up as it is (RFC 6962: the left
	 * subtree is complete). */
	for (; n > 1 && err == DK_OK; n = (n + 1) / 2) {
		for (unsigned i = 0; i < n / 2 && err == DK_OK; i++)
			err = dk_merkle_node(hashes + 2 * (size_t)i * DK_HASH_BYTES,
			    hashes + (2 * (size_t)i + 1) * DK_HASH_BYTES,
			    hashes + (size_t)i * DK_HASH_BYTES);
		if (n % 2 == 1)
			memmove(hashes + (size_t)(n / 2) * DK_HASH_BYTES,
			    hashes + (size_t)(n - 1) * DK_HASH_BYTES, DK_HASH_BYTES);
	}
	if (err == DK_OK)
		memcpy(ret_root, hashes, DK_HASH_BYTES);
	return err;
}

static dk_err
tile_of(struct dk_tiles *tiles, unsigned level, uint64_t index)
{
	unsigned width = dk_tile_width(tiles->size, level, index);
	dk_err err;

	if (level >= DK_TILE_LEVELS || width == 0)
		return DK_ERR_ARGUMENT;
	if (tiles->kept[level].width > 0 && tiles->kept[level].index == index)
		return DK_OK;
	tiles->kept[level].width = 0;
	err = dk_tile_read(tiles->source, level, index, width, tiles->kept[level].hashes);
	if (err != DK_OK)
		return err;
	tiles->kept[level].index = index;
	tiles->kept[level].width = width;
	return DK_OK;
}

/* 1 << (level % 8) hashes of a tile of the level below it. */
static dk_err
node_of(void *ctx, unsigned level, uint64_t index, uint8_t ret_hash[DK_HASH_BYTES])
{
	struct dk_tiles *tiles = ctx;
	uint8_t hashes[DK_TILE_BYTES / 2];
	unsigned tile_level = level / 8, count = 1u << (level % 8);
	uint64_t first = index << (level % 8);
	size_t at = (size_t)(first % DK_TILE_WIDTH);
	dk_err err = tile_of(tiles, tile_level, first / DK_TILE_WIDTH);

	if (err != DK_OK)
		return err;
	if (at + count > tiles->kept[tile_level].width)
		return DK_ERR_ARGUMENT;
	memcpy(hashes, tiles->kept[tile_level].hashes + at * DK_HASH_BYTES,
	    (size_t)count * DK_HASH_BYTES);
	return dk_tile_root(hashes, count, ret_hash);
}

void
dk_tiles_init(struct dk_tiles *tiles, const struct dk_log_source *source, uint64_t size,
    struct dk_tree_nodes *ret_nodes)
{
	tiles->source = source;
	tiles->size = size;
	for (unsigned i = 0; i < DK_TILE_LEVELS; i++)
		tiles->kept[i].width = 0;
	*ret_nodes = (struct dk_tree_nodes){ .node = node_of, .ctx = tiles };
}

bool
dk_bundle_next(
    const uint8_t *bundle, size_t len, size_t *at, const uint8_t **ret_entry, size_t *ret_len)
{
	size_t n;

	if (len - *at < 2)
		return false;
	n = (size_t)bundle[*at] << 8 | bundle[*at + 1];
	if (len - *at - 2 < n)
		return false;
	*ret_entry = bundle + *at + 2;
	*ret_len = n;
	*at += 2 + n;
	return true;
}
