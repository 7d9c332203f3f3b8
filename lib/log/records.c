/* SPDX-License-Identifier: Apache-2.0 */
#include "log/records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"

#define BUFFER_BYTES (256u * 1024)

_Static_assert(BUFFER_BYTES >= DK_RECORDS_HEAD_BYTES + DK_RECORD_MAX_BYTES, "room for an entry");

dk_err
dk_records_init(struct dk_records *records, int fd)
{
	*records = (struct dk_records){ .fd = fd, .buffer = malloc(BUFFER_BYTES) };
	return records->buffer ? DK_OK : DK_ERR_NOMEM;
}

void
dk_records_clear(struct dk_records *records)
{
	free(records->buffer);
	records->buffer = NULL;
}

/* At least len bytes in the buffer, or all that the file has. */
static dk_err
fill(struct dk_records *r, size_t len)
{
	if (r->have - r->at >= len)
		return DK_OK;
	memmove(r->buffer, r->buffer + r->at, r->have - r->at);
	r->have -= r->at;
	r->at = 0;
	while (!r->ended && r->have < len) {
		ssize_t n = read(r->fd, r->buffer + r->have, BUFFER_BYTES - r->have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return DK_ERR_READ;
		r->ended = n == 0;
		r->have += (size_t)n;
	}
	return DK_OK;
}

static dk_err
begin(struct dk_records *r)
{
	dk_err err = fill(r, DK_RECORDS_MAGIC_BYTES);

	if (err != DK_OK)
		return err;
	if (r->have < DK_RECORDS_MAGIC_BYTES ||
	    memcmp(r->buffer, DK_RECORDS_MAGIC, DK_RECORDS_MAGIC_BYTES) != 0)
		return DK_ERR_LOG_FILE;
	r->at = DK_RECORDS_MAGIC_BYTES;
	r->begun = true;
	return DK_OK;
}

static dk_err
take(struct dk_records *r, struct dk_records_entry *e)
{
	struct dk_reader_buf rd;
	dk_err err;

	dk_rd_init(&rd, r->buffer + r->at, r->have - r->at);
	e->index = dk_rd_u64(&rd);
	(void)dk_rd_bytes(&rd, DK_LEAF_BYTES);
	e->len = dk_rd_u32(&rd);
	if (rd.failed || e->len > DK_RECORD_MAX_BYTES || e->index < r->least)
		return DK_ERR_LOG_FILE;
	err = fill(r, DK_RECORDS_HEAD_BYTES + e->len);
	if (err != DK_OK)
		return err;
	if (r->have - r->at < DK_RECORDS_HEAD_BYTES + e->len)
		return DK_ERR_LOG_FILE;
	e->leaf = r->buffer + r->at + 8;
	e->record = r->buffer + r->at + DK_RECORDS_HEAD_BYTES;
	return DK_OK;
}

dk_err
dk_records_next(struct dk_records *r, struct dk_records_entry *ret_entry, bool *ret_more)
{
	struct dk_records_entry e;
	dk_err err = r->begun ? DK_OK : begin(r);

	if (err == DK_OK)
		err = fill(r, DK_RECORDS_HEAD_BYTES);
	if (err != DK_OK)
		return err;
	*ret_more = r->have > r->at;
	if (!*ret_more)
		return DK_OK;
	err = take(r, &e);
	if (err != DK_OK)
		return err;
	r->at += DK_RECORDS_HEAD_BYTES + e.len;
	/* After the largest index nothing can follow. */
	if (e.index == UINT64_MAX)
		return DK_ERR_LOG_FILE;
	r->least = e.index + 1;
	r->count++;
	*ret_entry = e;
	return DK_OK;
}

void
dk_records_head(uint64_t index, const uint8_t leaf[DK_LEAF_BYTES], size_t len,
    uint8_t ret_head[DK_RECORDS_HEAD_BYTES])
{
	struct dk_writer_buf wr;

	dk_wr_init(&wr, ret_head, DK_RECORDS_HEAD_BYTES);
	dk_wr_u64(&wr, index);
	dk_wr_bytes(&wr, leaf, DK_LEAF_BYTES);
	dk_wr_u32(&wr, (uint32_t)len);
}
