/* SPDX-License-Identifier: Apache-2.0 */
#include "repair.h"

#include <string.h>

#include "format/floe.h"
#include "format/metadata.h"
#include "format/schedule.h"
#include "fuzz.h"

#define FLOE_PREFIX_BYTES 42u
#define WRAPPED_BYTES 113u

static const struct dk_secret32 shares[2] = { { { 0x11 } }, { { 0x22 } } };

static dk_err
fixed_wrap(const struct dk_key *key, const struct dk_wrap_context *context,
    const struct dk_secret32 *share, uint8_t *body, size_t *ret_len)
{
	(void)key;
	FUZZ_CHECK(memcmp(share, &shares[context->side - 1], sizeof(*share)) == 0);
	memset(body, 0x33, WRAPPED_BYTES);
	*ret_len = WRAPPED_BYTES;
	return DK_OK;
}

static dk_err
fixed_unwrap(const struct dk_key *key, struct dk_unwrap *requests, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		*requests[i].share = shares[key->side - 1];
		requests[i].err = DK_OK;
	}
	return DK_OK;
}

static const struct dk_key_ops fixed_ops = { .wrap = fixed_wrap, .unwrap = fixed_unwrap };

void
fuzz_keys_fit(const uint8_t *data, const struct dk_header *h, struct fuzz_keys *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < 2; i++) {
		struct dk_key *key = &ret->side[i];
		const struct dk_stanza *st = &h->set[i].stanza[0];

		key->ops = &fixed_ops;
		key->side = (dk_side)(i + 1);
		key->stanza_type = st->type;
		memcpy(key->id, data + st->key_id, DK_KEY_ID_BYTES);
		memcpy(key->custodian, data + st->custodian, DK_CUSTODIAN_BYTES);
		key->has_private = true;
	}
	ret->next = ret->side[0];
	ret->next.stanza_type = DK_STANZA_P256;
	memset(ret->next.id, 0x44, DK_KEY_ID_BYTES);
}

static void
core_digest(const uint8_t *data, const struct dk_header *h, uint8_t digest[DK_SHA384_BYTES])
{
	const struct dk_part core = { data, h->core_len };

	FUZZ_CHECK(dk_sha384(&core, 1, digest) == DK_OK);
}

/* The bytes of the metadata block are its entries in clear until here. */
static void
repair_metadata(uint8_t *data, const struct dk_header *h, const struct dk_secret48 *prk)
{
	static const uint8_t zero_iv[DK_GCM_IV_BYTES];
	const struct dk_part block = { data + h->metadata, h->metadata_len };
	uint8_t aad[48], sealed[DK_METADATA_MAX_BYTES];
	struct dk_secret32 key;

	if (h->metadata_len > 0) {
		memcpy(aad, data + h->object_id, 16);
		memcpy(aad + 16, data + h->salt, 32);
		FUZZ_CHECK(
		    dk_metadata_key(prk, data + h->object_id, data + h->salt, &key) == DK_OK);
		FUZZ_CHECK(dk_gcm_seal(&key, zero_iv, aad, sizeof(aad), data + h->metadata,
			       h->metadata_len - DK_GCM_TAG_BYTES, sealed) == DK_OK);
		memcpy(data + h->metadata, sealed, h->metadata_len);
	}
	FUZZ_CHECK(dk_sha384(&block, 1, data + h->metadata_digest) == DK_OK);
}

static void
object_keys(const uint8_t *data, const struct dk_header *h, struct dk_object_keys *ret)
{
	uint8_t digest[DK_SHA384_BYTES];
	struct dk_secret48 prk;

	core_digest(data, h, digest);
	FUZZ_CHECK(dk_prk_derive(&shares[0], &shares[1], &prk) == DK_OK);
	FUZZ_CHECK(dk_object_keys_derive(&prk, digest, ret) == DK_OK);
}

