/* SPDX-License-Identifier: Apache-2.0 */
/* What a command does to one opened file, whether it is one of many or not. */
#ifndef DK_CLI_WORK_H
#define DK_CLI_WORK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "cli/objects/failure.h"
#include "cli/console/progress.h"

struct work_file {
	const char *name; /* of the input without its directory; NULL: standard input */
	int in;
	struct stat st; /* of in */
	int out;
	unsigned jobs;
	struct progress_part *progress;
	uint64_t written;       /* bytes that went to out */
	struct failure failure; /* filled by a work_fn that returns -1 */
	const char *note;       /* static: tell it though nothing failed; or NULL */
	bool unchanged;         /* nothing had to be done, and there is no output */
};

/* Returns 0 or -1. May be called by several threads at once. */
typedef int (*work_fn)(void *ctx, struct work_file *file);

#endif
