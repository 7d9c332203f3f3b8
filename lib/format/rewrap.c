/* SPDX-License-Identifier: Apache-2.0 */
/* dk_rewrap(): a new stanza set for one side, spec/envelope.md section 10. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "doublekey/object.h"
#include "format/key_batch.h"
#include "format/open.h"
#include "format/set_write.h"

/* Nobody who stands or stood on the other side may stand on this one. */
static dk_err
check_other_side(const struct dk_block *block, const struct dk_set *other, const struct dk_key *key)
{
	const uint8_t *data = block->data;

	for (uint32_t i = 0; i < other->stanza_count + other->former_count; i++) {
		uint32_t former = other->formers + (i - other->stanza_count) * DK_FORMER_BYTES;
		bool now = i < other->stanza_count;
		uint32_t id = now ? other->stanza[i].key_id : former + 2;
		uint32_t custodian = now ? other->stanza[i].custodian : former + 34;

		if (memcmp(data + id, key->id, DK_KEY_ID_BYTES) == 0)
			return DK_ERR_SAME_KEY;
		if (memcmp(data + custodian, key->custodian, DK_CUSTODIAN_BYTES) == 0)
			return DK_ERR_SAME_CUSTODIAN;
	}
	return DK_OK;
}

static dk_err
check_new_keys(const struct dk_rewrap_params *params, const struct dk_block *block)
{
	const struct dk_set *other = &block->header.set[params->side == DK_SIDE_CUSTOMER ? 1 : 0];
	dk_err err;

	err = dk_set_keys_check(params->side, params->to, params->to_count);
	for (size_t i = 0; i < params->to_count && err == DK_OK; i++)
		err = check_other_side(block, other, params->to[i]);
	return err;
}

/* Copy the block with one set replaced. */
static dk_err
write_block(struct dk_writer_buf *wr, const struct dk_block *block, const struct dk_set_plan *plan,
    const uint8_t core_digest[DK_SHA384_BYTES], const struct dk_secret32 *share,
    const struct dk_side_keys *side_keys)
{
	const struct dk_header *h = &block->header;
	struct dk_writer_buf lengths;
	uint32_t lengths_at = h->metadata - 8;
	dk_err err;

	dk_wr_bytes(wr, block->data, h->metadata + h->metadata_len);
	if (wr->failed)
		return DK_ERR_HEADER_TOO_LARGE;
	dk_wr_init(&lengths, wr->data + lengths_at, 8);
	for (unsigned i = 0; i < 2; i++) {
		size_t start = wr->len;

		if (plan->side == (dk_side)(i + 1)) {
			err = dk_set_write(wr, plan, core_digest, share, side_keys);
			if (err != DK_OK)
				return err;
		} else {
			dk_wr_bytes(wr, block->data + h->set[i].offset, h->set[i].len);
		}
		dk_wr_u32(&lengths, (uint32_t)(wr->len - start));
	}
	dk_wr_zero(
	    wr, (DK_HEADER_UNIT_BYTES - wr->len % DK_HEADER_UNIT_BYTES) % DK_HEADER_UNIT_BYTES);
	return wr->failed ? DK_ERR_HEADER_TOO_LARGE : dk_block_check(wr);
}

/* Steps 2 and 3. */
static dk_err
check_block(const struct dk_rewrap_params *params, const struct dk_block *block,
    uint8_t core_digest[DK_SHA384_BYTES], struct dk_place *ret_place)
{
	dk_err err = dk_open_digests(block, core_digest, ret_place);

	return err == DK_OK ? dk_open_epoch(block, params->side, params->min_epoch, ret_place)
			    : err;
}

/* Steps 2 to 4 for this side, then the new block into wr. */
static dk_err
rewrap(const struct dk_rewrap_params *params, const struct dk_block *block,
    struct dk_writer_buf *wr, struct dk_place *ret_place)
{
	const struct dk_set *old = &block->header.set[params->side == DK_SIDE_CUSTOMER ? 0 : 1];
	struct dk_set_plan plan = { .side = params->side,
		.epoch = old->epoch + 1,
		.keys = params->to,
		.key_count = params->to_count,
		.old_block = block->data,
		.old_set = old };
	uint8_t core_digest[DK_SHA384_BYTES];
	dk_auto_side_keys side_keys = { 0 };
	dk_auto_secret32 share = { { 0 } };
	dk_err err;

