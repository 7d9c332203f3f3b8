/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/objects/target.h"

#include <string.h>
#include <unistd.h>

#include "cli/objects/batch.h"
#include "cli/command/command.h"
#include "cli/command/frame.h"
#include "cli/console/message.h"
#include "cli/console/options.h"
#include "cli/files/output.h"
#include "cli/objects/single.h"

int
target_take(struct target *target, int code)
{
	uint64_t jobs;

	switch (code) {
	case 'o':
		target->out = optarg;
		return STATUS_OK;
	case 'f':
		target->force = true;
		return STATUS_OK;
	case 'r':
		target->recursive = true;
		return STATUS_OK;
	case 'j':
		if (!options_number(optarg, 1, BATCH_JOBS_MAX, &jobs))
			return usage_error(
			    target->command, "--jobs is a number from 1 to %d", BATCH_JOBS_MAX);
		target->jobs = (unsigned)jobs;
		return STATUS_OK;
	default:
		return -1;
	}
}

static bool
is_dash(const char *path)
{
	return strcmp(path, "-") == 0;
}

static bool
is_beside(const struct target *target, char **paths, int count)
{
	if (target->out || target->never_beside || count == 0)
		return false;
	if (count > 1 || target->recursive)
		return true;
	return !is_dash(paths[0]) && (frame_profile() || isatty(STDOUT_FILENO) == 1);
}

static int
run_beside(const struct target *target, char **paths, int count)
{
	struct batch_task task = {
		.work = target->work,
		.out_name = target->out_name,
		.why_no_name = target->why_no_name,
		.shares = target->shares,
		.ahead = target->ahead,
		.ctx = target->ctx,
		.replace = target->force,
		.like = true,
		.recursive = target->recursive,
		.waits = target->waits,
		.jobs = target->jobs,
	};

	return batch_run(&task, paths, (size_t)count);
}

int
target_check(const struct target *target, char **paths, int count)
{
	if (target->recursive && (target->out || count == 0))
		return usage_error(target->command, "-r needs IN, and goes without -o");
	if (is_beside(target, paths, count)) {
		for (int i = 0; i < count; i++) {
			if (is_dash(paths[i]))
				return usage_error(target->command, "'-' stands alone");
		}
		return STATUS_OK;
	}
	if (count > 1)
		return usage_error(
		    target->command, "%s takes one IN", target->never_beside ? "a range" : "-o");
	if (target->binary && !target->out && isatty(STDOUT_FILENO) == 1)
		return usage_error(target->command,
		    "will not write an object to a terminal; -o names a file, -o - insists");
	return STATUS_OK;
}

int
target_run(const struct target *target, char **paths, int count)
{
	struct single single = {
		.in = count > 0 ? paths[0] : NULL,
		.out = target->out,
		.force = target->force,
		.jobs = target->jobs,
		.work = target->work,
		.ctx = target->ctx,
	};

	if (is_beside(target, paths, count))
		return run_beside(target, paths, count);
	return single_run(&single);
}
