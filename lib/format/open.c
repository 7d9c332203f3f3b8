/* SPDX-License-Identifier: Apache-2.0 */
#include "format/open.h"

#include <string.h>

#include "format/key_batch.h"
#include "format/metadata.h"

void
dk_opened_clear(struct dk_opened *opened)
{
	dk_wipe(opened, sizeof(*opened));
}

static unsigned
side_index(dk_side side)
{
	return side == DK_SIDE_CUSTOMER ? 0 : 1;
}

static void
place_in_set(struct dk_place *ret_place, dk_side side, enum dk_header_part part, uint32_t index,
    uint32_t offset)
{
	struct dk_header_error where = { part, side_index(side), index, offset };

	if (ret_place)
		dk_header_place(&where, ret_place);
}

dk_err
dk_open_digests(const struct dk_block *block, uint8_t ret_core_digest[DK_SHA384_BYTES],
    struct dk_place *ret_place)
{
	const struct dk_header *h = &block->header;
	const struct dk_part metadata = { block->data + h->metadata, h->metadata_len };
	const struct dk_part core = { block->data, h->core_len };
	uint8_t digest[DK_SHA384_BYTES];
	dk_err err;

	err = dk_sha384(&metadata, 1, digest);
	if (err != DK_OK)
		return err;
	if (!dk_equal_ct(digest, block->data + h->metadata_digest, sizeof(digest))) {
		dk_place_set(ret_place, h->metadata, "metadata");
		return DK_ERR_METADATA_DIGEST;
	}
	return dk_sha384(&core, 1, ret_core_digest);
}

dk_err
dk_open_epoch(
    const struct dk_block *block, dk_side side, uint32_t min_epoch, struct dk_place *ret_place)
{
	const struct dk_set *set = &block->header.set[side_index(side)];

	if (set->epoch >= min_epoch)
		return DK_OK;
	place_in_set(ret_place, side, DK_PART_SET, 0, set->offset + 1);
	return DK_ERR_EPOCH_TOO_OLD;
}

/* The given key for this stanza, or NULL. */
static const struct dk_key *
key_for(const uint8_t *id, const uint8_t *custodian, struct dk_key *const *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(keys[i]->id, id, DK_KEY_ID_BYTES) == 0)
			return keys[i];
	for (size_t i = 0; i < count; i++)
		if (keys[i]->ops->opens && keys[i]->ops->opens(keys[i], id, custodian))
			return keys[i];
	return NULL;
}

static dk_err
unwrap_one(const struct dk_key *key, const struct dk_block *block, dk_side side, uint32_t index,
    struct dk_secret32 *ret_share)
{
	struct dk_unwrap request = { .block = block->data,
		.header = &block->header,
		.side = side,
		.stanza = index,
		.share = ret_share,
		.err = DK_ERR_CRYPTO };
	dk_err err;

	if (!key->ops->unwrap)
		return DK_ERR_KEY_NEED_PRIVATE;
	err = key->ops->unwrap(key, &request, 1);
	return err != DK_OK ? err : request.err;
}

/* The service decided nothing: it could not be asked, or could not work. */
static bool
is_away(dk_err err)
{
	return err == DK_ERR_SERVICE_UNREACHABLE || err == DK_ERR_SERVICE_BUSY ||
	    err == DK_ERR_SERVICE_UNAVAILABLE || err == DK_ERR_SERVICE_HSM;
}

/*
 * Only a key that cannot be used right now leads on to the next stanza. What
 * does not authenticate ends the reading: trying on would hide an attack. So does
 * what a key service refused: trying on would go round its decision.
 */
bool
dk_open_may_try_next(dk_err err)
{
	if (dk_err_category(err) == DK_CAT_SERVICE)
		return is_away(err);
	if (dk_err_category(err) == DK_CAT_PROVIDER)
		return err != DK_ERR_PROVIDER_ANSWER && err != DK_ERR_PROVIDER_REFUSED;
	return err == DK_ERR_KEY_NEED_PRIVATE || dk_err_category(err) == DK_CAT_SYSTEM;
}

const struct dk_key *
dk_open_next(const struct dk_block *block, dk_side side, struct dk_key *const *keys, size_t count,
    uint32_t *stanza)
{
	const struct dk_set *set = &block->header.set[side_index(side)];

	for (; *stanza < set->stanza_count; ++*stanza) {
		const struct dk_stanza *st = &set->stanza[*stanza];
		const struct dk_key *key =
		    key_for(block->data + st->key_id, block->data + st->custodian, keys, count);

		if (key)
			return key;
	}
	return NULL;
}

static dk_err
unwrap_side(const struct dk_block *block, dk_side side, struct dk_key *const *keys, size_t count,
    struct dk_secret32 *ret_share, struct dk_place *ret_place)
{
	const struct dk_set *set = &block->header.set[side_index(side)];
	dk_err err = side == DK_SIDE_CUSTOMER ? DK_ERR_NO_CUSTOMER_KEY : DK_ERR_NO_PROVIDER_KEY;
	const struct dk_key *key, *passed = NULL;

