/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The progress line on standard error: only on a terminal, only for work that
 * lasts, never with --quiet. One for the whole command; work on several files
 * at once adds to it through one struct progress_part each.
 */
#ifndef DK_CLI_PROGRESS_H
#define DK_CLI_PROGRESS_H

#include <stdint.h>

#define PROGRESS_UNKNOWN UINT64_MAX

/* total in bytes, or PROGRESS_UNKNOWN. */
void progress_start(uint64_t total);
/* Of things instead of bytes, whose number is not known. unit: static, plural. */
void progress_start_count(const char *unit);
/* Take the line away. */
void progress_end(void);

/* What one object has told so far. NULL is allowed in place of one. */
struct progress_part {
	uint64_t done;
};

void progress_part_add(struct progress_part *part, uint64_t bytes);
/* A dk_progress_fn; ctx is a struct progress_part. Never cancels. */
int progress_part_at(void *ctx, uint64_t done);

#endif
