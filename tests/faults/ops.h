/* SPDX-License-Identifier: Apache-2.0 */
/* What the library does, as operations that can be repeated under faults. */
#ifndef TESTS_FAULTS_OPS_H
#define TESTS_FAULTS_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doublekey/doublekey.h"

/* Customer keys of each type, then provider keys of each, then the creator's. */
enum { CUSTOMER, PROVIDER = 3, CREATOR = 6, KEYS };
enum { T_P256, T_P384, T_RSA };

#define PLAIN_BYTES 9000      /* three segments of 4 KiB */
#define LARGE_BYTES (3 << 20) /* several batches, so that threads start */
#define SHARES 3

struct text {
	uint8_t bytes[DK_KEY_FILE_MAX_BYTES];
	size_t len;
};

/* Made once, and the same in all processes. */
struct world {
	struct text private[KEYS], public[KEYS], sealed;
	char share[SHARES][DK_KEY_FILE_MAX_BYTES];
	size_t share_len[SHARES];
	uint8_t *plain;          /* LARGE_BYTES */
	uint8_t *object, *large; /* of PLAIN_BYTES and LARGE_BYTES of it */
	size_t object_len, large_len;
	/* Opened in the process that works. */
	struct dk_key *key[KEYS];
	struct dk_key *pub[KEYS];
};

struct world *world_new(void);
/* False, and a message, if it cannot be made. */
bool world_make(struct world *world);
/* Open the keys in this process. */
bool world_open(struct world *world);

/* What a call left behind; pointers are UNTOUCHED until it sets them. */
struct outcome {
	dk_err err;
	struct dk_key *key;
	struct dk_object_info *info;
	uint8_t *data;
	size_t len;  /* of data, or of what was written to the sink */
	uint64_t at; /* a number that came out */
};

struct op {
	const char *name;
	void (*run)(const struct world *world, int arg, struct outcome *outcome);
	/* Without faults again: NULL, or what is wrong with the outcome. Frees it. */
	const char *(*judge)(const struct world *world, int arg, struct outcome *outcome);
	int arg;
	bool cold;           /* in a process that has done nothing yet, without open keys */
	bool sample;         /* too slow, or too random, to fail each allocation */
	bool twin;           /* goes the paths of another one: not in the fast test */
	const char *finding; /* of a negative control: what has to be found */
};

extern const struct op ops[];
extern const size_t ops_count;
extern const struct op controls[];
extern const size_t controls_count;

#endif
