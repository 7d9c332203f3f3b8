/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "catalogue/scan.h"
#include "crypto/hash.h"
#include "format/header.h"

/* u8 side, u16 type, key id, custodian, u16 and u8 for what a kms stanza has. */
#define KEY_MIN_BYTES (1 + 2 + 32 + DK_CUSTODIAN_BYTES + 2 + 1)

static size_t
kms_extra(const uint8_t *block, const struct dk_stanza *st)
{
	size_t name_len;

	if (st->type != DK_STANZA_KMS)
		return 0;
	name_len = (size_t)block[st->body] << 8 | block[st->body + 1];
	return name_len + block[st->body + 2 + name_len];
}

static size_t
keys_bytes(const uint8_t *block, const struct dk_set *set)
{
	size_t len = KEY_MIN_BYTES * ((size_t)set->stanza_count + set->former_count);

	for (uint32_t i = 0; i < set->stanza_count; i++)
		len += kms_extra(block, &set->stanza[i]);
	return len;
}

static void
put_stanza(
    struct dk_writer_buf *wr, const uint8_t *block, unsigned side, const struct dk_stanza *st)
{
	const uint8_t *body = block + st->body;
	size_t name_len = 0;

	dk_wr_u8(wr, (uint8_t)side);
	dk_wr_u16(wr, st->type);
	dk_wr_bytes(wr, block + st->key_id, 32);
	dk_wr_bytes(wr, block + st->custodian, DK_CUSTODIAN_BYTES);
	if (st->type != DK_STANZA_KMS) {
		dk_wr_zero(wr, 3);
		return;
	}
	name_len = (size_t)body[0] << 8 | body[1];
	dk_wr_bytes(wr, body, 2 + name_len);
	dk_wr_bytes(wr, body + 2 + name_len, 1 + (size_t)body[2 + name_len]);
}

static void
put_former(struct dk_writer_buf *wr, const uint8_t *former, unsigned side)
{
	dk_wr_u8(wr, (uint8_t)side);
	dk_wr_bytes(wr, former, DK_FORMER_BYTES);
	dk_wr_zero(wr, 3);
}

static dk_err
fill_set(struct dk_writer_buf *wr, const uint8_t *block, const struct dk_set *set, unsigned side,
    size_t first, struct dk_catalogue_seen_set *ret)
{
	struct dk_part part = { block + set->offset, set->len };

	for (uint32_t i = 0; i < set->stanza_count; i++)
		put_stanza(wr, block, side, &set->stanza[i]);
	for (uint32_t i = 0; i < set->former_count; i++)
		put_former(wr, block + set->formers + i * DK_FORMER_BYTES, side);
	ret->epoch = set->epoch;
	ret->first = first;
	ret->stanzas = set->stanza_count;
	ret->count = (size_t)set->stanza_count + set->former_count;
	return dk_sha256(&part, 1, ret->digest);
}

static dk_err
fill(struct dk_catalogue_seen *seen, const uint8_t *block, const struct dk_header *h)
{
	struct dk_part core = { block, h->core_len };
	struct dk_writer_buf wr;
	dk_err err;

	memcpy(seen->object_id, block + h->object_id, 16);
	seen->created = h->created;
	memcpy(seen->tenant, block + h->tenant, h->tenant_len);
	memcpy(seen->label, block + h->label, h->label_len);
	seen->has_creator = h->has_creator;
	if (h->has_creator)
		memcpy(seen->creator, block + h->creator_id, 32);
	dk_wr_init(&wr, seen->keys, seen->keys_len);
	err = fill_set(&wr, block, &h->set[0], 1, 0, &seen->set[0]);
	if (err == DK_OK)
		err = fill_set(&wr, block, &h->set[1], 2, seen->set[0].count, &seen->set[1]);
	if (err == DK_OK && (wr.failed || wr.len != wr.cap))
		err = DK_ERR_STATE;
	if (err != DK_OK)
		return err;
	return dk_sha384(&core, 1, seen->core_digest);
}

dk_err
dk_catalogue_seen_parse(
    const uint8_t *block, size_t len, struct dk_catalogue_seen **ret, struct dk_place *ret_place)
{
	struct dk_catalogue_seen *seen;
	struct dk_header_error error;
	struct dk_header h;
	dk_err err = dk_header_parse(block, len, &h, &error);

	if (err != DK_OK) {
		dk_header_place(&error, ret_place);
		return err;
	}
	seen = calloc(1, sizeof(*seen));
	if (!seen)
		return DK_ERR_NOMEM;
	seen->keys_len = keys_bytes(block, &h.set[0]) + keys_bytes(block, &h.set[1]);
	seen->keys = malloc(seen->keys_len);
	err = seen->keys ? fill(seen, block, &h) : DK_ERR_NOMEM;
	if (err == DK_OK)
		*ret = seen;
	else
		dk_catalogue_seen_free(seen);
	return err;
}

void
dk_catalogue_seen_free(struct dk_catalogue_seen *seen)
{
	if (!seen)
		return;
	free(seen->keys);
	free(seen);
}
