/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

void
dk_rd_init(struct dk_reader_buf *rd, const uint8_t *data, size_t len)
{
	rd->data = data;
	rd->len = len;
	rd->pos = 0;
	rd->failed = false;
}

const uint8_t *
dk_rd_bytes(struct dk_reader_buf *rd, size_t len)
{
	const uint8_t *p;

	/* pos never passes len, so the difference cannot wrap; pos + len could. */
	if (rd->failed || len > rd->len - rd->pos) {
		rd->failed = true;
		return NULL;
	}
	p = rd->data + rd->pos;
	rd->pos += len;
	return p;
}

uint8_t
dk_rd_u8(struct dk_reader_buf *rd)
{
	const uint8_t *p = dk_rd_bytes(rd, 1);

	if (p == NULL)
		return 0;
	return p[0];
}

uint16_t
dk_rd_u16(struct dk_reader_buf *rd)
{
	const uint8_t *p = dk_rd_bytes(rd, 2);

	if (p == NULL)
		return 0;
	return (uint16_t)(((unsigned)p[0] << 8) | p[1]);
}

uint32_t
dk_rd_u32(struct dk_reader_buf *rd)
{
	const uint8_t *p = dk_rd_bytes(rd, 4);

	if (p == NULL)
		return 0;
	return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

uint64_t
dk_rd_u64(struct dk_reader_buf *rd)
{
	const uint8_t *p = dk_rd_bytes(rd, 8);
	uint64_t v = 0;

	if (p == NULL)
		return 0;
	for (unsigned i = 0; i < 8; i++)
		v = (v << 8) | p[i];
	return v;
}

size_t
dk_rd_left(const struct dk_reader_buf *rd)
{
	if (rd->failed)
		return 0;
	return rd->len - rd->pos;
}

void
dk_wr_init(struct dk_writer_buf *wr, uint8_t *data, size_t cap)
{
	wr->data = data;
	wr->cap = cap;
	wr->len = 0;
	wr->failed = false;
}

uint8_t *
dk_wr_space(struct dk_writer_buf *wr, size_t len)
{
	uint8_t *p;

	if (wr->failed || len > wr->cap - wr->len) {
		wr->failed = true;
		return NULL;
	}
	p = wr->data + wr->len;
	wr->len += len;
	return p;
}

void
dk_wr_u8(struct dk_writer_buf *wr, uint8_t v)
{
	uint8_t *p = dk_wr_space(wr, 1);

	if (p != NULL)
		p[0] = v;
}

void
dk_wr_u16(struct dk_writer_buf *wr, uint16_t v)
{
	uint8_t *p = dk_wr_space(wr, 2);

	if (p == NULL)
		return;
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)(v & 0xff);
}

void
dk_wr_u32(struct dk_writer_buf *wr, uint32_t v)
{
	uint8_t *p = dk_wr_space(wr, 4);

	if (p == NULL)
		return;
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)((v >> 16) & 0xff);
	p[2] = (uint8_t)((v >> 8) & 0xff);
	p[3] = (uint8_t)(v & 0xff);
}

void
dk_wr_u64(struct dk_writer_buf *wr, uint64_t v)
{
	uint8_t *p = dk_wr_space(wr, 8);

	if (p == NULL)
		return;
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)((v >> (56 - 8 * i)) & 0xff);
}

void
dk_wr_bytes(struct dk_writer_buf *wr, const void *data, size_t len)
{
	const uint8_t *from = data;
	uint8_t *p = dk_wr_space(wr, len);

	if (p == NULL)
		return;
	for (size_t i = 0; i < len; i++)
		p[i] = from[i];
}

void
dk_wr_zero(struct dk_writer_buf *wr, size_t len)
{
	uint8_t *p = dk_wr_space(wr, len);

	if (p == NULL)
		return;
	for (size_t i = 0; i < len; i++)
		p[i] = 0;
}
