/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes of the tiles that are not full yet are kept, one row a level:
 *
 *   row 2  h0            each the root over 65,536 entries
 *   row 1  h0 h1 h2      each the root over 256 entries
 *   row 0  h0 ... h41    entries of this bundle
 *
 * From all of them follows the root at any size within the bundle.
 */
#include "log/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 16 /* tiles of level 0, and bundles, that are read at once */
#define OURS_BYTES (2 + DK_LEAF_BYTES)

struct run {
	struct dk_log_verify *v;
	uint64_t size;
	size_t point;  /* the next one */
	uint64_t told; /* entries that on_entry has had */
	uint8_t row[DK_TILE_LEVELS][DK_TILE_BYTES];
	struct dk_log_file file[2 * WINDOW]; /* tile, bundle, tile, bundle, ... */
	uint8_t *buffer;
	bool has_entry; /* of the records file, not yet compared */
	struct dk_records_entry entry;
	struct dk_log_event event;
	struct dk_log_object objects[DK_LOG_OBJECTS_MAX];
};

static dk_err
fail(struct run *run, dk_err err, const char *what, uint64_t number)
{
	(void)snprintf(run->v->place, sizeof(run->v->place), "%s %" PRIu64, what, number);
	return err;
}

static dk_err
fail_file(struct run *run, dk_err err, const struct dk_log_file *file)
{
	(void)snprintf(run->v->place, sizeof(run->v->place), "%s", file->path);
	return err;
}

/* ---- roots ---- */

/* Complete subtrees of the first n hashes of a row, from the left; returns their number. */
static dk_err
subtrees(const uint8_t *row, unsigned n, uint8_t (*node)[DK_HASH_BYTES], unsigned *count)
{
	uint8_t hashes[DK_TILE_BYTES];
	dk_err err = DK_OK;

	for (unsigned width = DK_TILE_WIDTH; width > 0 && err == DK_OK; width /= 2) {
		if (!(n & width))
			continue;
		memcpy(hashes, row, (size_t)width * DK_HASH_BYTES);
		err = dk_tile_root(hashes, width, node[(*count)++]);
		row += (size_t)width * DK_HASH_BYTES;
	}
	return err;
}

/* The root at a size that ends in row 0 behind its first n hashes. */
static dk_err
root_at(const struct run *run, uint64_t size, unsigned n, uint8_t root[DK_HASH_BYTES])
{
	uint8_t node[9 * DK_TILE_LEVELS][DK_HASH_BYTES];
	uint64_t before = size - n;
	unsigned count = 0;
	dk_err err = DK_OK;

	if (size == 0)
		return dk_sha256(NULL, 0, root);
	for (unsigned level = DK_TILE_LEVELS - 1; level > 0 && err == DK_OK; level--)
		err = subtrees(
		    run->row[level], (before >> (8 * level)) % DK_TILE_WIDTH, node, &count);
	if (err == DK_OK)
		err = subtrees(run->row[0], n, node, &count);
	for (; count > 1 && err == DK_OK; count--)
		err = dk_merkle_node(node[count - 2], node[count - 1], node[count - 2]);
	if (err == DK_OK)
		memcpy(root, node[0], DK_HASH_BYTES);
	return err;
}

/* All points up to where row 0 has width hashes from start. */
static dk_err
check_points(struct run *run, uint64_t start, unsigned width)
{
	uint8_t root[DK_HASH_BYTES];
	dk_err err;

	for (; run->point < run->v->point_count; run->point++) {
		const struct dk_checkpoint *cp = &run->v->points[run->point];

		if (cp->size > start + width)
			break;
		if (cp->size < start) /* before where we began */
			continue;
		err = root_at(run, cp->size, (unsigned)(cp->size - start), root);
		if (err != DK_OK)
			return err;
		if (memcmp(root, cp->root, DK_HASH_BYTES) != 0)
			return fail(run, DK_ERR_LOG_INCONSISTENT, "size", cp->size);
	}
	return DK_OK;
}

/* ---- files ---- */

static void
name_file(struct dk_log_file *file, unsigned level, uint64_t index, unsigned width)
{
	dk_tile_path(level, index, width, file->path);
	file->len = 0;
	file->fetched = false;
}