void
fuzz_repair_header(uint8_t *data, const struct dk_header *h)
{
	uint8_t digest[DK_SHA384_BYTES];
	struct dk_side_keys side[2];
	struct dk_object_keys keys;
	struct dk_secret48 prk;

	FUZZ_CHECK(dk_prk_derive(&shares[0], &shares[1], &prk) == DK_OK);
	repair_metadata(data, h, &prk);
	for (unsigned i = 0; i < 2; i++) {
		FUZZ_CHECK(dk_side_keys_derive((dk_side)(i + 1), data + h->object_id, &shares[i],
			       &side[i]) == DK_OK);
		memcpy(data + h->share_commitment[i], side[i].commitment, DK_COMMITMENT_BYTES);
	}
	core_digest(data, h, digest);
	for (unsigned i = 0; i < 2; i++)
		FUZZ_CHECK(dk_set_mac(&side[i], digest, data + h->set[i].offset,
			       h->set[i].len - DK_SET_MAC_BYTES, data + h->set[i].mac) == DK_OK);
	object_keys(data, h, &keys);
	memcpy(data + h->key_commitment, keys.commitment, DK_COMMITMENT_BYTES);
	FUZZ_CHECK(dk_header_mac(&keys, data, h->core_len,
		       h->has_creator ? data + h->creator_signature : NULL,
		       data + h->header_mac) == DK_OK);
}

/* The tag over parameters and IV as they are; c2sp.org/FLOE. */
static void
repair_body_tag(uint8_t *head, const struct dk_object_keys *keys, const uint8_t *digest)
{
	const struct dk_part info[] = { { head, FLOE_PREFIX_BYTES }, { "HEADER_TAG:", 11 },
		{ digest, DK_SHA384_BYTES } };
	struct dk_secret48 prk = { { 0 } };

	memcpy(prk.bytes, keys->body.bytes, sizeof(keys->body.bytes));
	FUZZ_CHECK(
	    dk_hkdf_expand_parts(DK_SHA384, &prk, info, 3, head + FLOE_PREFIX_BYTES, 32) == DK_OK);
}

static uint32_t
mark_of(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void
repair_segments(uint8_t *at, size_t left, const struct dk_floe *floe, struct fuzz_body *body)
{
	struct dk_floe_lane *lane = NULL;
	uint64_t position = 0;

	FUZZ_CHECK(dk_floe_lane_new(&lane) == DK_OK);
	while (left >= 4) {
		bool final = mark_of(at) != UINT32_MAX;
		size_t len = final ? mark_of(at) : floe->segment_len;
		uint8_t *pt = at + DK_FLOE_SEGMENT_HEAD_BYTES;
		size_t pt_len = len - DK_FLOE_SEGMENT_OVERHEAD_BYTES;

		if (len < DK_FLOE_SEGMENT_OVERHEAD_BYTES || len > floe->segment_len || len > left)
			break;
		memcpy(body->plaintext + body->len, pt, pt_len);
		FUZZ_CHECK(dk_floe_lane_seal(lane, floe, position, final, pt, pt_len, at) == DK_OK);
		if (final && pt_len == 0 && position > 0)
			break;
		body->len += pt_len;
		body->complete = final && len == left;
		if (final)
			break;
		position++;
		at += len;
		left -= len;
	}
	dk_floe_lane_free(lane);
}

void
fuzz_repair_body(uint8_t *data, size_t len, const struct dk_header *h, struct fuzz_body *ret_body)
{
	uint8_t *head = data + h->block_len;
	size_t left = len - h->block_len;
	uint8_t digest[DK_SHA384_BYTES];
	struct dk_object_keys keys;
	struct dk_floe floe;

	memset(ret_body, 0, sizeof(*ret_body));
	ret_body->plaintext = malloc(len);
	FUZZ_CHECK(ret_body->plaintext != NULL);
	if (left < DK_FLOE_HEADER_BYTES)
		return;
	core_digest(data, h, digest);
	object_keys(data, h, &keys);
	repair_body_tag(head, &keys, digest);
	if (dk_floe_open_start(&keys.body, digest, sizeof(digest), h->segment_len,
		DK_FLOE_ROTATION_BITS, head, &floe) != DK_OK)
		return;
	ret_body->header_ok = true;
	repair_segments(head + DK_FLOE_HEADER_BYTES, left - DK_FLOE_HEADER_BYTES, &floe, ret_body);
}
