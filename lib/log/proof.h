/* SPDX-License-Identifier: Apache-2.0 */
/* Proof files, spec/log.md section 10; C2SP tlog-proof. */
#ifndef DK_LOG_PROOF_H
#define DK_LOG_PROOF_H

#include <stdbool.h>

#include "log/checkpoint.h"
#include "log/merkle.h"

#define DK_LOG_PROOF_FILE_MAX_BYTES 131072
#define DK_LOG_PROOF_EXTRA_MAX_BYTES 4096

struct dk_log_proof {
	uint64_t index;
	unsigned hash_count;
	uint8_t hashes[DK_PROOF_HASHES_MAX * DK_HASH_BYTES];
	bool has_extra;
	size_t extra_len;
	uint8_t extra[DK_LOG_PROOF_EXTRA_MAX_BYTES];
	const char *checkpoint; /* borrowed: a note */
	size_t checkpoint_len;
};

/* DK_ERR_LOG_FILE: another layout. ret_proof points into text. */
DK_MUST_USE dk_err dk_log_proof_parse(
    const char *text, size_t len, struct dk_log_proof *ret_proof);

/* text has room for DK_LOG_PROOF_FILE_MAX_BYTES. DK_ERR_ARGUMENT: it does not fit. */
DK_MUST_USE dk_err dk_log_proof_write(
    const struct dk_log_proof *proof, char *text, size_t *ret_len);

/*
 * Whether an entry stands in the tree of a checkpoint that the caller has checked.
 *
 * Errors:  DK_ERR_LOG_TREE  the proof does not lead from the entry to the root
 */
DK_MUST_USE dk_err dk_log_proof_check(const struct dk_log_proof *proof,
    const struct dk_checkpoint *checkpoint, const uint8_t *entry, size_t len);

#endif
