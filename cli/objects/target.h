/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the output of encrypt and decrypt goes, by the operands and -o:
 *
 *   -o OUT                     OUT ("-": standard output); takes one IN
 *   no IN, or IN is "-"        standard output
 *   several IN, or -r          beside each IN
 *   one IN, with a profile, or
 *   standard output a terminal beside IN
 *   one IN otherwise           standard output
 */
#ifndef DK_CLI_TARGET_H
#define DK_CLI_TARGET_H

#include <stdbool.h>

#include "cli/objects/work.h"

struct dk_key_batch;
struct dk_source;

struct target {
	const char *command;
	const char *out; /* -o */
	bool force;
	bool recursive;
	bool waits; /* as in struct batch_task */
	unsigned jobs;
	bool binary; /* refuse a terminal as output unless -o - asks for it */
	bool never_beside;
	work_fn work;
	void *ctx;
	char *(*out_name)(void *ctx, const char *name, bool listed);
	const char *why_no_name;
	/* As in struct batch_task. */
	struct dk_key_batch *shares;
	void (*ahead)(
	    void *ctx, const struct dk_source *in, struct dk_key_batch *shares, size_t index);
};

/* Rows of an option table, and their letters. */
/* clang-format off */
#define TARGET_LETTERS "o:frj:"
#define TARGET_OPTIONS \
	{ "output", required_argument, NULL, 'o' }, \
	{ "force", no_argument, NULL, 'f' }, \
	{ "recursive", no_argument, NULL, 'r' }, \
	{ "jobs", required_argument, NULL, 'j' }
/* clang-format on */

/* Take one of these options, whose argument is in optarg. The exit status, or -1
 * if it is another option. */
int target_take(struct target *target, int code);

/* Whether operands and options go together: STATUS_OK, or told already. */
int target_check(const struct target *target, char **paths, int count);
/* Do the work on all operands, which were checked. Returns the exit status. */
int target_run(const struct target *target, char **paths, int count);

#endif
