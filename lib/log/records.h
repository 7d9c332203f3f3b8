/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records files, spec/log.md section 11: private records with what they belong to.
 * Read from a descriptor, one entry after the other, with one buffer.
 */
#ifndef DK_LOG_RECORDS_H
#define DK_LOG_RECORDS_H

#include "log/record.h"

#define DK_RECORDS_MAGIC "DKLREC1\n"
#define DK_RECORDS_MAGIC_BYTES 8
#define DK_RECORDS_HEAD_BYTES (8 + DK_LEAF_BYTES + 4)

struct dk_records {
	int fd; /* the caller's */
	uint8_t *buffer;
	size_t at, have;
	bool begun, ended;
	uint64_t count; /* entries that were read: the place of an error */
	uint64_t least; /* what the next index must not be below */
};

struct dk_records_entry {
	uint64_t index;
	const uint8_t *leaf;   /* DK_LEAF_BYTES; valid until the next call */
	const uint8_t *record; /* likewise */
	size_t len;
};

DK_MUST_USE dk_err dk_records_init(struct dk_records *records, int fd);
void dk_records_clear(struct dk_records *records);

/*
 * The next entry.
 *
 * Out:     ret_more  false: the file has ended, there is no entry
 * Errors:  DK_ERR_LOG_FILE  another layout; records->count is the place
 *          DK_ERR_READ
 */
DK_MUST_USE dk_err dk_records_next(
    struct dk_records *records, struct dk_records_entry *ret_entry, bool *ret_more);

/* What stands before a record in the file. */
void dk_records_head(uint64_t index, const uint8_t leaf[DK_LEAF_BYTES], size_t len,
    uint8_t ret_head[DK_RECORDS_HEAD_BYTES]);

#endif
