/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "doublekey/object.h"
#include "format/floe.h"
#include "format/source.h"

static void
fill_stanza(const uint8_t *block, uint32_t type, uint32_t id, uint32_t custodian,
    struct dk_stanza_info *ret)
{
	ret->type = dk_stanza_type_name(type);
	dk_hex(block + id, 32, ret->key_id);
	memcpy(ret->custodian, block + custodian, DK_CUSTODIAN_BYTES);
}

/* The parser has checked the lengths. */
static void
fill_kms(const uint8_t *body, struct dk_stanza_info *ret)
{
	size_t name_len = (size_t)body[0] << 8 | body[1];
	const uint8_t *version = body + 2 + name_len;

	memcpy(ret->key_name, body + 2, name_len);
	memcpy(ret->key_version, version + 1, version[0]);
}

static dk_err
fill_set(const uint8_t *block, const struct dk_set *set, struct dk_set_info *ret)
{
	ret->epoch = set->epoch;
	ret->stanza = calloc(set->stanza_count, sizeof(*ret->stanza));
	ret->former = calloc(set->former_count + 1, sizeof(*ret->former));
	if (!ret->stanza || !ret->former)
		return DK_ERR_NOMEM;
	ret->stanza_count = set->stanza_count;
	ret->former_count = set->former_count;
	for (uint32_t i = 0; i < set->stanza_count; i++) {
		const struct dk_stanza *st = &set->stanza[i];

		fill_stanza(block, st->type, st->key_id, st->custodian, &ret->stanza[i]);
		if (st->type == DK_STANZA_KMS)
			fill_kms(block + st->body, &ret->stanza[i]);
	}
	for (uint32_t i = 0; i < set->former_count; i++) {
		uint32_t at = set->formers + i * DK_FORMER_BYTES;

		fill_stanza(block, (uint32_t)block[at] << 8 | block[at + 1], at + 2, at + 34,
		    &ret->former[i]);
	}
	return DK_OK;
}

/* Size of the plaintext from that of the object: spec/envelope.md section 12. */
static dk_err
plaintext_size(
    const struct dk_header *h, uint64_t size, uint64_t *ret_size, struct dk_place *ret_place)
{
	uint64_t body, segments, last;

	*ret_size = DK_SIZE_UNKNOWN;
	if (size == DK_SIZE_UNKNOWN)
		return DK_OK;
	dk_place_set(ret_place, h->block_len, "body header");
	if (size < h->block_len + (uint64_t)DK_FLOE_HEADER_BYTES)
		return DK_ERR_TRUNCATED;
	body = size - h->block_len - DK_FLOE_HEADER_BYTES;
	dk_place_segment(ret_place, h->block_len + (uint64_t)DK_FLOE_HEADER_BYTES, 0);
	if (body == 0)
		return DK_ERR_FINAL_MISSING;
	segments = (body + h->segment_len - 1) / h->segment_len;
	last = body - (segments - 1) * h->segment_len;
	dk_place_segment(ret_place, size - last, segments - 1);
	if (last < DK_FLOE_SEGMENT_OVERHEAD_BYTES)
		return DK_ERR_TRUNCATED;
	*ret_size = body - segments * DK_FLOE_SEGMENT_OVERHEAD_BYTES;
	return DK_OK;
}

static void
fill_core(const struct dk_block *block, struct dk_object_info *info)
{
	const struct dk_header *h = &block->header;
	const uint8_t *data = block->data;

	info->version = 1;
	info->suite = 1;
	dk_hex(data + h->object_id, 16, info->object_id);
	memcpy(info->tenant, data + h->tenant, h->tenant_len);
	memcpy(info->label, data + h->label, h->label_len);
	info->created = h->created;
	info->segment_length = h->segment_len;
	info->body_offset = h->block_len;
	info->metadata_length = h->metadata_len;
	info->has_creator = h->has_creator;
	if (h->has_creator)
		dk_hex(data + h->creator_id, 32, info->creator_key_id);
}

dk_err
dk_inspect(const struct dk_source *in, struct dk_object_info **ret, struct dk_place *ret_place)
{
	struct dk_object_info *info;
	dk_auto_block *block = NULL;
	dk_err err;

	err = dk_block_read(in, &block, ret_place);
	if (err != DK_OK)
		return err;
	info = calloc(1, sizeof(*info));
	if (!info)
		return DK_ERR_NOMEM;
	fill_core(block, info);
	err = plaintext_size(&block->header, in->size, &info->plaintext_size, ret_place);
	if (err == DK_OK)
		err = fill_set(block->data, &block->header.set[0], &info->customer);
	if (err == DK_OK)
		err = fill_set(block->data, &block->header.set[1], &info->provider);
	if (err != DK_OK) {
		dk_object_info_free(info);
		return err;
	}
	*ret = info;
	return DK_OK;
}

void
dk_object_info_free(struct dk_object_info *info)
{
	if (!info)
		return;
	free(info->customer.stanza);
	free(info->customer.former);
	free(info->provider.stanza);
	free(info->provider.former);
	free(info);
}
