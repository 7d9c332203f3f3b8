/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The output of one command, with messages: a file that appears complete or not
 * at all (temp.h), or a stream.
 *
 * The final name "-", or NULL, is standard output. It, pipes and character
 * devices such as /dev/null are written to as they are: what is written there
 * is gone, and commit has nothing left to do.
 */
#ifndef DK_CLI_OUTPUT_H
#define DK_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>

struct output;

struct output_options {
	bool force; /* replace an existing regular file */
	/* Of the new file, less what the umask takes away; 0: 0666. Until commit
	 * only the owner has access. */
	mode_t mode;
	/* Do not wait for the disk: a caller that makes many files calls
	 * output_sync() once behind the last one. */
	bool defer_sync;
};

/* Once, before there are threads: learns the umask, and installs the handlers of
 * temp.h. */
void output_init(void);

bool output_is_stdout(const char *path);

/*
 * Begin. Refuses an existing file without force, and in any case directories,
 * symbolic links to files, sockets and block devices. False: told already.
 */
bool output_open(
    const char *path, const struct output_options *options, struct output **ret_output);

int output_fd(const struct output *output);
/* Whether bytes are out as soon as they are written (standard output, pipes). */
bool output_is_stream(const struct output *output);
/* As it was given, or "standard output"; for messages. */
const char *output_name(const struct output *output);

/*
 * The same for a file in which names of people stand, so that only its owner reads it, as a
 * stream. NULL: told already; also if there is one, ret_output needs output_abandon() then.
 */
FILE *output_stream_open(const char *path, bool force, struct output **ret_output);
/* Before commit; sets f to NULL in any case. False: told already. */
bool output_stream_close(FILE **f, const struct output *output);

/* Write all; false: told already. For output that is written in one piece. */
bool output_write(struct output *output, const void *data, size_t len);

/* Give the new file the permissions and times of in (see temp_like()). Call it
 * behind the last write; streams are left alone. False: told already. */
bool output_like(struct output *output, const struct stat *in);

/* Finish; frees output in any case. False: told already. */
bool output_commit(struct output *output);

/*
 * Finish files that belong together, in this order; frees them and sets them to NULL
 * in any case. If one cannot get its name, those before it lose theirs, unless force
 * let them replace a file. False: told already.
 */
bool output_commit_all(struct output **outputs, size_t count);

/* Drop what was written; NULL is allowed. */
void output_abandon(struct output *output);

/* Wait until everything in the file system of path is on disk. False: told. */
bool output_sync(const char *path);

#endif
