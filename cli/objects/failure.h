/* SPDX-License-Identifier: Apache-2.0 */
/* Why work on one file failed, kept until it is told in the order of the files. */
#ifndef DK_CLI_FAILURE_H
#define DK_CLI_FAILURE_H

#include <stdbool.h>
#include <stddef.h>

#include "doublekey/error.h"

struct failure {
	dk_err err;      /* DK_OK if only why tells it */
	const char *why; /* static sentence in place of that of err, or NULL */
	int error;       /* errno to add, or 0 */
	bool of_output;  /* the name to tell is that of the output */
	struct dk_place place;
};

static inline bool
failure_is(const struct failure *failure)
{
	return failure->err != DK_OK || failure->why != NULL;
}

/* Record it with the errno of now. All return -1, for `return failure_...`. */
int failure_why(struct failure *failure, const char *why);
int failure_errno(struct failure *failure, const char *why);
/* What temp_begin() and temp_commit() left in errno. */
int failure_output(struct failure *failure);

/* Silent for EPIPE: whoever reads our output has gone, and knows it. */
void failure_tell(const char *name, const struct failure *failure);

#endif
