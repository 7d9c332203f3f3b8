/* SPDX-License-Identifier: Apache-2.0 */
/* Objects and plaintexts in memory, for the programs that test whole objects. */
#ifndef TESTS_UNIT_MEMORY_H
#define TESTS_UNIT_MEMORY_H

#include "doublekey/io.h"

struct memory {
	uint8_t *data;
	size_t len, cap, pos;
};

/* For a struct dk_sink: grows, and ends the program if it can't. */
int memory_write(void *ctx, const void *buf, size_t len);

/* By place, and in order from the start with short reads on purpose. */
struct dk_source memory_source(struct memory *m);
struct dk_source memory_stream(struct memory *m);

#endif
