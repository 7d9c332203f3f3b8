/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the header parser (header*.c) and by nothing else. */
#ifndef DK_FORMAT_HEADER_CURSOR_H
#define DK_FORMAT_HEADER_CURSOR_H

#include "format/header.h"

/*
 * A cursor over the input that knows the container it is in: the core header
 * or a stanza set. A field that would pass the end of its container is an error
 * of that container's length; one that the input does not hold is truncated.
 */
struct dk_cursor {
	const uint8_t *data;
	size_t len;
	size_t pos;
	size_t end;     /* of the container */
	dk_err end_err; /* what passing it means */
	struct dk_header *header;
	struct dk_header_error where;
	size_t set_len[2];
};

/* Say what an error from here on is about. */
void dk_cursor_at(struct dk_cursor *p, enum dk_header_part part, size_t offset);
/* The next n bytes. pos never passes end or len, and len is at most DK_HEADER_MAX_BYTES. */
DK_MUST_USE dk_err dk_cursor_take(struct dk_cursor *p, size_t n, uint32_t *ret_offset);
/* A big-endian number of n <= 8 bytes, or n <= 4. */
DK_MUST_USE dk_err dk_cursor_number(struct dk_cursor *p, uint32_t n, uint64_t *ret_value);
DK_MUST_USE dk_err dk_cursor_u32(struct dk_cursor *p, uint32_t n, uint32_t *ret_value);

/* header_core.c: spec/envelope.md section 3.1. */
DK_MUST_USE dk_err dk_header_core(struct dk_cursor *p);
/* header_set.c: section 6; side is 0 for customer, 1 for provider. */
DK_MUST_USE dk_err dk_header_set(struct dk_cursor *p, uint32_t side);
/* header_kms.c: section 6.3, the len bytes of the body of a kms stanza. */
DK_MUST_USE dk_err dk_header_kms(struct dk_cursor *p, uint32_t len);

#endif
