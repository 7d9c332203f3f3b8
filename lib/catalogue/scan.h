/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a catalogue, for the program that walks the places. One thread writes; headers
 * are put into the form that is written (dk_catalogue_seen_parse) by any number of threads.
 *
 * Spec: spec/catalogue.md
 */
#ifndef DK_CATALOGUE_SCAN_H
#define DK_CATALOGUE_SCAN_H

#include "catalogue/catalogue.h"

#define DK_CATALOGUE_STAMP_MAX_BYTES 64
#define DK_CATALOGUE_NAME_MAX_BYTES 1024
#define DK_CATALOGUE_PLACE_BYTES 64
/* Of places that are asked for at once. */
#define DK_CATALOGUE_PAGE 512

/* What a header says, as far as a catalogue holds it. */
struct dk_catalogue_seen_set {
	uint32_t epoch;
	uint8_t digest[32];
	size_t first; /* of its keys in key[] */
	size_t count;
	size_t stanzas; /* the first ones of them; the others are former */
};

struct dk_catalogue_seen {
	uint8_t object_id[16];
	uint8_t core_digest[48];
	uint64_t created;
	char tenant[256];
	char label[256];
	bool has_creator;
	uint8_t creator[32];
	struct dk_catalogue_seen_set set[2]; /* customer, provider */
	/* One for each stanza and former stanza, one behind the other: u8 side, u16 type, key id[32],
	 * custodian[48], u16 length, name, u8 length, version. */
	uint8_t *keys;
	size_t keys_len;
};

/*
 * Parse a header block.
 *
 * Spec:    spec/envelope.md section 9 step 1
 * In:      block  len bytes from the start of the object, which may reach into the body
 * Out:     ret    dk_catalogue_seen_free()
 * Errors:  those of dk_header_parse(), with their place; DK_ERR_NOMEM, DK_ERR_CRYPTO
 */
DK_MUST_USE dk_err dk_catalogue_seen_parse(const uint8_t *block, size_t len,
    struct dk_catalogue_seen **ret, struct dk_place *ret_place);
/* NULL is allowed. */
void dk_catalogue_seen_free(struct dk_catalogue_seen *seen);

/* What a scan found at one place. error, and then place, is empty if there was none; seen is
 * NULL for what is no object. */
struct dk_catalogue_found {
	const char *name;
	size_t name_len;
	uint8_t stamp[DK_CATALOGUE_STAMP_MAX_BYTES];
	size_t stamp_len;
	uint64_t size;
	bool fresh; /* dk_catalogue_known() has no such place */
	char error[32];
	char place[DK_CATALOGUE_PLACE_BYTES];
	struct dk_catalogue_seen *seen;
};

/* What the catalogue knows of a place. */
struct dk_catalogue_known {
	char name[DK_CATALOGUE_NAME_MAX_BYTES + 1];
	size_t name_len;
	uint8_t stamp[DK_CATALOGUE_STAMP_MAX_BYTES];
	size_t stamp_len;
	bool is_object;
	bool is_problem;
	uint64_t folder; /* of dk_catalogue_children() */
};

/* What put() did, for the summary. */
struct dk_catalogue_counts {
	uint64_t objects;  /* new ones */
	uint64_t rewrapped; /* known ones with a set that was not known */
};

struct dk_catalogue_writer;

/*
 * Open a catalogue to write; it is made if there is none. It is locked until it is closed.
 *
 * Errors:  DK_ERR_WRITE (errno is set), DK_ERR_CATALOGUE_FILE, DK_ERR_CATALOGUE_VERSION,
 *          DK_ERR_CATALOGUE_BUSY. These are those of all functions below, too.
 */
DK_MUST_USE dk_err dk_catalogue_writer_open(const char *path, struct dk_catalogue_writer **ret);
/* What was not committed is forgotten. NULL is allowed. */
void dk_catalogue_writer_close(struct dk_catalogue_writer *writer);

/* Make durable what was written, and go on. */
DK_MUST_USE dk_err dk_catalogue_commit(struct dk_catalogue_writer *writer);

/* Begin a scan of a root; now is that of all times written until its end. */
DK_MUST_USE dk_err dk_catalogue_begin(struct dk_catalogue_writer *writer, const char *root,
    size_t root_len, uint64_t now, uint64_t *ret_scan);
/* Everything below the root, whose row is folder, was looked at. missed as in struct dk_catalogue_scan. */
DK_MUST_USE dk_err dk_catalogue_end(
    struct dk_catalogue_writer *writer, uint64_t scan, uint64_t folder, uint64_t now, uint64_t *ret_missed);

/* The row of a folder, made if there is none. parent 0: a root, which keeps the parent that it has. */
DK_MUST_USE dk_err dk_catalogue_folder(struct dk_catalogue_writer *writer, uint64_t parent,
    const char *path, size_t len, uint64_t *ret_folder);
/* error NULL: none. */
DK_MUST_USE dk_err dk_catalogue_folder_error(
    struct dk_catalogue_writer *writer, uint64_t folder, const char *error, const char *place);
/* Folders below one: the next up to cap ids above after, with the last part of their paths in
 * name of struct dk_catalogue_known. */
DK_MUST_USE dk_err dk_catalogue_children(struct dk_catalogue_writer *writer, uint64_t folder,
    uint64_t *after, struct dk_catalogue_known *ret, size_t cap, size_t *ret_count);
/* The folder and all below it are gone. */
DK_MUST_USE dk_err dk_catalogue_folder_gone(struct dk_catalogue_writer *writer, uint64_t folder);

/* What is known in a folder, behind the name after (NULL: from the start), at most cap places in the
 * order of the bytes of their names. */
DK_MUST_USE dk_err dk_catalogue_known(struct dk_catalogue_writer *writer, uint64_t folder,
    const char *after, size_t len, struct dk_catalogue_known *ret, size_t cap, size_t *ret_count);
/* What was found at a place. */
DK_MUST_USE dk_err dk_catalogue_put(struct dk_catalogue_writer *writer, uint64_t folder,
    const struct dk_catalogue_found *found);
/* A place that is there no more. */
DK_MUST_USE dk_err dk_catalogue_gone(
    struct dk_catalogue_writer *writer, uint64_t folder, const char *name, size_t len);

/* What was put since it was opened. */
void dk_catalogue_counted(
    const struct dk_catalogue_writer *writer, struct dk_catalogue_counts *ret);

#endif
