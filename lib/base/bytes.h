/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded reading and writing of big-endian fields.
 *
 * Both are sticky: after the first access past the end every further access
 * fails and yields zeros, so that a parser checks once per element. The reader
 * never copies; the slices it returns live as long as the input.
 */
#ifndef DK_BASE_BYTES_H
#define DK_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dk_reader_buf {
	const uint8_t *data;
	size_t len;
	size_t pos;
	bool failed;
};

void dk_rd_init(struct dk_reader_buf *rd, const uint8_t *data, size_t len);
uint8_t dk_rd_u8(struct dk_reader_buf *rd);
uint16_t dk_rd_u16(struct dk_reader_buf *rd);
uint32_t dk_rd_u32(struct dk_reader_buf *rd);
uint64_t dk_rd_u64(struct dk_reader_buf *rd);
/* len bytes from here, or NULL if there are fewer. */
const uint8_t *dk_rd_bytes(struct dk_reader_buf *rd, size_t len);
size_t dk_rd_left(const struct dk_reader_buf *rd);

struct dk_writer_buf {
	uint8_t *data;
	size_t cap;
	size_t len;
	bool failed;
};

void dk_wr_init(struct dk_writer_buf *wr, uint8_t *data, size_t cap);
void dk_wr_u8(struct dk_writer_buf *wr, uint8_t v);
void dk_wr_u16(struct dk_writer_buf *wr, uint16_t v);
void dk_wr_u32(struct dk_writer_buf *wr, uint32_t v);
void dk_wr_u64(struct dk_writer_buf *wr, uint64_t v);
void dk_wr_bytes(struct dk_writer_buf *wr, const void *data, size_t len);
void dk_wr_zero(struct dk_writer_buf *wr, size_t len);
/* Reserve len bytes and return where they are, or NULL if there is no room. */
uint8_t *dk_wr_space(struct dk_writer_buf *wr, size_t len);

#endif
