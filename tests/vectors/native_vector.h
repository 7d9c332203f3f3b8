/* SPDX-License-Identifier: Apache-2.0 */
/* A vector of spec/vectors/native: lines and parts. What a file must have and has not
 * ends the program. */
#ifndef TESTS_VECTORS_NATIVE_VECTOR_H
#define TESTS_VECTORS_NATIVE_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/hash.h"

#define LINE_BYTES 242 /* with LF and NUL */
#define LINES_MAX 16
#define PARTS_MAX 4
#define DATA_MAX_BYTES (256u * 1024)

struct part {
	char name[32];
	const uint8_t *data;
	size_t len;
};

struct vector {
	const char *path;
	char name[LINES_MAX][32], value[LINES_MAX][LINE_BYTES];
	unsigned lines;
	struct part part[PARTS_MAX];
	unsigned parts;
	bool differs; /* something that was found is not what a line says */
	uint8_t data[DATA_MAX_BYTES + 1];
};

/* Prints what is wrong and returns false. path must outlive v. */
bool native_vector_read(const char *path, struct vector *v);

const char *need(const struct vector *v, const char *name);
void need_hex(const struct vector *v, const char *name, uint8_t *out, size_t len);
struct dk_part part(const struct vector *v, const char *name);

/* What was found, if the vector has a line about it; a difference is noted in v. */
void found(struct vector *v, const char *name, const char *got);
void found_hex(struct vector *v, const char *name, const uint8_t *bytes, size_t len);
void found_number(struct vector *v, const char *name, uint64_t number);

#endif
