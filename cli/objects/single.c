/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/objects/single.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/objects/batch.h"
#include "cli/command/command.h"
#include "cli/files/fileio.h"
#include "cli/console/message.h"
#include "cli/files/output.h"

static const char *
base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool
open_input(const struct single *single, struct work_file *file, const char **ret_shown)
{
	if (!single->in || strcmp(single->in, "-") == 0) {
		*ret_shown = "standard input";
		file->in = STDIN_FILENO;
		if (fstat(STDIN_FILENO, &file->st) != 0)
			(void)failure_errno(&file->failure, "cannot be read");
		else if (S_ISDIR(file->st.st_mode))
			(void)failure_why(&file->failure, "is a directory");
	} else {
		*ret_shown = single->in;
		file->name = base_of(single->in);
		file->in = file_open(AT_FDCWD, single->in, &file->st, &file->failure);
	}
	if (!failure_is(&file->failure))
		return true;
	failure_tell(*ret_shown, &file->failure);
	return false;
}

/* What is written to the input would be read again, or replace it. */
static bool
is_input(const struct single *single, const struct work_file *file)
{
	struct stat st;
	bool there = output_is_stdout(single->out) ? fstat(STDOUT_FILENO, &st) == 0
						   : stat(single->out, &st) == 0;

	return there && S_ISREG(st.st_mode) && S_ISREG(file->st.st_mode) &&
	    st.st_dev == file->st.st_dev && st.st_ino == file->st.st_ino;
}

static void
tell(const struct work_file *file, const struct output *output, const char *shown)
{
	failure_tell(file->failure.of_output ? output_name(output) : shown, &file->failure);
	if (!file->failure.of_output && output_is_stream(output) && file->written > 0)
		message_fail(shown,
		    "the %llu bytes that were written before this are not the whole",
		    (unsigned long long)file->written);
}

static int
work(const struct single *single, struct work_file *file, struct output *output, const char *shown)
{
	int result;

	file->out = output_fd(output);
	file->jobs = single->jobs > 0 ? single->jobs : batch_processors();
	progress_start(S_ISREG(file->st.st_mode) ? (uint64_t)file->st.st_size : PROGRESS_UNKNOWN);
	result = single->work(single->ctx, file);
	progress_end();
	if (result != 0) {
		tell(file, output, shown);
		output_abandon(output);
		return STATUS_FAILED;
	}
	if (S_ISREG(file->st.st_mode) && !output_like(output, &file->st)) {
		output_abandon(output);
		return STATUS_FAILED;
	}
	return output_commit(output) ? STATUS_OK : STATUS_FAILED;
}

int
single_run(const struct single *single)
{
	struct output_options options = { .force = single->force };
	struct progress_part progress = { .done = 0 };
	struct work_file file = { .progress = &progress, .in = -1 };
	struct output *output = NULL;
	const char *shown;
	int status = STATUS_FAILED;

	if (!open_input(single, &file, &shown))
		return STATUS_FAILED;
	if (is_input(single, &file))
		message_fail(shown, "input and output are the same file");
	else if (output_open(single->out, &options, &output))
		status = work(single, &file, output, shown);
	if (file.in != STDIN_FILENO)
		(void)close(file.in);
	return status;
}
