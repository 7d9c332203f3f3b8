/* SPDX-License-Identifier: Apache-2.0 */
/* The header block of a new object, spec/envelope.md sections 3, 5 and 10. */
#ifndef DK_FORMAT_SEAL_H
#define DK_FORMAT_SEAL_H

#include "doublekey/writer.h"
#include "format/floe.h"
#include "format/header.h"

/* A new object up to its first segment. */
struct dk_sealed {
	uint8_t *block; /* header block and, behind it, the FLOE header */
	size_t len;
	uint32_t segment_len;
	struct dk_floe floe;
};
void dk_sealed_clear(struct dk_sealed *sealed);
#define dk_auto_sealed __attribute__((cleanup(dk_sealed_clear))) struct dk_sealed

/* Errors as dk_encrypt(), of the header. */
DK_MUST_USE dk_err dk_seal(const struct dk_encrypt_params *params, struct dk_sealed *ret_sealed);

#endif
