/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole log against its checkpoints, in one pass and with memory that does not depend
 * on its size. Who signed the checkpoints, the caller has looked at before.
 *
 * Spec: spec/log.md section 13
 */
#ifndef DK_LOG_VERIFY_H
#define DK_LOG_VERIFY_H

#include "log/checkpoint.h"
#include "log/records.h"
#include "log/tile.h"

#define DK_LOG_GAP_S 120

struct dk_log_verify {
	const struct dk_log_source *source;
	/* With ascending sizes, at least one, of which the last is the tree that is read; two of
	 * one size are looked at both. */
	const struct dk_checkpoint *points;
	size_t point_count;
	/* Checked before, with all its files: bundles that it covers as a whole are not read
	 * again. One of the points, too: what follows it may be another history. Or NULL. */
	const struct dk_checkpoint *from;
	bool foreign;               /* entries of another kind than ours */
	struct dk_records *records; /* or NULL */

	/* Each may be NULL. An entry that is later (or earlier) than the one before it by more
	 * than DK_LOG_GAP_S (than 0); minutes in seconds since 1970. */
	void (*on_gap)(void *ctx, uint64_t index, uint64_t before, uint64_t after);
	void (*on_entries)(void *ctx, uint64_t count, size_t bytes);
	/* Files that are now known to belong to each other; any error ends it. */
	dk_err (*on_files)(void *ctx, const struct dk_log_file *files, size_t n);
	/* Each entry in its order, with its record or NULL if the records have none for it;
	 * borrowed. What it tells holds only if all of it is verified. Not with from and foreign.
	 * Any error ends it. */
	dk_err (*on_entry)(void *ctx, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES],
	    const struct dk_log_event *event);
	void *ctx;

	/* out, also on error */
	uint64_t entries;
	uint64_t record_count;
	uint64_t last_minute;
	char place[DK_TILE_PATH_BYTES + 16]; /* file, "entry N", "size N", "record N" or empty */
};

/*
 * Errors:  DK_ERR_LOG_MISSING  a file is not there
 *          DK_ERR_LOG_FILE  a file or entry of another layout; the records file likewise
 *          DK_ERR_LOG_TREE  a tile that is not the one of its entries or of the tiles below
 *          DK_ERR_LOG_INCONSISTENT  the root over the entries is not that of a point
 *          DK_ERR_LOG_RECORD  a record that is not that of its entry
 *          Any error of the source and of on_files.
 */
DK_MUST_USE dk_err dk_log_verify(struct dk_log_verify *verify);

#endif
