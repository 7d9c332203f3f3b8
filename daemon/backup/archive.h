/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a backup, spec/custody.md section 4: bytes under a passphrase, in
 * one pass and with little memory. What is read was verified before; that the
 * last byte was read is known only when archive_read() says the end.
 */
#ifndef DK_BACKUP_ARCHIVE_H
#define DK_BACKUP_ARCHIVE_H

#include <stdbool.h>

#include "crypto/argon2.h"
#include "format/floe.h"
#include "keyd/sealed.h"

#define ARCHIVE_SEGMENT_BYTES 65536u
#define ARCHIVE_PLAIN_BYTES (ARCHIVE_SEGMENT_BYTES - DK_FLOE_SEGMENT_OVERHEAD_BYTES)

enum archive_err {
	ARCHIVE_OK,
	ARCHIVE_FOREIGN,    /* not a backup */
	ARCHIVE_PASSPHRASE, /* a backup, and another passphrase */
	ARCHIVE_DAMAGED,    /* changed or cut */
	ARCHIVE_IO,
};
/* "backup-foreign: ..." and the like; static. */
const char *archive_text(enum archive_err err);

struct archive {
	int fd;
	struct dk_floe floe;
	struct dk_floe_lane *lane;
	uint64_t position;
	uint8_t plain[ARCHIVE_SEGMENT_BYTES];
	size_t len; /* in plain */
	size_t at;  /* reading: taken of plain */
	uint8_t next[ARCHIVE_SEGMENT_BYTES]; /* reading: one segment ahead */
	size_t next_len;
	bool ended;
};

enum archive_err archive_create(struct archive *a, int fd, const struct passphrase *passphrase,
    uint32_t memory_kib);
enum archive_err archive_write(struct archive *a, const void *data, size_t len);
/* Everything is in the file and synced. */
enum archive_err archive_finish(struct archive *a);

enum archive_err archive_open(struct archive *a, int fd, const struct passphrase *passphrase);
/* Exactly len bytes; ARCHIVE_DAMAGED where there are fewer. */
enum archive_err archive_read(struct archive *a, void *out, size_t len);
/* Whether the end was reached and nothing is behind it. */
bool archive_at_end(struct archive *a);

void archive_clear(struct archive *a);

#endif
