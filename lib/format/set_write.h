/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a stanza set, for a new object and for a rewrap, and the rules about
 * who may stand on which side (spec/envelope.md sections 6.2 and 10).
 */
#ifndef DK_FORMAT_SET_WRITE_H
#define DK_FORMAT_SET_WRITE_H

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/crypto.h"
#include "format/header.h"
#include "format/key_impl.h"
#include "format/schedule.h"

struct dk_set_plan {
	dk_side side;
	uint32_t epoch;
	struct dk_key *const *keys;
	size_t key_count;
	/* Rewrap: the set that is replaced, in its block. NULL: a new object. */
	const uint8_t *old_block;
	const struct dk_set *old_set;
};

/*
 * Every key is for this side and stands once: DK_ERR_KEY_SIDE, DK_ERR_SAME_KEY,
 * DK_ERR_ARGUMENT (none), DK_ERR_TOO_MANY_STANZAS.
 */
DK_MUST_USE dk_err dk_set_keys_check(dk_side side, struct dk_key *const *keys, size_t count);

/*
 * The keys, and behind them the recovery keys that they bring and that are not
 * there yet. ret_keys has room for DK_STANZAS_MAX: DK_ERR_TOO_MANY_STANZAS.
 */
DK_MUST_USE dk_err dk_set_keys_all(struct dk_key *const *keys, size_t count,
    struct dk_key **ret_keys, size_t *ret_count);

/* No key and no custodian stands on both sides: DK_ERR_SAME_KEY, DK_ERR_SAME_CUSTODIAN. */
DK_MUST_USE dk_err dk_set_sides_check(struct dk_key *const *customer, size_t customer_count,
    struct dk_key *const *provider, size_t provider_count);

/* Wrap the share for each key and append the whole set, set MAC included. */
DK_MUST_USE dk_err dk_set_write(struct dk_writer_buf *wr, const struct dk_set_plan *plan,
    const uint8_t core_digest[DK_SHA384_BYTES], const struct dk_secret32 *share,
    const struct dk_side_keys *side_keys);

/* A reader takes the block, which is as long as the writer. Some of it comes from systems that hold
 * keys; what none could open any more, whatever keys it has, is not written. */
DK_MUST_USE dk_err dk_block_check(const struct dk_writer_buf *wr);

#endif
