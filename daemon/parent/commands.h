/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of doublekeyd: what each takes, and what does it. */
#ifndef DK_PARENT_COMMANDS_H
#define DK_PARENT_COMMANDS_H

#include "parent/options.h"

struct command {
	const char *words;    /* "key create" */
	const char *operands; /* "NAME [VERSION]", one for each word of it; "" */
	int min, max;         /* operands */
	const char *needs;    /* options, separated by blanks; "a|b": exactly one of them */
	const char *takes;    /* more of them */
	int (*run)(const struct settings *s, const struct words *w, const struct command *self,
	    char **operand);
	enum ipc_admin_op op; /* of those that the service carries out */
};

/* Ends in a row without words. */
extern const struct command commands[];

#endif
