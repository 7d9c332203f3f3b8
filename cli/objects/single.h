/* SPDX-License-Identifier: Apache-2.0 */
/* One input to one output, either of which may be a stream. */
#ifndef DK_CLI_SINGLE_H
#define DK_CLI_SINGLE_H

#include <stdbool.h>

#include "cli/objects/work.h"

struct single {
	const char *in;  /* "-" or NULL: standard input */
	const char *out; /* "-" or NULL: standard output */
	bool force;
	unsigned jobs;
	work_fn work;
	void *ctx;
};

/*
 * Do the work. A regular input's mode and times go to a regular output, and an
 * output that is the input is refused. Returns the exit status.
 */
int single_run(const struct single *single);

#endif
