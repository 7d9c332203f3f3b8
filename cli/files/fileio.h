/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library's sources and sinks over file descriptors.
 *
 * A regular file is read by offset, so that several threads can; anything else
 * is read as a stream, through a pipe buffer as large as the kernel allows.
 */
#ifndef DK_CLI_FILEIO_H
#define DK_CLI_FILEIO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "doublekey/io.h"
#include "cli/objects/failure.h"

struct file_source {
	struct dk_source source; /* hand this to the library */
	int fd;
	uint64_t base; /* offset of the descriptor when it was given */
	bool regular;
	atomic_int error; /* errno of the first failed read */
};

/* fd and the source are the caller's; the source must not move. */
void file_source_init(struct file_source *in, int fd, const struct stat *st);

struct file_sink {
	struct dk_sink sink;
	int fd;
	int error; /* errno of the failed write */
	uint64_t written;
};

void file_sink_init(struct file_sink *out, int fd);

/*
 * Open a regular file for reading. A symbolic link as last part of the name, a
 * directory and a special file are refused and recorded in failure. Returns the
 * descriptor or -1.
 */
int file_open(int dir, const char *name, struct stat *ret_st, struct failure *failure);

/*
 * Complete the failure of a library call that used in and out: whose it is, and
 * with which errno.
 */
void file_explain(
    struct failure *failure, const struct file_source *in, const struct file_sink *out);

/* Whether the file still has the length that it had when it was opened. */
int file_check_length(int fd, const struct stat *st, struct failure *failure);

/* All of data at the descriptor's position. -1 with errno set. */
int file_write_all(int fd, const void *data, size_t len);

#endif
