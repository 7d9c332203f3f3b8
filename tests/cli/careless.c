/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies a file, badly: each way has one fault of the kind that the sweeps over
 * allocations and system calls are there to find.
 *
 * usage: careless WAY IN OUT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BYTES 4096

static const char *way;

static int
is(const char *name)
{
	return strcmp(way, name) == 0;
}

static int
fail(const char *path)
{
	if (!is("says-nothing"))
		(void)dprintf(STDERR_FILENO, "doublekey: %s: %s\n", path, strerror(errno));
	return 1;
}

static int
copy(int in, int out, const char *temp)
{
	char *buf = malloc(BYTES);
	ssize_t n;

	if (is("memory-unchecked"))
		buf[0] = 'x';
	if (!buf && is("memory-ignored"))
		return 0;
	if (!buf)
		return fail("memory");
	while ((n = read(in, buf, BYTES)) > 0) {
		if (write(out, buf, (size_t)n) != n && !is("write-ignored")) {
			free(buf);
			return fail(temp);
		}
	}
	free(buf);
	if (n < 0 && !is("read-ignored"))
		return fail("in");
	if (fsync(out) != 0 && !is("sync-ignored"))
		return fail(temp);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *temp = ".temp";
	int in, out, result;

	if (argc != 4)
		return 2;
	way = argv[1];
	if (is("writes-in-place"))
		temp = argv[3];
	in = open(argv[2], O_RDONLY);
	if (in < 0)
		return fail(argv[2]);
	out = open(temp, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (out < 0)
		return fail(temp);
	result = copy(in, out, temp);
	if (result == 0 && temp != argv[3] && renameat(AT_FDCWD, temp, AT_FDCWD, argv[3]) != 0)
		result = fail(argv[3]);
	if (result != 0 && !is("leaves-temporary") && temp != argv[3])
		(void)unlink(temp);
	return result;
}
