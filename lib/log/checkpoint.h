/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints, spec/log.md section 4 (C2SP tlog-checkpoint, signed-note). */
#ifndef DK_LOG_CHECKPOINT_H
#define DK_LOG_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "log/note.h"

#define DK_ORIGIN_MAX_BYTES DK_NOTE_NAME_MAX_BYTES
/* Of what we sign and keep; a checkpoint of another log may have DK_NOTE_MAX_BYTES. */
#define DK_CHECKPOINT_MAX_BYTES 4096

struct dk_checkpoint {
	uint64_t size;
	uint8_t root[32];
};

/* What a verifier pins. */
struct dk_log_keys {
	char origin[DK_ORIGIN_MAX_BYTES + 1];
	uint8_t ed25519[DK_ED25519_BYTES];
	uint8_t p256[DK_P256_SPKI_BYTES];
};

/* What the log process signs with. */
struct dk_log_signer {
	struct dk_log_keys keys;
	struct dk_secret32 seed;
	struct dk_ed25519 *ed25519; /* of the seed; NULL: this one does not sign */
	struct dk_pkey *p256;
};
void dk_log_signer_clear(struct dk_log_signer *signer);

/* The signed note; text has room for DK_CHECKPOINT_MAX_BYTES. */
DK_MUST_USE dk_err dk_checkpoint_sign(const struct dk_log_signer *signer,
    const struct dk_checkpoint *checkpoint, char *text, size_t *ret_len);

/* Decimal digits without leading zeros, at most 19 of them; false otherwise. */
bool dk_log_number_parse(const char *text, size_t len, uint64_t *ret_number);

/*
 * The body of a checkpoint of any log. Who signed it is not looked at.
 *
 * Spec:    C2SP tlog-checkpoint, "Note text"
 * Out:     ret_origin  points into the note; extension lines are allowed and passed over
 * Errors:  DK_ERR_LOG_NOTE  another form; a size of more than 19 digits; size 0 with another root
 *                           than that of the empty tree
 */
DK_MUST_USE dk_err dk_checkpoint_parse(const struct dk_note *note, const char **ret_origin,
    size_t *ret_origin_len, struct dk_checkpoint *ret_checkpoint);
/* The same, whatever root a size of 0 has: a witness answers that in another way. */
DK_MUST_USE dk_err dk_checkpoint_fields(const struct dk_note *note, const char **ret_origin,
    size_t *ret_origin_len, struct dk_checkpoint *ret_checkpoint);

/*
 * A checkpoint of a log of ours, with both signatures of the pinned keys.
 *
 * DK_ERR_RECEIPT: another form, another origin, or not both signatures of the
 * pinned keys. Lines of other keys are ignored.
 */
DK_MUST_USE dk_err dk_checkpoint_verify(const struct dk_log_keys *keys, const char *text,
    size_t len, struct dk_checkpoint *ret_checkpoint);

/* The two keys as those of notes. */
DK_MUST_USE dk_err dk_log_note_keys(const struct dk_log_keys *keys, struct dk_note_key ret_keys[2]);
/* "NAME+HASH+BASE64" of the Ed25519 key, as other tools take it. */
DK_MUST_USE dk_err dk_log_vkey(const struct dk_log_keys *keys, char ret_vkey[DK_VKEY_MAX_BYTES]);

#endif