	place_in_set(ret_place, side, DK_PART_SET, 0, set->offset);
	for (uint32_t i = 0; (key = dk_open_next(block, side, keys, count, &i)) != NULL; i++) {
		if (passed && passed->ops->passed_over)
			passed->ops->passed_over(passed, err);
		place_in_set(ret_place, side, DK_PART_STANZA, i, set->stanza[i].key_id - 4);
		err = unwrap_one(key, block, side, i, ret_share);
		if (!dk_open_may_try_next(err))
			return err;
		passed = key;
	}
	return err;
}

dk_err
dk_open_side(const struct dk_block *block, dk_side side, struct dk_key *const *keys, size_t count,
    const uint8_t core_digest[DK_SHA384_BYTES], struct dk_secret32 *ret_share,
    struct dk_side_keys *ret_side_keys, struct dk_place *ret_place)
{
	const struct dk_set *set = &block->header.set[side_index(side)];
	const uint8_t *commitment = block->data + block->header.share_commitment[side_index(side)];
	dk_auto_side_keys side_keys = { 0 };
	dk_auto_secret32 share = { { 0 } };
	uint8_t mac[DK_SET_MAC_BYTES];
	dk_err err;

	for (size_t i = 0; i < count; i++)
		if (keys[i]->side != side)
			return DK_ERR_KEY_SIDE;
	err = unwrap_side(block, side, keys, count, &share, ret_place);
	if (err != DK_OK)
		return err;
	err = dk_side_keys_derive(side, block->data + block->header.object_id, &share, &side_keys);
	if (err != DK_OK)
		return err;
	/* The place stays that of the stanza: its share is the wrong one. */
	if (!dk_equal_ct(side_keys.commitment, commitment, DK_COMMITMENT_BYTES))
		return DK_ERR_SHARE_COMMITMENT;
	err = dk_set_mac(
	    &side_keys, core_digest, block->data + set->offset, set->len - DK_SET_MAC_BYTES, mac);
	if (err != DK_OK)
		return err;
	place_in_set(ret_place, side, DK_PART_SET, 0, set->mac);
	if (!dk_equal_ct(mac, block->data + set->mac, sizeof(mac)))
		return DK_ERR_SET_MAC;
	*ret_share = share;
	*ret_side_keys = side_keys;
	return DK_OK;
}

/* Steps 2 and 3. */
static dk_err
check_block(const struct dk_decrypt_params *params, const struct dk_block *block,
    uint8_t core_digest[DK_SHA384_BYTES], struct dk_place *ret_place)
{
	dk_err err = dk_open_digests(block, core_digest, ret_place);

	if (err == DK_OK)
		err = dk_open_epoch(block, DK_SIDE_CUSTOMER, params->min_epoch_customer, ret_place);
	if (err == DK_OK)
		err = dk_open_epoch(block, DK_SIDE_PROVIDER, params->min_epoch_provider, ret_place);
	return err;
}

static dk_err
open_shares(const struct dk_decrypt_params *params, const struct dk_block *block,
    const uint8_t core_digest[DK_SHA384_BYTES], struct dk_secret48 *ret_prk,
    struct dk_place *ret_place)
{
	dk_auto_side_keys side_keys = { 0 };
	dk_auto_secret32 customer = { { 0 } };
	dk_auto_secret32 provider = { { 0 } };
	dk_err err;

	err = dk_open_side(block, DK_SIDE_CUSTOMER, params->customer, params->customer_count,
	    core_digest, &customer, &side_keys, ret_place);
	if (err != DK_OK)
		return err;
	err = dk_open_side(block, DK_SIDE_PROVIDER, params->provider, params->provider_count,
	    core_digest, &provider, &side_keys, ret_place);
	if (err != DK_OK)
		return err;
	return dk_prk_derive(&customer, &provider, ret_prk);
}

/* Step 5: commitment first, then the MAC. */
static dk_err
check_keys(
    const struct dk_block *block, const struct dk_object_keys *keys, struct dk_place *ret_place)
{
	const struct dk_header *h = &block->header;
	uint8_t mac[DK_HEADER_MAC_BYTES];
	dk_err err;

	dk_place_set(ret_place, h->key_commitment, "header");
	if (!dk_equal_ct(keys->commitment, block->data + h->key_commitment, DK_COMMITMENT_BYTES))
		return DK_ERR_KEY_COMMITMENT;
	err = dk_header_mac(keys, block->data, h->core_len,
	    h->has_creator ? block->data + h->creator_signature : NULL, mac);
	if (err != DK_OK)
		return err;
	dk_place_set(ret_place, h->header_mac, "header");
	return dk_equal_ct(mac, block->data + h->header_mac, sizeof(mac)) ? DK_OK
									  : DK_ERR_HEADER_MAC;
}

