/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays of one dimension in the binary form of PostgreSQL: number of dimensions, flags, type
 * of the elements, length, first index; then each element behind its length. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "store/postgres_impl.h"

#define HEAD_BYTES 20
#define TYPE_BIGINT 20
#define TYPE_BYTEA 17

static bool
grow(struct pg_array *a, size_t more)
{
	size_t cap = a->cap ? a->cap : 4096;
	uint8_t *grown;

	if (a->len == 0)
		a->len = HEAD_BYTES;
	while (cap < a->len + more)
		cap *= 2;
	if (cap == a->cap)
		return true;
	grown = realloc(a->data, cap);
	if (!grown)
		return false;
	a->data = grown;
	a->cap = cap;
	return true;
}

static void
put_u32(uint8_t *to, uint32_t v)
{
	struct dk_writer_buf wr;

	dk_wr_init(&wr, to, 4);
	dk_wr_u32(&wr, v);
}

bool
pg_array_bytes(struct pg_array *a, const void *bytes, size_t len)
{
	if (len > INT32_MAX || !grow(a, 4 + len))
		return false;
	put_u32(a->data + a->len, (uint32_t)len);
	if (len > 0)
		memcpy(a->data + a->len + 4, bytes, len);
	a->len += 4 + len;
	a->count++;
	return true;
}

bool
pg_array_number(struct pg_array *a, uint64_t value)
{
	uint8_t bytes[8];
	struct dk_writer_buf wr;

	dk_wr_init(&wr, bytes, sizeof(bytes));
	dk_wr_u64(&wr, value);
	return value <= INT64_MAX && pg_array_bytes(a, bytes, sizeof(bytes));
}

void
pg_array_end(struct pg_array *a)
{
	if (!grow(a, 0))
		return;
	put_u32(a->data, 1);
	put_u32(a->data + 4, 0);
	put_u32(a->data + 8, a->bytes ? TYPE_BYTEA : TYPE_BIGINT);
	put_u32(a->data + 12, a->count);
	put_u32(a->data + 16, 1);
}

void
pg_array_clear(struct pg_array *a)
{
	a->len = 0;
	a->count = 0;
}

void
pg_array_free(struct pg_array *a)
{
	free(a->data);
	*a = (struct pg_array){ .bytes = a->bytes };
}
