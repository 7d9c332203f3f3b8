/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed notes, their keys, and cosignatures, spec/log.md section 8 (C2SP signed-note,
 * tlog-cosignature). A note points into the text that it was parsed from.
 */
#ifndef DK_LOG_NOTE_H
#define DK_LOG_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/crypto.h"
#include "crypto/ed25519.h"
#include "doublekey/error.h"

#define DK_NOTE_MAX_BYTES 65536
#define DK_NOTE_LINES_MAX 64
#define DK_NOTE_NAME_MAX_BYTES 255
#define DK_NOTE_ID_BYTES 4
#define DK_P256_SPKI_BYTES 91
#define DK_COSIGNATURE_BYTES (8 + DK_ED25519_SIGNATURE_BYTES)
/* What we write: dash, name, base64 of id and signature, line end. */
#define DK_NOTE_LINE_MAX_BYTES (4 + DK_NOTE_NAME_MAX_BYTES + 1 + 120 + 1)
#define DK_VKEY_MAX_BYTES (DK_NOTE_NAME_MAX_BYTES + 160)

struct dk_note {
	const char *text; /* what is signed, up to and with its last line end */
	size_t text_len;
	const char *lines; /* of signatures */
	size_t lines_len;
};

/*
 * Split a note.
 *
 * Spec:    C2SP signed-note, "Format"
 * Errors:  DK_ERR_LOG_NOTE  no empty line or no signature behind the text, not UTF-8, a
 *                           control character, a line that is none of a signature
 * Limits:  DK_NOTE_MAX_BYTES, DK_NOTE_LINES_MAX signatures (also DK_ERR_LOG_NOTE)
 */
DK_MUST_USE dk_err dk_note_parse(const char *bytes, size_t len, struct dk_note *ret_note);

struct dk_note_line {
	const char *name;
	size_t name_len;
	const char *base64; /* of id and signature; well formed up to the id only */
	size_t base64_len;
	uint8_t id[DK_NOTE_ID_BYTES];
};
/* The next line of a note that was parsed, from *at, which starts at 0; false: no more. */
bool dk_note_next(const struct dk_note *note, size_t *at, struct dk_note_line *ret_line);

/* Not empty, UTF-8, no plus, no space of Unicode. */
bool dk_note_name_valid(const char *name, size_t len);

enum dk_note_type {
	DK_NOTE_ED25519 = 1,
	DK_NOTE_ECDSA = 2, /* P-256 with SHA-256 */
	DK_NOTE_COSIGNATURE = 4,
};

struct dk_note_key {
	enum dk_note_type type;
	char name[DK_NOTE_NAME_MAX_BYTES + 1];
	uint8_t id[DK_NOTE_ID_BYTES];
	size_t len;
	uint8_t bytes[DK_P256_SPKI_BYTES]; /* Ed25519 key, or SubjectPublicKeyInfo */
};

/* DK_ERR_LOG_VKEY: a name, type or length that no key has. */
DK_MUST_USE dk_err dk_note_key_make(enum dk_note_type type, const char *name,
    const uint8_t *bytes, size_t len, struct dk_note_key *ret_key);
/* The same for a name and a key that were checked before: they are not parsed again. */
DK_MUST_USE dk_err dk_note_key_of(enum dk_note_type type, const char *name,
    const uint8_t *bytes, size_t len, struct dk_note_key *ret_key);
/* From "NAME+HEX+BASE64" (C2SP signed-note, "Verifier keys"). DK_ERR_LOG_VKEY: another
 * form, another id than that of the key, a type that is not one of the three, no key. */
DK_MUST_USE dk_err dk_note_key_parse(const char *vkey, size_t len, struct dk_note_key *ret_key);
DK_MUST_USE dk_err dk_note_key_text(
    const struct dk_note_key *key, char ret_vkey[DK_VKEY_MAX_BYTES]);

struct dk_note_seen {
	unsigned count; /* lines of the key, all of which hold */
	uint64_t time;  /* of a cosignature, the newest; seconds since 1970 */
};

/*
 * All lines of one key.
 *
 * Out:     ret_seen  count 0: the key did not sign
 * Errors:  DK_ERR_LOG_SIGNATURE  a line has name and id of the key and does not hold
 */
DK_MUST_USE dk_err dk_note_verify(const struct dk_note *note, const struct dk_note_key *key,
    struct dk_note_seen *ret_seen);

/*
 * A signature line, with its line end and a NUL behind it.
 *
 * In:      sig  as it stands behind the id
 * Errors:  DK_ERR_ARGUMENT  longer than ours are
 */
DK_MUST_USE dk_err dk_note_line_write(const struct dk_note_key *key, const uint8_t *sig,
    size_t sig_len, char ret_line[DK_NOTE_LINE_MAX_BYTES + 1], size_t *ret_len);

/*
 * The line of a witness under a checkpoint that it has checked.
 *
 * Spec:    C2SP tlog-cosignature, "Ed25519 signed message"
 * In:      signer  the private half of key, which is of type DK_NOTE_COSIGNATURE
 *          time    seconds since 1970
 * Errors:  DK_ERR_ARGUMENT  another type, a time above 2^63 - 1, a text that is longer
 *                           than DK_CHECKPOINT_MAX_BYTES
 */
DK_MUST_USE dk_err dk_cosignature_write(const struct dk_ed25519 *signer,
    const struct dk_note_key *key, const struct dk_note *note, uint64_t time,
    char ret_line[DK_NOTE_LINE_MAX_BYTES + 1], size_t *ret_len);

#endif