static dk_err
check_creator(
    const struct dk_block *block, const struct dk_key *creator, struct dk_place *ret_place)
{
	const struct dk_header *h = &block->header;
	uint8_t info[DK_INFO_MAX_BYTES];
	struct dk_part parts[3] = { { info, 0 }, { block->data, h->core_len },
		{ block->data + h->key_commitment, DK_COMMITMENT_BYTES } };
	dk_err err;

	if (!creator)
		return DK_OK;
	if (creator->side != DK_SIDE_CREATOR || !creator->ops->verify)
		return DK_ERR_KEY_SIDE;
	dk_place_set(ret_place, 0, "header");
	if (!h->has_creator ||
	    memcmp(block->data + h->creator_id, creator->id, DK_KEY_ID_BYTES) != 0)
		return DK_ERR_CREATOR_REQUIRED;
	err = dk_info("creator", NULL, 0, info, &parts[0].len);
	if (err != DK_OK)
		return err;
	dk_place_set(ret_place, h->creator_signature, "header");
	return creator->ops->verify(creator, parts, 3, block->data + h->creator_signature);
}

/* Steps 2 to 7. */
static dk_err
open_block(const struct dk_decrypt_params *params, const struct dk_block *block,
    uint8_t core_digest[DK_SHA384_BYTES], struct dk_object_keys *ret_keys,
    struct dk_object_metadata *ret_metadata, struct dk_place *ret_place)
{
	const struct dk_header *h = &block->header;
	dk_auto_secret48 prk = { { 0 } };
	dk_err err;

	err = check_block(params, block, core_digest, ret_place);
	if (err != DK_OK)
		return err;
	err = open_shares(params, block, core_digest, &prk, ret_place);
	if (err != DK_OK)
		return err;
	err = dk_object_keys_derive(&prk, core_digest, ret_keys);
	if (err != DK_OK)
		return err;
	err = check_keys(block, ret_keys, ret_place);
	if (err != DK_OK)
		return err;
	err = check_creator(block, params->require_creator, ret_place);
	if (err != DK_OK || h->metadata_len == 0)
		return err;
	dk_place_set(ret_place, h->metadata, "metadata");
	return dk_metadata_open(block->data + h->metadata, h->metadata_len, &prk,
	    block->data + h->object_id, block->data + h->salt, ret_metadata);
}

dk_err
dk_open(const struct dk_decrypt_params *params, const struct dk_source *in,
    struct dk_opened *ret_opened, struct dk_place *ret_place)
{
	dk_auto_object_keys keys = { 0 };
	dk_auto_opened opened = { 0 };
	dk_auto_block *block = NULL;
	uint8_t core_digest[DK_SHA384_BYTES];
	uint8_t floe_header[DK_FLOE_HEADER_BYTES];
	size_t got;
	dk_auto_hmac_scope hmacs = dk_hmac_scope_open();
	dk_err err;

	err = dk_block_read(in, &block, ret_place);
	if (err != DK_OK)
		return err;
	err = open_block(params, block, core_digest, &keys, &opened.metadata, ret_place);
	if (err != DK_OK)
		return err;
	dk_place_set(ret_place, block->header.block_len, "body header");
	err = dk_source_fill(in, block->header.block_len, floe_header, sizeof(floe_header), &got);
	if (err != DK_OK)
		return err;
	if (got < sizeof(floe_header))
		return DK_ERR_TRUNCATED;
	err = dk_floe_open_start(&keys.body, core_digest, sizeof(core_digest),
	    block->header.segment_len, DK_FLOE_ROTATION_BITS, floe_header, &opened.floe);
	if (err != DK_OK)
		return err;
	opened.segments = block->header.block_len + DK_FLOE_HEADER_BYTES;
	opened.segment_len = block->header.segment_len;
	*ret_opened = opened;
	return DK_OK;
}

void
dk_open_ahead(const struct dk_decrypt_params *params, const struct dk_source *in,
    struct dk_key_batch *batch, size_t index)
{
	const struct dk_key_batch_side sides[] = {
		{ DK_SIDE_CUSTOMER, params->customer, params->customer_count },
		{ DK_SIDE_PROVIDER, params->provider, params->provider_count },
	};
	uint8_t core_digest[DK_SHA384_BYTES];
	dk_auto_block *block = NULL;

	/* What is wrong is told when the object is read. */
	if (dk_block_read(in, &block, NULL) != DK_OK ||
	    check_block(params, block, core_digest, NULL) != DK_OK)
		return;
	dk_key_batch_add(batch, index, block, sides, 2);
	block = NULL;
}

dk_err
dk_metadata_read(const struct dk_decrypt_params *params, const struct dk_source *in,
    struct dk_object_metadata *ret, struct dk_place *ret_place)
{
	dk_auto_opened opened = { 0 };
	dk_err err;

	err = dk_open(params, in, &opened, ret_place);
	if (err == DK_OK)
		*ret = opened.metadata;
	return err;
}
