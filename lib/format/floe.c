/* SPDX-License-Identifier: Apache-2.0 */
#include "format/floe.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fork.h"
#include "crypto/crypto.h"

#define MARK_BYTES 4u
#define MARK_INNER UINT32_MAX
#define HEADER_TAG_BYTES 32u
/* IVs are drawn for this many segments at once. */
#define IV_POOL 64u

struct dk_floe_lane {
	struct dk_gcm_lane *gcm;
	/* Whose key the lane has: a block of segments under one message key. */
	struct dk_secret48 message_key;
	uint64_t block;
	bool have_key;
	bool encrypt;
	uint8_t iv[IV_POOL][DK_GCM_IV_BYTES];
	unsigned iv_left;
	uint64_t generation; /* of the process that made the lane */
};

/* FLOE_KDF; the purpose comes in two parts, of which the second may be empty. */
static dk_err
floe_kdf(const struct dk_secret48 *key, const struct dk_floe *floe, const char *purpose,
    const uint8_t *more, size_t more_len, uint8_t *out, size_t len)
{
	uint8_t info[sizeof(floe->prefix) + 24 + DK_FLOE_AAD_MAX_BYTES];
	struct dk_writer_buf wr;

	dk_wr_init(&wr, info, sizeof(info));
	dk_wr_bytes(&wr, floe->prefix, sizeof(floe->prefix));
	dk_wr_bytes(&wr, purpose, strlen(purpose));
	dk_wr_bytes(&wr, more, more_len);
	dk_wr_bytes(&wr, floe->aad, floe->aad_len);
	if (wr.failed)
		return DK_ERR_ARGUMENT;
	return dk_hkdf_expand(DK_SHA384, key, info, wr.len, out, len);
}

/* Parameters and associated data; the IV is the caller's. */
static dk_err
init(struct dk_floe *floe, const uint8_t *aad, size_t aad_len, uint32_t segment_len,
    unsigned rotation_bits)
{
	struct dk_writer_buf wr;

	if (aad_len > DK_FLOE_AAD_MAX_BYTES || rotation_bits > 32 ||
	    segment_len <= DK_FLOE_SEGMENT_OVERHEAD_BYTES)
		return DK_ERR_ARGUMENT;
	memset(floe, 0, sizeof(*floe));
	floe->segment_len = segment_len;
	floe->rotation_bits = rotation_bits;
	memcpy(floe->aad, aad, aad_len);
	floe->aad_len = aad_len;
	dk_wr_init(&wr, floe->prefix, sizeof(floe->prefix));
	dk_wr_u16(&wr, 0); /* AES-256-GCM, HKDF-Expand-SHA-384 */
	dk_wr_u32(&wr, segment_len);
	dk_wr_u32(&wr, DK_FLOE_IV_BYTES);
	return DK_OK;
}

/* Header tag and message key, once prefix and aad are complete. */
static dk_err
derive(struct dk_floe *floe, const struct dk_secret32 *key, uint8_t tag[HEADER_TAG_BYTES])
{
	/* HMAC pads a key with zeros, so 16 more of them do not change it. */
	dk_auto_secret48 prk = { { 0 } };
	dk_err err;

	memcpy(prk.bytes, key->bytes, sizeof(key->bytes));
	err = floe_kdf(&prk, floe, "HEADER_TAG:", NULL, 0, tag, HEADER_TAG_BYTES);
	if (err != DK_OK)
		return err;
	return floe_kdf(&prk, floe, "MESSAGE_KEY:", NULL, 0, floe->message_key.bytes,
	    sizeof(floe->message_key.bytes));
}

dk_err
dk_floe_seal_start(const struct dk_secret32 *key, const uint8_t *aad, size_t aad_len,
    uint32_t segment_len, unsigned rotation_bits, struct dk_floe *ret_floe,
    uint8_t ret_header[DK_FLOE_HEADER_BYTES])
{
	uint8_t tag[HEADER_TAG_BYTES];
	struct dk_floe floe;
	dk_err err;

	err = init(&floe, aad, aad_len, segment_len, rotation_bits);
	if (err == DK_OK)
		err = dk_random(floe.prefix + 10, DK_FLOE_IV_BYTES);
	if (err == DK_OK)
		err = derive(&floe, key, tag);
	if (err == DK_OK) {
		memcpy(ret_header, floe.prefix, sizeof(floe.prefix));
		memcpy(ret_header + sizeof(floe.prefix), tag, sizeof(tag));
		*ret_floe = floe;
	}
	dk_wipe(&floe, sizeof(floe));
	return err;
}

dk_err
dk_floe_open_start(const struct dk_secret32 *key, const uint8_t *aad, size_t aad_len,
    uint32_t segment_len, unsigned rotation_bits, const uint8_t header[DK_FLOE_HEADER_BYTES],
    struct dk_floe *ret_floe)
{
	uint8_t tag[HEADER_TAG_BYTES];
	struct dk_floe floe;
	dk_err err;

	err = init(&floe, aad, aad_len, segment_len, rotation_bits);
	if (err != DK_OK)
		return err;
	if (memcmp(header, floe.prefix, 10) != 0)
		return DK_ERR_BODY_HEADER;
	memcpy(floe.prefix, header, sizeof(floe.prefix));
	err = derive(&floe, key, tag);
	if (err == DK_OK && !dk_equal_ct(tag, header + sizeof(floe.prefix), sizeof(tag)))
		err = DK_ERR_BODY_TAG;
	if (err == DK_OK)
		*ret_floe = floe;
	dk_wipe(&floe, sizeof(floe));
	return err;
}