	err = check_block(params, block, core_digest, ret_place);
	if (err != DK_OK)
		return err;
	err = dk_open_side(block, params->side, params->open, params->open_count, core_digest,
	    &share, &side_keys, ret_place);
	if (err != DK_OK)
		return err;
	if (old->epoch == UINT32_MAX)
		return DK_ERR_HISTORY_FULL;
	return write_block(wr, block, &plan, core_digest, &share, &side_keys);
}

/* The block, for which all keys that shall open it are allowed. */
static dk_err
begin(const struct dk_rewrap_params *given, const struct dk_source *in,
    struct dk_key *to[DK_STANZAS_MAX], struct dk_rewrap_params *ret_params,
    struct dk_block **ret_block, struct dk_place *ret_place)
{
	dk_err err;

	*ret_params = *given;
	if (given->side != DK_SIDE_CUSTOMER && given->side != DK_SIDE_PROVIDER)
		return DK_ERR_ARGUMENT;
	err = dk_set_keys_all(given->to, given->to_count, to, &ret_params->to_count);
	if (err != DK_OK)
		return err;
	ret_params->to = to;
	err = dk_block_read(in, ret_block, ret_place);
	if (err != DK_OK)
		return err;
	err = check_new_keys(ret_params, *ret_block);
	if (err != DK_OK)
		dk_place_set(ret_place, UINT64_MAX, "");
	return err;
}

void
dk_rewrap_ahead(const struct dk_rewrap_params *given, const struct dk_source *in,
    struct dk_key_batch *batch, size_t index)
{
	const struct dk_key_batch_side side = { given->side, given->open, given->open_count };
	struct dk_key *to[DK_STANZAS_MAX];
	uint8_t core_digest[DK_SHA384_BYTES];
	struct dk_rewrap_params params;
	dk_auto_block *block = NULL;

	/* What is wrong is told by dk_rewrap(). */
	if (begin(given, in, to, &params, &block, NULL) != DK_OK ||
	    check_block(&params, block, core_digest, NULL) != DK_OK)
		return;
	dk_key_batch_add(batch, index, block, &side, 1);
	block = NULL;
}

static bool
has_stanza(const struct dk_block *block, const struct dk_set *set, const struct dk_key *key)
{
	for (uint32_t i = 0; i < set->stanza_count; i++)
		if (memcmp(block->data + set->stanza[i].key_id, key->id, DK_KEY_ID_BYTES) == 0)
			return true;
	return false;
}

bool
dk_rewrap_is_done(const struct dk_rewrap_params *given, const struct dk_source *in)
{
	struct dk_key *to[DK_STANZAS_MAX];
	struct dk_rewrap_params params;
	dk_auto_block *block = NULL;
	const struct dk_set *set;

	if (begin(given, in, to, &params, &block, NULL) != DK_OK)
		return false;
	set = &block->header.set[params.side == DK_SIDE_CUSTOMER ? 0 : 1];
	if (set->stanza_count != params.to_count)
		return false;
	for (size_t i = 0; i < params.to_count; i++)
		if (!has_stanza(block, set, params.to[i]))
			return false;
	return true;
}

dk_err
dk_rewrap(const struct dk_rewrap_params *given, const struct dk_source *in, uint8_t **ret,
    size_t *ret_len, size_t *ret_old_len, struct dk_place *ret_place)
{
	struct dk_key *to[DK_STANZAS_MAX];
	struct dk_rewrap_params all;
	const struct dk_rewrap_params *params = &all;
	dk_auto_block *block = NULL;
	dk_auto_hmac_scope hmacs = dk_hmac_scope_open();
	struct dk_writer_buf wr;
	uint8_t *data;
	dk_err err;

	err = begin(given, in, to, &all, &block, ret_place);
	if (err != DK_OK)
		return err;
	data = malloc(DK_HEADER_MAX_BYTES);
	if (!data)
		return DK_ERR_NOMEM;
	dk_wr_init(&wr, data, DK_HEADER_MAX_BYTES);
	err = rewrap(params, block, &wr, ret_place);
	if (err != DK_OK) {
		free(data);
		return err;
	}
	*ret = data;
	*ret_len = wr.len;
	*ret_old_len = block->header.block_len;
	return DK_OK;
}
