/* SPDX-License-Identifier: Apache-2.0 */
/* A passphrase in memory that is not swapped out, and is wiped at the end. */
#ifndef DK_CLI_SECRET_LINE_H
#define DK_CLI_SECRET_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <doublekey/key.h>

struct secret_line {
	uint8_t bytes[DK_PASSPHRASE_MAX_BYTES];
	size_t len;
};

/* NULL: out of memory, told already. Locking may fail where the limit for
 * locked memory is 0; the passphrase is then in ordinary memory. */
struct secret_line *secret_line_new(void);
void secret_line_free(struct secret_line *line);
void secret_line_cleanup(struct secret_line **line);
#define auto_secret_line __attribute__((cleanup(secret_line_cleanup))) struct secret_line

#endif