/* What of a full file belongs to the narrower one; false: it is shorter. */
static bool
cut(struct dk_log_file *file, unsigned level, unsigned width)
{
	size_t at = 0, len;
	const uint8_t *entry;

	if (level != DK_TILE_ENTRIES)
		at = (size_t)width * DK_HASH_BYTES;
	else
		while (width-- > 0)
			if (!dk_bundle_next(file->data, file->len, &at, &entry, &len))
				return false;
	if (file->len < at)
		return false;
	file->len = at;
	return true;
}

/* One that is narrower may be gone where the full one is there. */
static dk_err
read_again(
    struct run *run, struct dk_log_file *file, unsigned level, uint64_t index, unsigned width)
{
	dk_err err;

	if (file->err != DK_ERR_LOG_MISSING || width == DK_TILE_WIDTH)
		return fail_file(run, file->err, file);
	name_file(file, level, index, DK_TILE_WIDTH);
	err = run->v->source->read(run->v->source->ctx, file, 1);
	if (err == DK_OK && !cut(file, level, width))
		err = DK_ERR_LOG_FILE;
	dk_tile_path(level, index, width, file->path);
	return err == DK_OK ? DK_OK : fail_file(run, err, file);
}

/* A tile of level 1 or above is the one of the row. */
static dk_err
check_tile(struct run *run, unsigned level, uint64_t index, unsigned width)
{
	uint8_t data[DK_TILE_BYTES];
	struct dk_log_file file = { .data = data, .cap = sizeof(data) };
	dk_err err;

	name_file(&file, level, index, width);
	err = run->v->source->read(run->v->source->ctx, &file, 1);
	if (err != DK_OK)
		err = read_again(run, &file, level, index, width);
	if (err != DK_OK)
		return err;
	if (file.len != (size_t)width * DK_HASH_BYTES)
		return fail_file(run, DK_ERR_LOG_FILE, &file);
	if (memcmp(data, run->row[level], file.len) != 0)
		return fail_file(run, DK_ERR_LOG_TREE, &file);
	return run->v->on_files ? run->v->on_files(run->v->ctx, &file, 1) : DK_OK;
}

/* Row 0 is full: it becomes a hash of row 1, and so on. */
static dk_err
carry(struct run *run, uint64_t index)
{
	uint8_t hashes[DK_TILE_BYTES];
	unsigned level = 0, at = DK_TILE_WIDTH - 1;
	dk_err err;

	while (at == DK_TILE_WIDTH - 1 && level + 1 < DK_TILE_LEVELS) {
		at = index % DK_TILE_WIDTH;
		memcpy(hashes, run->row[level], sizeof(hashes));
		level++;
		err = dk_tile_root(
		    hashes, DK_TILE_WIDTH, run->row[level] + (size_t)at * DK_HASH_BYTES);
		if (err != DK_OK)
			return err;
		index /= DK_TILE_WIDTH;
		err =
		    at == DK_TILE_WIDTH - 1 ? check_tile(run, level, index, DK_TILE_WIDTH) : DK_OK;
		if (err != DK_OK)
			return err;
	}
	return DK_OK;
}

/* ---- entries ---- */

static uint64_t
minute_of(const uint8_t *leaf)
{
	uint64_t v = 0;

	for (unsigned i = 8; i < 16; i++)
		v = v << 8 | leaf[i];
	return v;
}

static dk_err
check_leaf(struct run *run, uint64_t index, const uint8_t *leaf, size_t len)
{
	struct dk_log_verify *v = run->v;
	uint64_t minute;

	if (len != DK_LEAF_BYTES || memcmp(leaf, "DKL1", 4) != 0 || (leaf[4] | leaf[5]) == 0 ||
	    (leaf[6] | leaf[7]) != 0)
		return fail(run, DK_ERR_LOG_FILE, "entry", index);
	minute = minute_of(leaf);
	if (minute % 60 != 0)
		return fail(run, DK_ERR_LOG_FILE, "entry", index);
	if (v->last_minute != 0 && v->on_gap &&
	    (minute < v->last_minute || minute - v->last_minute > DK_LOG_GAP_S))
		v->on_gap(v->ctx, index, v->last_minute, minute);
	v->last_minute = minute;
	return DK_OK;
}

