/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of known answers: lines "name: hex", cases parted by an empty line, the
 * first line of a case "case: what". Anything that does not fit ends the test.
 */
#ifndef DK_TESTS_FIXTURE_H
#define DK_TESTS_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define FIXTURE_FIELDS_MAX 12

struct fixture_field {
	char *name;
	uint8_t *data;
	size_t len;
};

struct fixture {
	FILE *file;
	char what[32];
	struct fixture_field fields[FIXTURE_FIELDS_MAX];
	size_t n;
};

/* path is from the root of the source, in the variable DK_SOURCE_ROOT. */
void fixture_open(struct fixture *fx, const char *path);
/* The next case, in place of the one before; false at the end of the file. */
bool fixture_next(struct fixture *fx);
const struct fixture_field *fixture_get(const struct fixture *fx, const char *name);
void fixture_close(struct fixture *fx);

/* Bytes of a hex text of any length; returns their number. */
size_t unhex(const char *hex, uint8_t *out, size_t cap);

#endif
