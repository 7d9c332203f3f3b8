/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/objects/failure.h"

#include <errno.h>
#include <string.h>

#include "cli/console/message.h"

int
failure_why(struct failure *failure, const char *why)
{
	failure->why = why;
	return -1;
}

int
failure_errno(struct failure *failure, const char *why)
{
	failure->error = errno;
	failure->why = why;
	return -1;
}

int
failure_output(struct failure *failure)
{
	failure->of_output = true;
	switch (errno) {
	case EEXIST:
		return failure_why(failure, "the file exists; --force replaces it");
	case ENOTSUP:
		return failure_why(failure, "there is something that is no regular file");
	default:
		return failure_errno(failure, "cannot create the file");
	}
}

void
failure_tell(const char *name, const struct failure *failure)
{
	if (failure->err == DK_ERR_WRITE && failure->error == EPIPE)
		return;
	errno = failure->error;
	if (!failure->why)
		message_err(name, failure->err, &failure->place);
	else if (failure->error != 0)
		message_fail(name, "%s: %s", failure->why, strerror(failure->error));
	else
		message_fail(name, "%s", failure->why);
}
