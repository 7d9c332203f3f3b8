/* SPDX-License-Identifier: Apache-2.0 */
/* One round of a batch: files that wait for the disk together. */
#ifndef DK_CLI_BATCH_ROUND_H
#define DK_CLI_BATCH_ROUND_H

#include "cli/objects/batch.h"

/* As many as a key service is asked for at once. */
#define BATCH_ROUND_ITEMS 1000

struct batch_round {
	const struct batch_task *task;
	unsigned jobs;
	unsigned threads; /* for small files */
	size_t most;      /* items, and directories held open for them */
	size_t count;
	struct batch_item item[BATCH_ROUND_ITEMS];
};

/* Raises the limit of open files where it is lower than a round wants. */
void batch_round_init(struct batch_round *round, const struct batch_task *task);
bool batch_round_is_full(const struct batch_round *round);
/* Work on all items, tell what failed, and empty the round. The number of failures. */
size_t batch_round_finish(struct batch_round *round);
void batch_item_clear(struct batch_item *item);

#endif
