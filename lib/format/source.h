/* SPDX-License-Identifier: Apache-2.0 */
/* Reading full buffers from a struct dk_source, and the header block. */
#ifndef DK_FORMAT_SOURCE_H
#define DK_FORMAT_SOURCE_H

#include <stdbool.h>

#include "doublekey/io.h"
#include "format/header.h"

/*
 * Read until len bytes are there or the source ends; offset counts only where
 * the source has read_at. *ret_len is below len only at the end.
 */
DK_MUST_USE dk_err dk_source_fill(const struct dk_source *in, uint64_t offset, void *buf,
    size_t len, size_t *ret_len);

/* A header block with its parsed form. One allocation; free with dk_block_free(). */
struct dk_block {
	struct dk_header header;
	uint8_t *data;
	size_t len;
};

/* Reads the block and nothing behind it. */
DK_MUST_USE dk_err dk_block_read(const struct dk_source *in, struct dk_block **ret,
    struct dk_place *ret_place);
void dk_block_free(struct dk_block *block);
void dk_block_cleanup(struct dk_block **block);
#define dk_auto_block __attribute__((cleanup(dk_block_cleanup))) struct dk_block

/* Fill ret_place (may be NULL) with a phrase and an offset. */
void dk_place_set(struct dk_place *ret_place, uint64_t offset, const char *text);
void dk_place_segment(struct dk_place *ret_place, uint64_t offset, uint64_t segment);

#endif
