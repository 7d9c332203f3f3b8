/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What scans of folders and of buckets have in common: known places are merged with those that are
 * there, those to be read go to threads, and what they find is written.
 */
#ifndef DK_CLI_SCAN_RUN_H
#define DK_CLI_SCAN_RUN_H

#include <time.h>

#include "cli/console/progress.h"
#include "cli/scan/pool.h"
#include "cli/scan/walk.h"

struct scan_run {
	struct dk_catalogue_writer *writer;
	struct scan_pool *pool;
	struct progress_part *progress;
	struct scan_counts *counts;
	unsigned long written; /* places since the last commit */
	unsigned long total;   /* before it */
	time_t committed;
	unsigned failing; /* places in a row whose server failed */
	struct dk_catalogue_known page[DK_CATALOGUE_PAGE];
};

/* What the catalogue knows in a folder, a page at a time. */
struct scan_known {
	uint64_t folder;
	size_t count, at;
	bool begun, ended;
	char last[DK_CATALOGUE_NAME_MAX_BYTES + 1];
	size_t last_len;
};

/* Known places whose names come before this one are gone (NULL: all that are left). *ret is the
 * known place of this name, or NULL. Names ascend from call to call. */
DK_MUST_USE dk_err scan_known_until(struct scan_run *run, struct scan_known *known,
    const char *name, size_t len, const struct dk_catalogue_known **ret);

/* A chunk with room for one more item, after others were submitted and taken if need be. dir can be
 * NULL. */
DK_MUST_USE dk_err scan_run_chunk(
    struct scan_run *run, struct batch_dir *dir, uint64_t folder, struct scan_chunk **chunk);
/* Write what all that were submitted have found. */
DK_MUST_USE dk_err scan_run_drain(struct scan_run *run);
DK_MUST_USE dk_err scan_run_commit(struct scan_run *run);

#endif
