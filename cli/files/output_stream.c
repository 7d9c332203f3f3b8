/* SPDX-License-Identifier: Apache-2.0 */
/* Output that is written by stdio. */
#include <fcntl.h>
#include <unistd.h>

#include "cli/console/message.h"
#include "cli/files/output.h"

FILE *
output_stream_open(const char *path, bool force, struct output **ret_output)
{
	const struct output_options options = { .force = force, .mode = 0600 };
	FILE *f;
	int fd;

	if (!output_open(path, &options, ret_output))
		return NULL;
	fd = fcntl(output_fd(*ret_output), F_DUPFD_CLOEXEC, 0);
	f = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!f) {
		message_err(path, DK_ERR_WRITE, NULL);
		if (fd >= 0)
			(void)close(fd);
	}
	return f;
}

bool
output_stream_close(FILE **f, const struct output *output)
{
	bool ok = ferror(*f) == 0;

	ok &= fclose(*f) == 0;
	*f = NULL;
	if (!ok)
		message_err(output_name(output), DK_ERR_WRITE, NULL);
	return ok;
}
