/* SPDX-License-Identifier: Apache-2.0 */
/* The options of all commands; commands.h says which of them a command takes. */
#ifndef DK_PARENT_OPTIONS_H
#define DK_PARENT_OPTIONS_H

#include "parent/log.h"
#include "parent/parent.h"

#define OPTIONS_GIVEN_MAX 64

/* Of one command; NULL: not given. */
struct words {
	struct policy_case policy;
	struct log_wanted log;
	const char *user;
	const char *type;
	const char *reason;
	const char *recovery;
	const char *hsm;
	const char *dke_name, *dke_id;
	bool untested_size, decrypt_only, require_confirmation;
	const char *require_approvals; /* a number */
	const char *to, *from; /* of a migration */
	unsigned given_count;
	const char *given[OPTIONS_GIVEN_MAX]; /* names of the options that stood there */
};

#define OPTIONS_WRONG (-1)
#define OPTIONS_HELP (-2)

/* The index of the first argument that is no option, or one of the two; what is wrong
 * was told. The strings stay those of argv. */
int options_take(int argc, char **argv, struct settings *settings, struct words *words);

#endif
