/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/objects/batch_round.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/objects/batch_dir.h"
#include "cli/files/fileio.h"
#include "format/key_batch.h"
#include "cli/console/message.h"

/* From here on a file keeps all threads busy by itself. */
#define LARGE_BYTES (4 << 20)
/* Up to here, as many fsync calls are cheaper than one of a whole file system. */
#define SINGLE_SYNCS 4
/* Files that wait for another system, unless --jobs says otherwise. */
#define WAITING_THREADS 32
/* Descriptors besides those of items and their directories: standard ones, the
 * levels of a walk, an input for each thread, what libraries open. */
#define OTHER_DESCRIPTORS (64 + 256 + BATCH_JOBS_MAX)
#define WANTED_DESCRIPTORS (OTHER_DESCRIPTORS + 3 * BATCH_ROUND_ITEMS)

void
batch_round_init(struct batch_round *round, const struct batch_task *task)
{
	struct rlimit limit = { 1024, 1024 };
	rlim_t now;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	now = limit.rlim_cur;
	if (now < WANTED_DESCRIPTORS) {
		limit.rlim_cur =
		    limit.rlim_max < WANTED_DESCRIPTORS ? limit.rlim_max : WANTED_DESCRIPTORS;
		if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
			now = limit.rlim_cur;
	}
	round->task = task;
	round->jobs = task->jobs > 0 ? task->jobs : batch_processors();
	if (round->jobs > BATCH_JOBS_MAX)
		round->jobs = BATCH_JOBS_MAX;
	round->threads = task->waits && task->jobs == 0 && round->jobs < WAITING_THREADS
	    ? WAITING_THREADS
	    : round->jobs;
	round->most = now > OTHER_DESCRIPTORS + 1 ? (size_t)(now - OTHER_DESCRIPTORS) : 1;
	round->count = 0;
}

bool
batch_round_is_full(const struct batch_round *round)
{
	return round->count == BATCH_ROUND_ITEMS || round->count + batch_dir_count() >= round->most;
}

