/* SPDX-License-Identifier: Apache-2.0 */
/* One line from the terminal of the user, without echo. */
#ifndef DK_CLI_TERMINAL_H
#define DK_CLI_TERMINAL_H

#include "cli/console/secret_line.h"

enum terminal_result {
	TERMINAL_OK,
	TERMINAL_NONE,     /* the process has no terminal */
	TERMINAL_END,      /* end of input before a line end */
	TERMINAL_TOO_LONG, /* more than DK_PASSPHRASE_MAX_BYTES */
};

/*
 * Write question to /dev/tty and read the answer. The terminal is as before when
 * this returns, and before a signal that ends or stops the process acts.
 */
enum terminal_result terminal_ask(const char *question, struct secret_line *ret_line);

#endif
