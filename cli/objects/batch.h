/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same work on many files, each of which gives one file beside it.
 *
 * Files are collected into rounds. In a round, several threads write one
 * temporary file each; then one sync of each file system makes all of them
 * last; then they get their names, and the directories are synced. So a name
 * never shows up before its content is safe, and a thousand small files wait for
 * the disk once. Large files are done one after the other, each with all threads.
 *
 * One file that fails does not stop the others.
 */
#ifndef DK_CLI_BATCH_H
#define DK_CLI_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "cli/objects/failure.h"
#include "cli/files/temp.h"
#include "cli/objects/work.h"

#define BATCH_JOBS_MAX 256

struct batch_dir;
struct dk_key_batch; /* format/key_batch.h */
struct dk_source;

struct batch_item {
	struct batch_dir *dir;
	int dir_fd; /* of dir */
	char *name; /* of the input, in dir */
	char *out_name;
	char *shown; /* the input's path as the user knows it */
	struct temp out;
	int held;   /* the input, open until the round ends, or -1 */
	bool large; /* left for all threads at once */
	struct failure failure;
	const char *note;
};

struct batch_task {
	work_fn work;
	/*
	 * Name of the output for an input's name, allocated; NULL: there is none, with
	 * errno 0, or no memory for it.
	 * listed: the name was found in a directory, not given by the user; without
	 * an output name it is left out, and no failure.
	 */
	char *(*out_name)(void *ctx, const char *name, bool listed);
	/*
	 * Shares of the files of a round, which are asked for at once before the work
	 * begins, or NULL: work asks. ahead adds what work will need of one file, whose
	 * number in the round is index; it may be called by several threads at once.
	 */
	struct dk_key_batch *shares;
	void (*ahead)(
	    void *ctx, const struct dk_source *in, struct dk_key_batch *shares, size_t index);
	const char *why_no_name; /* told where a given name has no output name */
	void *ctx;
	bool replace;
	/* Keep the input open, and locked if work locked it, until the output has
	 * its name; fails if the name stands for another file by then. */
	bool hold;
	bool like; /* the output gets mode and times of the input */
	bool recursive;
	bool waits;    /* each file waits for another system: more of them at a time */
	unsigned jobs; /* 0: one for each processor */
};

/* Returns the exit status. */
int batch_run(const struct batch_task *task, char *const *paths, size_t count);

/* Processors that this process may run on, at least 1. */
unsigned batch_processors(void);

#endif
