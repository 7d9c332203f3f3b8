/* SPDX-License-Identifier: Apache-2.0 */
/* The ways in which the library reads one object from memory. */
#ifndef FUZZ_WAYS_H
#define FUZZ_WAYS_H

#include "doublekey/doublekey.h"

struct object_bytes {
	const uint8_t *data;
	size_t len;
};

/* All that was handed out, on failure too. */
struct handed_out {
	uint8_t *data;
	size_t len;
};

typedef dk_err (*way_fn)(const struct dk_decrypt_params *params, struct object_bytes object,
    struct handed_out *out);

/* A stream; random access of known size; piece by piece. out->data has room for
 * the length of the object. */
dk_err way_stream(const struct dk_decrypt_params *params, struct object_bytes object,
    struct handed_out *out);
dk_err way_file(const struct dk_decrypt_params *params, struct object_bytes object,
    struct handed_out *out);
dk_err way_pieces(const struct dk_decrypt_params *params, struct object_bytes object,
    struct handed_out *out);
/* Ranges from the end to the start, so that the order of the bytes does not help. */
dk_err way_ranges(const struct dk_decrypt_params *params, struct object_bytes object,
    struct handed_out *out);

/* A source of random access over the object. */
struct dk_source object_source(struct object_bytes *object);

#endif