/* Whoever held the lock before us may have put another file in its place. */
static int
check_same(struct batch_item *item, const struct work_file *file)
{
	struct stat st;

	if (fstatat(item->dir_fd, item->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return failure_errno(&item->failure, "cannot open the file");
	if (st.st_dev != file->st.st_dev || st.st_ino != file->st.st_ino)
		return failure_why(&item->failure, "was replaced meanwhile");
	return 0;
}

static int
produce(const struct batch_task *task, struct batch_item *item, struct work_file *file)
{
	if (task->work(task->ctx, file) != 0) {
		item->failure = file->failure;
		return -1;
	}
	if (file->unchanged)
		return -1; /* and no failure */
	item->note = file->note;
	item->failure.of_output = true;
	if (task->like && temp_like(&item->out, &file->st) != 0)
		return failure_errno(&item->failure, "cannot set mode and times");
	item->failure.of_output = false;
	return task->hold ? check_same(item, file) : 0;
}

/* alone: no other item is worked on meanwhile. */
static void
do_item(const struct batch_round *round, struct batch_item *item, bool alone)
{
	const struct batch_task *task = round->task;
	struct progress_part progress = { .done = 0 };
	struct work_file file = { .name = item->name, .progress = &progress };

	file.in = file_open(item->dir_fd, item->name, &file.st, &item->failure);
	if (file.in < 0)
		return;
	item->large = !alone && file.st.st_size >= LARGE_BYTES;
	if (item->large)
		goto out;
	if (temp_begin(&item->out, item->dir_fd, item->out_name, task->replace) != 0) {
		(void)failure_output(&item->failure);
		goto out;
	}
	file.out = item->out.fd;
	file.jobs = alone ? round->jobs : 1;
	if (produce(task, item, &file) != 0) {
		temp_abort(&item->out);
	} else if (task->hold) {
		item->held = file.in;
		return;
	}
out:
	(void)close(file.in);
}

/* Work on what look_ahead() was for. */
static void
do_one(struct batch_round *round, size_t i)
{
	do_item(round, &round->item[i], false);
	if (round->task->shares && !round->item[i].large)
		dk_key_batch_drop(round->task->shares, i);
}

/* Nothing is asked for that will not be written; what fails here does so again, and is
 * told then. */
static void
look_ahead(struct batch_round *round, size_t i)
{
	const struct batch_task *task = round->task;
	const struct batch_item *item = &round->item[i];
	struct failure failure = { .why = NULL };
	struct file_source in;
	struct stat st;
	int fd;

	if (!task->replace && fstatat(item->dir_fd, item->out_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return;
	fd = file_open(item->dir_fd, item->name, &st, &failure);
	if (fd < 0)
		return;
	file_source_init(&in, fd, &st);
	if (in.regular)
		task->ahead(task->ctx, &in.source, task->shares, i);
	(void)close(fd);
}

struct pool {
	struct batch_round *round;
	void (*each)(struct batch_round *round, size_t i);
	atomic_size_t next;
};

static void *
worker(void *arg)
{
	struct pool *pool = arg;
	size_t i;

	while ((i = atomic_fetch_add(&pool->next, 1)) < pool->round->count)
		pool->each(pool->round, i);
	return NULL;
}

/* Without enough threads, those that are there do it all. */
static void
do_all(struct batch_round *round, void (*each)(struct batch_round *round, size_t i))
{
	struct pool pool = { .round = round, .each = each };
	pthread_t thread[BATCH_JOBS_MAX];
	unsigned wanted = round->count < round->threads ? (unsigned)round->count : round->threads;
	unsigned started = 0;

	atomic_init(&pool.next, 0);
	while (started + 1 < wanted && pthread_create(&thread[started], NULL, worker, &pool) == 0)
		started++;
	(void)worker(&pool);
	for (unsigned i = 0; i < started; i++)
		(void)pthread_join(thread[i], NULL);
}

static void
do_large(struct batch_round *round)
{
	for (size_t i = 0; i < round->count; i++) {
		if (!round->item[i].large)
			continue;
		do_item(round, &round->item[i], true);
		if (round->task->shares)
			dk_key_batch_drop(round->task->shares, i);
	}
}

static void
do_several(struct batch_round *round)
{
	if (round->task->shares) {
		do_all(round, look_ahead);
		dk_key_batch_ask(round->task->shares);
	}
	do_all(round, do_one);
	do_large(round);
}

static void
fail_output(struct batch_item *item, const char *why)
{
	item->failure.of_output = true;
	(void)failure_errno(&item->failure, why);
	temp_abort(&item->out);
}

/* Whether this item is the first of its file system in the round. */
static bool
starts_device(const struct batch_round *round, size_t index, size_t *ret_count)
{
	const struct batch_item *item = &round->item[index];
	size_t count = 0;

	for (size_t i = 0; i < round->count; i++) {
		if (round->item[i].out.fd < 0 || round->item[i].out.device != item->out.device)
			continue;
		if (i < index)
			return false;
		count++;
	}
	*ret_count = count;
	return true;
}

static void
sync_device(struct batch_round *round, size_t first, size_t count)
{
	dev_t device = round->item[first].out.device;
	bool whole = count > SINGLE_SYNCS;
	int result = whole ? syncfs(round->item[first].out.fd) : 0;
	int kept = errno;

	for (size_t i = first; i < round->count; i++) {
		struct batch_item *item = &round->item[i];

		if (item->out.fd < 0 || item->out.device != device)
			continue;
		if (!whole) {
			result = temp_sync(&item->out);
			kept = errno;
		}
		errno = kept;
		if (result != 0)
			fail_output(item, "cannot write the file to disk");
	}
}

static void
sync_all(struct batch_round *round)
{
	size_t count;

	for (size_t i = 0; i < round->count; i++) {
		/* The rows are short where there is one file system: the first item
		 * ends each search but its own. */
		if (round->item[i].out.fd >= 0 && starts_device(round, i, &count))
			sync_device(round, i, count);
	}
}

static void
commit_all(struct batch_round *round)
{
	for (size_t i = 0; i < round->count; i++) {
		struct batch_item *item = &round->item[i];

		if (item->out.fd < 0)
			continue;
		if (temp_commit(&item->out) != 0)
			(void)failure_output(&item->failure);
		else
			item->dir->touched = true;
	}
}

static void
sync_dirs(struct batch_round *round)
{
	for (size_t i = 0; i < round->count; i++) {
		struct batch_item *item = &round->item[i];

		if (!item->dir->touched)
			continue;
		item->dir->touched = false;
		if (temp_sync_dir(item->dir_fd) != 0)
			(void)failure_errno(
			    &item->failure, "cannot write the directory of the file to disk");
	}
}

static void
tell(const struct batch_item *item)
{
	char *shown = NULL;

	if (item->failure.of_output)
		shown = batch_dir_join(item->dir, item->out_name);
	if (failure_is(&item->failure))
		failure_tell(shown ? shown : item->shown, &item->failure);
	else if (item->note)
		message_warn(item->shown, "%s", item->note);
	free(shown);
}

void
batch_item_clear(struct batch_item *item)
{
	if (item->held >= 0)
		(void)close(item->held);
	free(item->name);
	free(item->out_name);
	free(item->shown);
	batch_dir_unref(item->dir);
}

size_t
batch_round_finish(struct batch_round *round)
{
	size_t failures = 0;

	if (round->count == 1)
		do_item(round, &round->item[0], true);
	else
		do_several(round);
	sync_all(round);
	commit_all(round);
	sync_dirs(round);
	for (size_t i = 0; i < round->count; i++) {
		struct batch_item *item = &round->item[i];

		tell(item);
		failures += failure_is(&item->failure);
		batch_item_clear(item);
	}
	round->count = 0;
	return failures;
}