dk_err
dk_floe_lane_new(struct dk_floe_lane **ret)
{
	struct dk_floe_lane *lane = calloc(1, sizeof(*lane));
	dk_err err;

	if (!lane)
		return DK_ERR_NOMEM;
	err = dk_gcm_lane_new(&lane->gcm);
	if (err != DK_OK) {
		free(lane);
		return err;
	}
	lane->generation = dk_fork_generation();
	*ret = lane;
	return DK_OK;
}

void
dk_floe_lane_free(struct dk_floe_lane *lane)
{
	if (!lane)
		return;
	dk_gcm_lane_free(lane->gcm);
	dk_wipe(lane, sizeof(*lane));
	free(lane);
}

/* Give the lane the AEAD key for a position, unless it has it. */
static dk_err
use_key(struct dk_floe_lane *lane, const struct dk_floe *floe, uint64_t position, bool encrypt)
{
	uint64_t block = position >> floe->rotation_bits << floe->rotation_bits;
	dk_auto_secret32 key = { { 0 } };
	struct dk_writer_buf wr;
	uint8_t number[8];
	dk_err err;

	if (lane->have_key && lane->encrypt == encrypt && lane->block == block &&
	    dk_equal_ct(lane->message_key.bytes, floe->message_key.bytes, 48))
		return DK_OK;
	lane->have_key = false;
	dk_wr_init(&wr, number, sizeof(number));
	dk_wr_u64(&wr, block);
	err = floe_kdf(
	    &floe->message_key, floe, "DEK:", number, sizeof(number), key.bytes, sizeof(key.bytes));
	if (err != DK_OK)
		return err;
	err = dk_gcm_lane_key(lane->gcm, &key, encrypt);
	if (err != DK_OK)
		return err;
	lane->message_key = floe->message_key;
	lane->block = block;
	lane->encrypt = encrypt;
	lane->have_key = true;
	return DK_OK;
}

/* IVs are public, so that those left over need no wiping. */
static dk_err
next_iv(struct dk_floe_lane *lane, uint8_t iv[DK_GCM_IV_BYTES])
{
	dk_err err;

	if (lane->iv_left == 0) {
		err = dk_random(lane->iv, sizeof(lane->iv));
		if (err != DK_OK)
			return err;
		lane->iv_left = IV_POOL;
	}
	memcpy(iv, lane->iv[--lane->iv_left], DK_GCM_IV_BYTES);
	return DK_OK;
}

static void
segment_aad(uint64_t position, bool final, uint8_t aad[9])
{
	struct dk_writer_buf wr;

	dk_wr_init(&wr, aad, 9);
	dk_wr_u64(&wr, position);
	dk_wr_u8(&wr, final ? 1 : 0);
}

static void
write_mark(uint8_t *out, uint32_t mark)
{
	struct dk_writer_buf wr;

	dk_wr_init(&wr, out, MARK_BYTES);
	dk_wr_u32(&wr, mark);
}

dk_err
dk_floe_lane_seal(struct dk_floe_lane *lane, const struct dk_floe *floe, uint64_t position,
    bool final, const uint8_t *pt, size_t len, uint8_t *out)
{
	size_t full = floe->segment_len - DK_FLOE_SEGMENT_OVERHEAD_BYTES;
	uint8_t *iv = out + MARK_BYTES;
	uint8_t *ct = out + DK_FLOE_SEGMENT_HEAD_BYTES;
	uint8_t aad[9];
	dk_err err;

	if (len > full || (!final && len != full))
		return DK_ERR_ARGUMENT;
	if (lane->generation != dk_fork_generation())
		return DK_ERR_STATE;
	err = use_key(lane, floe, position, true);
	if (err != DK_OK)
		return err;
	err = next_iv(lane, iv);
	if (err != DK_OK)
		return err;
	write_mark(out, final ? (uint32_t)len + DK_FLOE_SEGMENT_OVERHEAD_BYTES : MARK_INNER);
	segment_aad(position, final, aad);
	return dk_gcm_lane_seal(lane->gcm, iv, aad, sizeof(aad), pt, len, ct, ct + len);
}

dk_err
dk_floe_lane_open(struct dk_floe_lane *lane, const struct dk_floe *floe, uint64_t position,
    bool final, const uint8_t *segment, size_t len, uint8_t *pt, size_t *ret_len)
{
	const uint8_t *ct = segment + DK_FLOE_SEGMENT_HEAD_BYTES;
	struct dk_reader_buf rd;
	size_t text;
	uint8_t aad[9];
	dk_err err;

	dk_rd_init(&rd, segment, len);
	if (len < DK_FLOE_SEGMENT_OVERHEAD_BYTES || len > floe->segment_len ||
	    (!final && len != floe->segment_len) || dk_rd_u32(&rd) != (final ? len : MARK_INNER))
		return DK_ERR_SEGMENT_MARK;
	err = use_key(lane, floe, position, false);
	if (err != DK_OK)
		return err;
	text = len - DK_FLOE_SEGMENT_OVERHEAD_BYTES;
	segment_aad(position, final, aad);
	err = dk_gcm_lane_open(
	    lane->gcm, segment + MARK_BYTES, aad, sizeof(aad), ct, text, ct + text, pt);
	if (err == DK_OK)
		*ret_len = text;
	return err;
}
