/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of members of a bundle, spec/evidence.md section 1. */
#ifndef DK_EVIDENCE_TAR_H
#define DK_EVIDENCE_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DK_TAR_BLOCK_BYTES 512
#define DK_TAR_END_BYTES 1024 /* zeros */

/* name of at most 100 bytes; size below 2^33. */
void dk_tar_header(const char *name, uint64_t size, uint8_t ret_header[DK_TAR_BLOCK_BYTES]);
/* Whether it is the header of this name, and for which size, of at most max. */
bool dk_tar_header_is(
    const uint8_t header[DK_TAR_BLOCK_BYTES], const char *name, uint64_t max, uint64_t *ret_size);
/* How many zeros follow a content. */
static inline size_t
dk_tar_padding(uint64_t size)
{
	return (size_t)(-size % DK_TAR_BLOCK_BYTES);
}

#endif
