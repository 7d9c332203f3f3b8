/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest of an evidence bundle, spec/evidence.md sections 2 and 3. */
#ifndef DK_EVIDENCE_MANIFEST_H
#define DK_EVIDENCE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "doublekey/error.h"

#define DK_MANIFEST_MAX_BYTES 67108864u
#define DK_MANIFEST_PARTS_MAX 400000u
#define DK_MANIFEST_HEAD_BYTES 512u  /* of the lines before the first part, at most */
#define DK_MANIFEST_PART_BYTES 200u  /* of the line of a part, at most */
#define DK_MANIFEST_VERSION_BYTES 33 /* with the NUL */
#define DK_EVIDENCE_NAME_MAX_BYTES 100
#define DK_EVIDENCE_PART_MAX_BYTES ((UINT64_C(1) << 33) - 1)

struct dk_evidence_part {
	const char *name; /* within manifest->names, or the caller's */
	uint64_t size;
	uint8_t digest[DK_SHA256_BYTES];
};

struct dk_manifest {
	uint64_t time; /* seconds since 1970 */
	char version[DK_MANIFEST_VERSION_BYTES];
	uint8_t program[DK_SHA256_BYTES];
	uint8_t recipient[32];
	uint64_t until; /* seconds since 1970; 0: no record was left out */
	bool persons;
	size_t count;
	struct dk_evidence_part *part;
	char *names; /* of parts that were parsed */
};
/* Of one that was parsed. */
void dk_manifest_clear(struct dk_manifest *manifest);

/*
 * Out:     ret_manifest  dk_manifest_clear(), if DK_OK
 *          ret_line      of what is wrong, from 1
 * Errors:  DK_ERR_EVIDENCE_FILE, DK_ERR_NOMEM
 */
DK_MUST_USE dk_err dk_manifest_parse(
    const char *text, size_t len, struct dk_manifest *ret_manifest, unsigned *ret_line);

/* The text; wr->failed: no room. Parts must be in their order and have names that are valid. */
void dk_manifest_write(struct dk_writer_buf *wr, const struct dk_manifest *manifest);

/* Whether a part may have this name. */
bool dk_evidence_name_valid(const char *name);
/* Whether a part with this digest may have this valid name: policies are named by theirs. */
bool dk_evidence_name_is_of(const char *name, const uint8_t digest[DK_SHA256_BYTES]);
/* The part of this name, or NULL. */
const struct dk_evidence_part *dk_manifest_find(
    const struct dk_manifest *manifest, const char *name);

#endif
