/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output files that are there completely or not at all.
 *
 * The bytes go to a temporary file in the directory of the final name, without
 * a name where the file system can (O_TMPFILE): then nothing is left even when
 * the process is killed. Elsewhere the temporary has a name that starts with
 * TEMP_PREFIX, and a signal that ends the process removes it.
 *
 *   temp_begin -> write to fd -> temp_like -> temp_sync -> temp_commit
 *        \________________ temp_abort at any point ________________/
 *
 * All functions return 0, or -1 with errno set.
 */
#ifndef DK_CLI_TEMP_H
#define DK_CLI_TEMP_H

#include <stdbool.h>
#include <sys/stat.h>

#define TEMP_PREFIX ".doublekey-"

struct temp {
	int fd; /* -1: nothing is open */
	int dir;
	const char *name;
	bool replace;
	bool named;
	bool kept;  /* what was replaced has the temporary name now */
	bool fresh; /* there was nothing to replace */
	int slot;   /* of the temporary name, or -1 */
	dev_t device;
	gid_t group; /* that new files get there */
};

/* Remove temporary files when SIGINT, SIGTERM, SIGHUP or SIGQUIT end the process, and
 * make SIGPIPE and SIGXFSZ errors of write(2). */
void temp_catch_signals(void);

/*
 * EEXIST: name is there already and replace is false. ENOTSUP: it is there and is
 * no regular file. dir and name are borrowed until commit or abort.
 */
int temp_begin(struct temp *out, int dir, const char *name, bool replace);

/*
 * Give the file mode and times of in. Bits of set-user-ID and the like are left
 * out, and if the group is another one, it gets no more than everybody.
 */
int temp_like(const struct temp *out, const struct stat *in);
int temp_sync(const struct temp *out);
/* Whatever the result, the output is closed; on failure nothing is left. */
int temp_commit(struct temp *out);
/*
 * For files that belong together: temp_commit(), after which one of the two is called.
 * Until then a file that was replaced is there under the temporary name, which a signal
 * does not remove. Where the file system cannot exchange two names, it is gone.
 */
int temp_commit_keeping(struct temp *out);
void temp_drop_old(struct temp *out);
/* What was there before, also if that was nothing. -1: it is gone, and the new one stays. */
int temp_put_back(struct temp *out);
/* Legal at any time, also twice. Keeps errno. */
void temp_abort(struct temp *out);

/* The directory itself, so that new names in it last. */
int temp_sync_dir(int dir);

#endif
