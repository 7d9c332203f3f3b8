/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts, spec/log.md section 7. */
#ifndef DK_LOG_RECEIPT_H
#define DK_LOG_RECEIPT_H

#include "base/bytes.h"
#include "log/checkpoint.h"
#include "log/merkle.h"
#include "log/quorum.h"
#include "log/record.h"

/* Borrowed from the bytes that were parsed. */
struct dk_receipt {
	const uint8_t *leaf;
	uint64_t index;
	unsigned hash_count;
	const uint8_t *hashes;
	const char *checkpoint;
	size_t checkpoint_len;
	const uint8_t *record;
	size_t record_len;
};

/* Bytes around the record. */
#define DK_RECEIPT_FRAME_BYTES                                                                     \
	(DK_LEAF_BYTES + 8 + 1 + DK_PROOF_HASHES_MAX * 32 + 2 + DK_CHECKPOINT_MAX_BYTES + 4)

void dk_receipt_write(struct dk_writer_buf *wr, const struct dk_receipt *receipt);

/* Its layout. False: another one, or something behind it. */
DK_MUST_USE bool dk_receipt_parse(const uint8_t *bytes, size_t len, struct dk_receipt *ret_receipt);

/* The checkpoint in a receipt that was verified. */
void dk_receipt_checkpoint(
    const uint8_t *bytes, size_t len, const char **ret_text, size_t *ret_len);

/*
 * All of section 7 but the meaning of the event, which is the caller's to
 * compare. objects has room for DK_LOG_OBJECTS_MAX; event points to it.
 * DK_ERR_RECEIPT for every failure.
 */
DK_MUST_USE dk_err dk_receipt_verify(const struct dk_log_keys *keys, const uint8_t *bytes,
    size_t len, struct dk_log_object *objects, struct dk_log_event *ret_event, uint64_t *ret_index);

/*
 * Whether the quorum cosigned the checkpoint of a receipt, which is verified.
 *
 * Errors:  DK_ERR_LOG_QUORUM     too few of them
 *          DK_ERR_LOG_SIGNATURE  one of them does not hold
 *          DK_ERR_RECEIPT        no receipt
 */
DK_MUST_USE dk_err dk_receipt_quorum(
    const struct dk_quorum *quorum, const uint8_t *bytes, size_t len);

#endif
