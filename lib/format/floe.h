/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FLOE (c2sp.org/FLOE) with AES-256-GCM and HKDF-Expand-SHA-384: the body of an
 * object, spec/envelope.md section 3.3.
 *
 * struct dk_floe is what all segments share and is immutable once it is
 * started. A lane belongs to one thread and keeps the AEAD key of the block of
 * segments that it worked on last, and random IVs for the segments to come. In
 * a child of fork() both are there once more, and two texts under one IV give
 * away both: so a lane seals only in the process that made it.
 */
#ifndef DK_FORMAT_FLOE_H
#define DK_FORMAT_FLOE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "doublekey/error.h"

#define DK_FLOE_HEADER_BYTES 74u
#define DK_FLOE_IV_BYTES 32u
#define DK_FLOE_SEGMENT_HEAD_BYTES 16u /* mark and IV */
#define DK_FLOE_SEGMENT_OVERHEAD_BYTES 32u
#define DK_FLOE_AAD_MAX_BYTES 48u
/* A new AEAD key every 2^20 segments; only known answers use another number. */
#define DK_FLOE_ROTATION_BITS 20u
#define DK_FLOE_SEGMENTS_MAX (UINT64_C(1) << 32)

struct dk_floe {
	struct dk_secret48 message_key;
	uint32_t segment_len;
	unsigned rotation_bits;
	uint8_t prefix[10 + DK_FLOE_IV_BYTES]; /* parameters and IV */
	uint8_t aad[DK_FLOE_AAD_MAX_BYTES];
	size_t aad_len;
};

/* aad_len is at most DK_FLOE_AAD_MAX_BYTES; segment_len at least 33 bytes. */
DK_MUST_USE dk_err dk_floe_seal_start(const struct dk_secret32 *key, const uint8_t *aad,
    size_t aad_len, uint32_t segment_len, unsigned rotation_bits, struct dk_floe *ret_floe,
    uint8_t ret_header[DK_FLOE_HEADER_BYTES]);
/* DK_ERR_BODY_HEADER: other parameters; DK_ERR_BODY_TAG: the tag is wrong. */
DK_MUST_USE dk_err dk_floe_open_start(const struct dk_secret32 *key, const uint8_t *aad,
    size_t aad_len, uint32_t segment_len, unsigned rotation_bits,
    const uint8_t header[DK_FLOE_HEADER_BYTES], struct dk_floe *ret_floe);

struct dk_floe_lane;
DK_MUST_USE dk_err dk_floe_lane_new(struct dk_floe_lane **ret);
/* NULL is allowed; wipes the key. */
void dk_floe_lane_free(struct dk_floe_lane *lane);

/*
 * Encrypt one segment into out, len + DK_FLOE_SEGMENT_OVERHEAD_BYTES bytes. pt
 * may stand at out + DK_FLOE_SEGMENT_HEAD_BYTES. A segment that is not the last
 * one must be full: DK_ERR_ARGUMENT. In a child of the process that made the
 * lane: DK_ERR_STATE.
 */
DK_MUST_USE dk_err dk_floe_lane_seal(struct dk_floe_lane *lane, const struct dk_floe *floe,
    uint64_t position, bool final, const uint8_t *pt, size_t len, uint8_t *out);
/*
 * Open one segment of len bytes; pt has room for len less the overhead and may
 * stand at segment + DK_FLOE_SEGMENT_HEAD_BYTES.
 *
 * Errors:  DK_ERR_SEGMENT_MARK  the mark or the length does not fit final
 *          DK_ERR_SEGMENT_AUTH  the tag is wrong; pt is all zero
 */
DK_MUST_USE dk_err dk_floe_lane_open(struct dk_floe_lane *lane, const struct dk_floe *floe,
    uint64_t position, bool final, const uint8_t *segment, size_t len, uint8_t *pt,
    size_t *ret_len);

#endif
