/* SPDX-License-Identifier: Apache-2.0 */
/* Objects in memory: a source over bytes and a sink that grows. */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "doublekey/reader.h"
#include "doublekey/writer.h"

struct bytes {
	const uint8_t *data;
	size_t len;
};

static ptrdiff_t
bytes_read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const struct bytes *b = ctx;

	if (offset >= b->len)
		return 0;
	if (len > b->len - offset)
		len = (size_t)(b->len - offset);
	memcpy(buf, b->data + offset, len);
	return (ptrdiff_t)len;
}

struct growing {
	uint8_t *data;
	size_t len;
	size_t cap;
};

static void
growing_drop(struct growing *g)
{
	if (g->data)
		dk_wipe(g->data, g->cap);
	free(g->data);
}

/* Not realloc(): that could leave plaintext behind in freed memory. */
static int
growing_write(void *ctx, const void *buf, size_t len)
{
	struct growing *g = ctx;

	if (len > g->cap - g->len) {
		struct growing larger = { .len = g->len };

		larger.cap = g->cap + (g->cap > len ? g->cap : len);
		if (larger.cap < g->cap)
			return -1;
		larger.data = malloc(larger.cap);
		if (!larger.data)
			return -1;
		if (g->len > 0)
			memcpy(larger.data, g->data, g->len);
		growing_drop(g);
		*g = larger;
	}
	memcpy(g->data + g->len, buf, len);
	g->len += len;
	return 0;
}

static dk_err
finish(dk_err err, struct growing *g, uint8_t **ret, size_t *ret_len)
{
	/* A sink that fails here has only one reason. */
	if (err == DK_ERR_WRITE)
		err = DK_ERR_NOMEM;
	if (err == DK_OK && !g->data) {
		g->data = malloc(1);
		if (!g->data)
			err = DK_ERR_NOMEM;
	}
	if (err != DK_OK) {
		growing_drop(g);
		return err;
	}
	*ret = g->data;
	*ret_len = g->len;
	return DK_OK;
}

dk_err
dk_encrypt_memory(const struct dk_encrypt_params *params, const void *data, size_t len,
    uint8_t **ret, size_t *ret_len)
{
	struct bytes from = { data, len };
	struct growing to = { 0 };
	const struct dk_source in = { .ctx = &from, .read_at = bytes_read_at, .size = len };
	const struct dk_sink out = { .ctx = &to, .write = growing_write };
	dk_err err;

	err = dk_encrypt(params, &in, &out, NULL);
	return finish(err, &to, ret, ret_len);
}

dk_err
dk_decrypt_memory(const struct dk_decrypt_params *params, const void *object, size_t len,
    uint8_t **ret, size_t *ret_len, struct dk_place *ret_place)
{
	struct bytes from = { object, len };
	struct growing to = { 0 };
	const struct dk_source in = { .ctx = &from, .read_at = bytes_read_at, .size = len };
	const struct dk_sink out = { .ctx = &to, .write = growing_write };
	dk_err err;

	err = dk_decrypt(params, &in, &out, NULL, ret_place);
	return finish(err, &to, ret, ret_len);
}
