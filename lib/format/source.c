/* SPDX-License-Identifier: Apache-2.0 */
#include "format/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

dk_err
dk_source_fill(const struct dk_source *in, uint64_t offset, void *buf, size_t len, size_t *ret_len)
{
	uint8_t *to = buf;
	size_t done = 0;

	while (done < len) {
		ptrdiff_t n = in->read_at
		    ? in->read_at(in->ctx, offset + done, to + done, len - done)
		    : in->read(in->ctx, to + done, len - done);
		if (n < 0 || (size_t)n > len - done)
			return DK_ERR_READ;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*ret_len = done;
	return DK_OK;
}

void
dk_place_set(struct dk_place *ret_place, uint64_t offset, const char *text)
{
	if (!ret_place)
		return;
	ret_place->offset = offset;
	if ((size_t)snprintf(ret_place->text, sizeof(ret_place->text), "%s", text) >=
	    sizeof(ret_place->text))
		ret_place->text[0] = '\0';
}

void
dk_place_segment(struct dk_place *ret_place, uint64_t offset, uint64_t segment)
{
	char text[sizeof(ret_place->text)];

	if (snprintf(text, sizeof(text), "segment %llu", (unsigned long long)segment) < 0)
		text[0] = '\0';
	dk_place_set(ret_place, offset, text);
}

void
dk_block_free(struct dk_block *block)
{
	if (!block)
		return;
	free(block->data);
	free(block);
}

void
dk_block_cleanup(struct dk_block **block)
{
	dk_block_free(*block);
}

/* The first unit says how long the block is; only then is the rest read. */
static dk_err
read_units(const struct dk_source *in, struct dk_block *block)
{
	uint8_t *larger;
	uint32_t need;
	size_t got;
	dk_err err;

	block->data = malloc(DK_HEADER_UNIT_BYTES);
	if (!block->data)
		return DK_ERR_NOMEM;
	err = dk_source_fill(in, 0, block->data, DK_HEADER_UNIT_BYTES, &block->len);
	if (err != DK_OK)
		return err;
	need = dk_header_need(block->data, block->len);
	if (need == DK_HEADER_UNIT_BYTES || block->len < DK_HEADER_UNIT_BYTES)
		return DK_OK;
	larger = realloc(block->data, need);
	if (!larger)
		return DK_ERR_NOMEM;
	block->data = larger;
	err = dk_source_fill(in, DK_HEADER_UNIT_BYTES, larger + DK_HEADER_UNIT_BYTES,
	    need - DK_HEADER_UNIT_BYTES, &got);
	if (err != DK_OK)
		return err;
	block->len += got;
	return DK_OK;
}

dk_err
dk_block_read(const struct dk_source *in, struct dk_block **ret, struct dk_place *ret_place)
{
	struct dk_header_error where = { 0 };
	dk_auto_block *block = calloc(1, sizeof(*block));
	struct dk_place place;
	dk_err err;

	if (!block)
		return DK_ERR_NOMEM;
	err = read_units(in, block);
	if (err != DK_OK) {
		dk_place_set(ret_place, UINT64_MAX, "header");
		return err;
	}
	err = dk_header_parse(block->data, block->len, &block->header, &where);
	if (err != DK_OK) {
		dk_header_place(&where, &place);
		dk_place_set(ret_place, place.offset, place.text);
		return err;
	}
	*ret = block;
	block = NULL;
	return DK_OK;
}