/* Row 0 from the entries of a bundle. */
static dk_err
hash_bundle(struct run *run, uint64_t start, unsigned width, const struct dk_log_file *bundle)
{
	const uint8_t *entry;
	size_t at = 0, len;
	dk_err err = DK_OK;

	for (unsigned i = 0; i < width && err == DK_OK; i++) {
		if (!dk_bundle_next(bundle->data, bundle->len, &at, &entry, &len))
			return fail_file(run, DK_ERR_LOG_FILE, bundle);
		if (!run->v->foreign)
			err = check_leaf(run, start + i, entry, len);
		if (err == DK_OK)
			err = dk_merkle_leaf(entry, len, run->row[0] + (size_t)i * DK_HASH_BYTES);
	}
	if (err == DK_OK && at != bundle->len)
		return fail_file(run, DK_ERR_LOG_FILE, bundle);
	return err;
}

static dk_err
next_record(struct run *run)
{
	dk_err err = dk_records_next(run->v->records, &run->entry, &run->has_entry);

	return err == DK_ERR_LOG_FILE ? fail(run, err, "record", run->v->records->count) : err;
}

/* Entries up to the one before end, which have no record, and end with this one if it has. */
static dk_err
tell_entries(struct run *run, uint64_t start, const uint8_t *bundle, uint64_t end, bool record)
{
	dk_err err = DK_OK;

	if (!run->v->on_entry)
		return DK_OK;
	for (; run->told < end + record && err == DK_OK; run->told++)
		err = run->v->on_entry(run->v->ctx, run->told,
		    bundle + (run->told - start) * OURS_BYTES + 2,
		    record && run->told == end ? &run->event : NULL);
	return err;
}

/* Records whose entries are in this bundle, all of which have our length. */
static dk_err
check_records(struct run *run, uint64_t start, unsigned width, const uint8_t *bundle)
{
	dk_err err = DK_OK;

	while (run->has_entry && run->entry.index < start + width && err == DK_OK) {
		const struct dk_records_entry *e = &run->entry;
		const uint8_t *leaf = bundle + (e->index - start) * OURS_BYTES + 2;

		if (e->index < start) /* of what was not read again */
			return fail(run, DK_ERR_ARGUMENT, "entry", e->index);
		if (memcmp(leaf, e->leaf, DK_LEAF_BYTES) != 0)
			return fail(run, DK_ERR_LOG_RECORD, "entry", e->index);
		err = dk_record_open(e->record, e->len, leaf, run->objects, &run->event);
		if (err == DK_ERR_RECEIPT)
			return fail(run, DK_ERR_LOG_RECORD, "entry", e->index);
		if (err == DK_OK)
			run->v->record_count++;
		if (err == DK_OK)
			err = tell_entries(run, start, bundle, e->index, true);
		if (err == DK_OK)
			err = next_record(run);
	}
	return err == DK_OK ? tell_entries(run, start, bundle, start + width, false) : err;
}

static dk_err
check_bundle(struct run *run, uint64_t index, const struct dk_log_file *pair)
{
	uint64_t start = index * DK_TILE_WIDTH;
	unsigned width = dk_tile_width(run->size, 0, index);
	dk_err err;

	if (pair[0].len != (size_t)width * DK_HASH_BYTES)
		return fail_file(run, DK_ERR_LOG_FILE, &pair[0]);
	err = hash_bundle(run, start, width, &pair[1]);
	if (err != DK_OK)
		return err;
	if (memcmp(pair[0].data, run->row[0], pair[0].len) != 0)
		return fail_file(run, DK_ERR_LOG_TREE, &pair[0]);
	err = check_points(run, start, width);
	if (err == DK_OK)
		err = check_records(run, start, width, pair[1].data);
	if (err == DK_OK && run->v->on_files)
		err = run->v->on_files(run->v->ctx, pair, 2);
	if (err == DK_OK && width == DK_TILE_WIDTH)
		err = carry(run, index);
	run->v->entries = start + width;
	if (err == DK_OK && run->v->on_entries)
		run->v->on_entries(run->v->ctx, width, pair[0].len + pair[1].len);
	return err;
}

