/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* Divides no length of the format. */
#define READ_MAX_BYTES 1000

int
memory_write(void *ctx, const void *buf, size_t len)
{
	struct memory *m = ctx;

	if (len > m->cap - m->len) {
		m->cap = (m->cap + len) * 2;
		m->data = realloc(m->data, m->cap);
		if (!m->data)
			abort();
	}
	if (len > 0)
		memcpy(m->data + m->len, buf, len);
	m->len += len;
	return 0;
}

static ptrdiff_t
read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const struct memory *m = ctx;

	if (offset >= m->len)
		return 0;
	if (len > m->len - offset)
		len = (size_t)(m->len - offset);
	memcpy(buf, m->data + offset, len);
	return (ptrdiff_t)len;
}

static ptrdiff_t
read_next(void *ctx, void *buf, size_t len)
{
	struct memory *m = ctx;
	ptrdiff_t n = read_at(ctx, m->pos, buf, len < READ_MAX_BYTES ? len : READ_MAX_BYTES);

	m->pos += (size_t)n;
	return n;
}

struct dk_source
memory_source(struct memory *m)
{
	return (struct dk_source){ m, NULL, read_at, m->len };
}

struct dk_source
memory_stream(struct memory *m)
{
	m->pos = 0;
	return (struct dk_source){ m, read_next, NULL, DK_SIZE_UNKNOWN };
}
