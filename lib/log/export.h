/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exports of a log, spec/export.md: private records with their proofs, sealed to one auditor.
 * Both ways need memory for a segment and an entry, whatever the length of the file.
 */
#ifndef DK_LOG_EXPORT_H
#define DK_LOG_EXPORT_H

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "crypto/hpke.h"
#include "log/checkpoint.h"
#include "log/merkle.h"
#include "log/record.h"

#define DK_EXPORT_MAGIC "DKEXPORT"
#define DK_EXPORT_VERSION 1
#define DK_EXPORT_HEAD_BYTES (8 + 2 + 2 + 32) /* without enc */
#define DK_EXPORT_SEGMENT_BYTES 65536
#define DK_EXPORT_SEALED_BYTES (DK_EXPORT_SEGMENT_BYTES + DK_GCM_TAG_BYTES)
#define DK_EXPORT_CONTENT_MAGIC "DKRECS1\n"
#define DK_EXPORT_ENTRY_MAX_BYTES                                                                  \
	(8 + DK_LEAF_BYTES + 1 + DK_PROOF_HASHES_MAX * DK_HASH_BYTES + 4 + DK_RECORD_MAX_BYTES)
#define DK_EXPORT_NOTE_BYTES (DK_LOG_NOTE_MAX_BYTES + 1)

/* Which records; a record meets all that is given. */
struct dk_export_chosen {
	uint64_t since, until; /* 0: not given */
	char user[DK_LOG_NAME_MAX_BYTES + 1];
	bool has_device, has_object;
	uint8_t device[32];
	uint8_t object[16];
};

/* export.c: the note of the record of the export (section 1). False: a time that has no text. */
bool dk_export_note(const struct dk_export_chosen *chosen, char ret_note[DK_EXPORT_NOTE_BYTES]);
/* Whether it is a note that some choice has. */
bool dk_export_note_valid(const char *note);
bool dk_export_is_chosen(const struct dk_export_chosen *chosen, const struct dk_log_event *event);
/* What HPKE binds: section 2. ret_info has room for DK_INFO_MAX_BYTES. */
DK_MUST_USE dk_err dk_export_info(const char *label, const uint8_t head[DK_EXPORT_HEAD_BYTES],
    uint8_t *ret_info, size_t *ret_len);

struct dk_export_entry {
	uint64_t index;
	const uint8_t *leaf; /* DK_LEAF_BYTES */
	unsigned hash_count;
	const uint8_t *hashes;
	const uint8_t *record;
	size_t len;
	bool last;
};

/* ---- export_write.c ---- */

struct dk_export_writer {
	/* All of them, or an error that ends the writing. */
	dk_err (*write)(void *ctx, const uint8_t *bytes, size_t len);
	void *ctx;
	struct dk_hpke hpke;
	size_t len;
	uint8_t text[DK_EXPORT_SEGMENT_BYTES];
	uint8_t sealed[4 + DK_EXPORT_SEALED_BYTES];
};
void dk_export_writer_clear(struct dk_export_writer *writer);

/*
 * Head, choice and checkpoint. write and ctx of the writer are set by the caller.
 *
 * In:      auditor    public half is enough
 *          ephemeral  NULL, or that of a known-answer test
 * Errors:  DK_ERR_KEY_TYPE  not an EC key
 *          DK_ERR_ARGUMENT  a checkpoint that is too long
 */
DK_MUST_USE dk_err dk_export_begin(struct dk_export_writer *writer, const struct dk_pkey *auditor,
    const struct dk_pkey *ephemeral, const struct dk_export_chosen *chosen, const char *checkpoint,
    size_t len);
/* In ascending order; last is not looked at. */
DK_MUST_USE dk_err dk_export_put(
    struct dk_export_writer *writer, const struct dk_export_entry *entry);
DK_MUST_USE dk_err dk_export_end(struct dk_export_writer *writer);

/*
 * Head and segments of section 2 with another label and content: dk_sealed_put() for all of it,
 * at least one byte, then dk_export_end(). The label says what the content is.
 */
DK_MUST_USE dk_err dk_sealed_begin(struct dk_export_writer *writer, const char *label,
    const struct dk_pkey *auditor, const struct dk_pkey *ephemeral);
DK_MUST_USE dk_err dk_sealed_put(struct dk_export_writer *writer, const void *bytes, size_t len);

/* ---- export_read.c ---- */

struct dk_export {
	int fd;         /* the caller's */
	uint64_t left;  /* bytes of it that may be read */
	uint64_t count; /* entries that were read: the place of an error */
	struct dk_export_chosen chosen;
	uint8_t key_id[32];
	size_t checkpoint_len;
	char checkpoint[DK_NOTE_MAX_BYTES];
	/* the reader's own */
	struct dk_hpke hpke;
	bool ended;        /* the last segment was opened */
	uint32_t next_len; /* of the segment that follows */
	uint64_t least;    /* what the next index must not be below */
	size_t at, have;
	uint8_t text[DK_EXPORT_ENTRY_MAX_BYTES + DK_EXPORT_SEGMENT_BYTES];
	uint8_t sealed[DK_EXPORT_SEALED_BYTES];
};
void dk_export_clear(struct dk_export *x);

/*
 * Steps 1 to 3 of section 4, up to the checkpoint. The caller then looks whether that
 * one is the log's.
 *
 * Errors:  DK_ERR_LOG_FILE     another layout
 *          DK_ERR_VERSION      of another version
 *          DK_ERR_LOG_AUDITOR  for another key
 *          DK_ERR_LOG_SEALED   changed or cut off
 *          DK_ERR_READ
 */
DK_MUST_USE dk_err dk_export_open(struct dk_export *x, int fd, const struct dk_pkey *auditor);

/* The next entry, valid until the next call. ret_more false: there was the last one.
 * Errors as above, but DK_ERR_LOG_AUDITOR. */
DK_MUST_USE dk_err dk_export_next(
    struct dk_export *x, struct dk_export_entry *ret_entry, bool *ret_more);

/*
 * Step 5 for one entry.
 *
 * In:      checkpoint  the caller's: that of x, checked
 *          objects     room for DK_LOG_OBJECTS_MAX; ret_event points to it
 * Errors:  DK_ERR_LOG_TREE    the proof does not lead from the leaf to the root
 *          DK_ERR_LOG_RECORD  it does not open its leaf, was not chosen, or, as the last one,
 *                             is not that of this export
 */
DK_MUST_USE dk_err dk_export_check(const struct dk_export *x,
    const struct dk_checkpoint *checkpoint, const struct dk_export_entry *entry,
    struct dk_log_object *objects, struct dk_log_event *ret_event);

/*
 * The other way: steps 1 and 2 of section 4, from where fd is. The content is authentic when all of
 * it was read.
 *
 * In:      len      of the sealed file, if it is within another one; else UINT64_MAX
 * Out:     ret_len  of a segment that was opened, valid until the next call; 0: that was all
 * Errors:  as of dk_export_open()
 */
DK_MUST_USE dk_err dk_sealed_open(
    struct dk_export *x, int fd, uint64_t len, const char *label, const struct dk_pkey *auditor);
DK_MUST_USE dk_err dk_sealed_next(struct dk_export *x, const uint8_t **ret_bytes, size_t *ret_len);

#endif
