/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every harness has in common. A harness is one file with the entry point
 * of libFuzzer and no main: libFuzzer brings one, and replay.c another one, with
 * which the fast tests run the corpus without clang.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A property that must hold whatever the input is; also in builds without assert(). */
#define FUZZ_CHECK(what)                                                          \
	do {                                                                      \
		if (!(what)) {                                                    \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
			abort();                                                  \
		}                                                                 \
	} while (0)

/*
 * The input in an allocation of exactly its length, so that a read behind its
 * end is a read behind an allocation, wherever the fuzzer keeps its own copy.
 */
static inline uint8_t *
fuzz_exact(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	FUZZ_CHECK(copy != NULL);
	for (size_t i = 0; i < len; i++)
		copy[i] = data[i];
	return copy;
}

/* What one of several inputs is, by its first byte; the rest is the input. */
typedef void (*fuzz_way)(const uint8_t *data, size_t len);

static inline void
fuzz_one_of(const fuzz_way *ways, size_t n, const uint8_t *data, size_t len)
{
	uint8_t *exact;

	if (len < 1)
		return;
	exact = fuzz_exact(data + 1, len - 1);
	ways[data[0] % n](exact, len - 1);
	free(exact);
}

#endif
