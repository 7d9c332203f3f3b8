/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the tags, MACs and commitments of a mutated object right, so that a
 * fuzzer reaches what stands behind them. What the object says of lengths,
 * marks, counts and order stays as the fuzzer made it.
 */
#ifndef FUZZ_REPAIR_H
#define FUZZ_REPAIR_H

#include <stdbool.h>

#include "format/header.h"
#include "format/key_impl.h"

/* Two keys that unwrap each stanza to the fixed share of their side. They are
 * those of the first stanza of each set, whatever its key id. */
struct fuzz_keys {
	struct dk_key side[2];
	struct dk_key next; /* of the customer; not in the object */
};

/* What a reader must find in the body. */
struct fuzz_body {
	bool header_ok;     /* parameters fit, so that the tag was made right */
	bool complete;      /* ends with its last segment, which is allowed */
	uint8_t *plaintext; /* of all segments up to the first that is not allowed */
	size_t len;
};

void fuzz_keys_fit(const uint8_t *data, const struct dk_header *h, struct fuzz_keys *ret);
/* The header block; data is a whole block that parses as h. */
void fuzz_repair_header(uint8_t *data, const struct dk_header *h);
/* The body behind it; ret_body->plaintext is to be freed. */
void fuzz_repair_body(uint8_t *data, size_t len, const struct dk_header *h,
    struct fuzz_body *ret_body);

#endif
