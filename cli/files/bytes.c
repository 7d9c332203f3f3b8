/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/files/bytes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/console/message.h"
#include "cli/files/output.h"

static ssize_t
read_all(int fd, uint8_t *data, size_t cap)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, data + len, cap - len)) > 0)
		len += (size_t)n;
	return n < 0 ? -1 : (ssize_t)len;
}

bool
bytes_read(const char *path, size_t max, uint8_t **ret_data, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	uint8_t *data = fd >= 0 ? malloc(max + 1) : NULL;
	ssize_t n = data ? read_all(fd, data, max + 1) : -1;

	if (n < 0)
		message_err(path, DK_ERR_READ, NULL);
	else if (n == 0 || (size_t)n > max)
		message_fail(path, n == 0 ? "is empty" : "is too large");
	if (fd >= 0)
		(void)close(fd);
	if (n <= 0 || (size_t)n > max) {
		free(data);
		return false;
	}
	*ret_data = data;
	*ret_len = (size_t)n;
	return true;
}

bool
bytes_write(const char *path, bool force, const void *data, size_t len)
{
	const struct output_options options = { .force = force };
	struct output *output;

	if (!output_open(path, &options, &output))
		return false;
	if (!output_write(output, data, len)) {
		output_abandon(output);
		return false;
	}
	return output_commit(output);
}