static dk_err
read_window(struct run *run, uint64_t index, unsigned n)
{
	dk_err err = DK_OK;

	for (unsigned i = 0; i < n; i++) {
		unsigned width = dk_tile_width(run->size, 0, index + i);

		name_file(&run->file[2 * i], 0, index + i, width);
		name_file(&run->file[2 * i + 1], DK_TILE_ENTRIES, index + i, width);
	}
	if (run->v->source->read(run->v->source->ctx, run->file, 2 * (size_t)n) == DK_OK)
		return DK_OK;
	for (unsigned i = 0; i < 2 * n && err == DK_OK; i++)
		if (run->file[i].err != DK_OK)
			err = read_again(run, &run->file[i], i % 2 == 0 ? 0 : DK_TILE_ENTRIES,
			    index + i / 2, dk_tile_width(run->size, 0, index + i / 2));
	return err;
}

static dk_err
check_entries(struct run *run, uint64_t index)
{
	uint64_t end = (run->size + DK_TILE_WIDTH - 1) / DK_TILE_WIDTH;
	dk_err err = check_points(run, index * DK_TILE_WIDTH, 0);

	while (index < end && err == DK_OK) {
		unsigned n = end - index < WINDOW ? (unsigned)(end - index) : WINDOW;

		err = read_window(run, index, n);
		for (unsigned i = 0; i < n && err == DK_OK; i++)
			err = check_bundle(run, index + i, &run->file[2 * i]);
		index += n;
	}
	return err;
}

/* Tiles above level 0 that are not full. */
static dk_err
check_edge(struct run *run)
{
	dk_err err = DK_OK;

	for (unsigned level = 1; level < DK_TILE_LEVELS && err == DK_OK; level++) {
		uint64_t nodes = run->size >> (8 * level);

		if (nodes % DK_TILE_WIDTH != 0)
			err = check_tile(
			    run, level, nodes / DK_TILE_WIDTH, (unsigned)(nodes % DK_TILE_WIDTH));
	}
	return err;
}

/* ---- beginning and end ---- */

/* Rows as they were at a size that was checked before, from its tiles. */
static dk_err
load_rows(struct run *run, const struct dk_checkpoint *from)
{
	uint8_t root[DK_HASH_BYTES];
	dk_err err = DK_OK;

	for (unsigned level = 0; level < DK_TILE_LEVELS && err == DK_OK; level++) {
		uint64_t nodes = from->size >> (8 * level);

		if (nodes % DK_TILE_WIDTH != 0)
			err = dk_tile_read(run->v->source, level, nodes / DK_TILE_WIDTH,
			    (unsigned)(nodes % DK_TILE_WIDTH), run->row[level]);
	}
	if (err == DK_OK)
		err = root_at(run, from->size, (unsigned)(from->size % DK_TILE_WIDTH), root);
	if (err != DK_OK)
		return err;
	return memcmp(root, from->root, DK_HASH_BYTES) == 0
	    ? DK_OK
	    : fail(run, DK_ERR_LOG_TREE, "size", from->size);
}

static dk_err
run_all(struct run *run)
{
	struct dk_log_verify *v = run->v;
	dk_err err = v->from ? load_rows(run, v->from) : DK_OK;

	if (err == DK_OK && v->records)
		err = next_record(run);
	if (err == DK_OK)
		err = check_entries(run, v->from ? v->from->size / DK_TILE_WIDTH : 0);
	if (err == DK_OK)
		err = check_edge(run);
	if (err == DK_OK && run->has_entry)
		return fail(run, DK_ERR_LOG_RECORD, "entry", run->entry.index);
	return err;
}

dk_err
dk_log_verify(struct dk_log_verify *v)
{
	const size_t pair = DK_TILE_BYTES + DK_BUNDLE_MAX_BYTES;
	struct run *run = calloc(1, sizeof(*run));
	dk_err err = DK_ERR_NOMEM;

	v->entries = v->record_count = v->last_minute = 0;
	v->place[0] = '\0';
	if (run)
		run->buffer = malloc(WINDOW * pair);
	if (run && run->buffer) {
		run->v = v;
		run->size = v->points[v->point_count - 1].size;
		for (size_t i = 0; i < WINDOW; i++) {
			run->file[2 * i].data = run->buffer + i * pair;
			run->file[2 * i].cap = DK_TILE_BYTES;
			run->file[2 * i + 1].data = run->buffer + i * pair + DK_TILE_BYTES;
			run->file[2 * i + 1].cap = DK_BUNDLE_MAX_BYTES;
		}
		err = run_all(run);
	}
	if (run)
		free(run->buffer);
	free(run);
	return err;
}
