/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an object up to its first segment: spec/envelope.md section 9, steps 1 to 8. */
#ifndef DK_FORMAT_OPEN_H
#define DK_FORMAT_OPEN_H

#include "base/secret.h"
#include "doublekey/reader.h"
#include "format/floe.h"
#include "format/schedule.h"
#include "format/source.h"

struct dk_key_batch; /* format/key_batch.h */

/* An object whose header and body header are verified. */
struct dk_opened {
	uint64_t segments; /* offset of the first segment in the object */
	uint32_t segment_len;
	struct dk_floe floe;
	struct dk_object_metadata metadata;
};
void dk_opened_clear(struct dk_opened *opened);
#define dk_auto_opened __attribute__((cleanup(dk_opened_clear))) struct dk_opened

DK_MUST_USE dk_err dk_open(const struct dk_decrypt_params *params, const struct dk_source *in,
    struct dk_opened *ret_opened, struct dk_place *ret_place);

/* Steps 1 to 3, and what step 4 will need into the batch; nothing if they fail. */
void dk_open_ahead(const struct dk_decrypt_params *params, const struct dk_source *in,
    struct dk_key_batch *batch, size_t index);

/*
 * Step 4 for one side: find a stanza for one of the keys, unwrap it, check the
 * share commitment and the set MAC. core_digest is that of the block.
 */
DK_MUST_USE dk_err dk_open_side(const struct dk_block *block, dk_side side,
    struct dk_key *const *keys, size_t count, const uint8_t core_digest[DK_SHA384_BYTES],
    struct dk_secret32 *ret_share, struct dk_side_keys *ret_side_keys, struct dk_place *ret_place);

/* From stanza number *stanza on, the first for one of the keys: which key, or NULL. */
const struct dk_key *dk_open_next(const struct dk_block *block, dk_side side,
    struct dk_key *const *keys, size_t count, uint32_t *stanza);
/* Whether step 4 goes on to the next one after this error. */
bool dk_open_may_try_next(dk_err err);

/* Step 2 and the core digest. */
DK_MUST_USE dk_err dk_open_digests(const struct dk_block *block,
    uint8_t ret_core_digest[DK_SHA384_BYTES], struct dk_place *ret_place);

/* Step 3. */
DK_MUST_USE dk_err dk_open_epoch(
    const struct dk_block *block, dk_side side, uint32_t min_epoch, struct dk_place *ret_place);

#endif
