/* SPDX-License-Identifier: Apache-2.0 */
/* One vector file as spec/vectors/README.md describes it. */
#ifndef TESTS_VECTORS_VECTOR_H
#define TESTS_VECTORS_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VECTOR_KEYS_MAX 8
#define VECTOR_LINE_MAX 241

struct vector {
	uint8_t *file;
	uint8_t *object; /* in file */
	size_t object_len;
	bool success;
	char category[32], error[32];
	char where[48];
	char released[65];
	unsigned long long released_len;
	char customer[VECTOR_KEYS_MAX][40], provider[VECTOR_KEYS_MAX][40];
	size_t customers, providers;
	uint32_t min_epoch_customer, min_epoch_provider;
	char creator[40];
	bool has_range;
	unsigned long long range_offset, range_len;
	char tenant[256], label[256], file_name[256], media_type[128];
	char unknown[VECTOR_LINE_MAX]; /* a header key that is not known, or empty */
};

/* Prints why and returns false if the file is no vector. */
bool vector_read(const char *path, struct vector *ret);
/* The next word of a line and the space behind it; false if it does not fit. */
bool vector_word(const char **at, char *to, size_t room);
void vector_clear(struct vector *v);

#endif
