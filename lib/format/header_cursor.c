/* SPDX-License-Identifier: Apache-2.0 */
#include "format/header_cursor.h"

void
dk_cursor_at(struct dk_cursor *p, enum dk_header_part part, size_t offset)
{
	p->where.part = part;
	p->where.offset = offset;
}

dk_err
dk_cursor_take(struct dk_cursor *p, size_t n, uint32_t *ret_offset)
{
	p->where.offset = p->pos;
	if (n > p->end - p->pos)
		return p->end_err;
	if (n > p->len - p->pos)
		return DK_ERR_TRUNCATED;
	*ret_offset = (uint32_t)p->pos;
	p->pos += n;
	return DK_OK;
}

dk_err
dk_cursor_number(struct dk_cursor *p, uint32_t n, uint64_t *ret_value)
{
	uint64_t value = 0;
	uint32_t offset = 0;
	dk_err err;

	err = dk_cursor_take(p, n, &offset);
	if (err != DK_OK)
		return err;
	/*@ loop invariant 0 <= i <= n && value < range(i);
	    loop assigns i, value;
	    loop variant n - i; */
	for (uint32_t i = 0; i < n; i++)
		value = value * 256 + p->data[offset + i];
	*ret_value = value;
	return DK_OK;
}

dk_err
dk_cursor_u32(struct dk_cursor *p, uint32_t n, uint32_t *ret_value)
{
	uint64_t value = 0;
	dk_err err;

	err = dk_cursor_number(p, n, &value);
	if (err == DK_OK)
		*ret_value = (uint32_t)value;
	return err;
}
