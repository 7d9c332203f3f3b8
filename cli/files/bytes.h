/* SPDX-License-Identifier: Apache-2.0 */
/* Small files as a whole. */
#ifndef DK_CLI_BYTES_H
#define DK_CLI_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file of 1 to max bytes; ret_data: free(). False: told already. */
bool bytes_read(const char *path, size_t max, uint8_t **ret_data, size_t *ret_len);

/* A new file, or an existing one if force. False: told already. */
bool bytes_write(const char *path, bool force, const void *data, size_t len);

#endif
