/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints, spec/log.md section 4 (C2SP tlog-checkpoint, signed-note). */
#ifndef DK_LOG_CHECKPOINT_H
#define DK_LOG_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "crypto/ed25519.h"
#include "crypto/crypto.h"
#include "doublekey/error.h"

#define DK_ORIGIN_MAX_BYTES 255
#define DK_CHECKPOINT_MAX_BYTES 4096
#define DK_P256_SPKI_BYTES 91

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

/*
 * DK_ERR_RECEIPT: another form, another origin, or not both signatures of the
 * pinned keys. Lines of other keys are ignored.
 */
DK_MUST_USE dk_err dk_checkpoint_verify(const struct dk_log_keys *keys, const char *text,
    size_t len, struct dk_checkpoint *ret_checkpoint);

/* "NAME+HASH+BASE64" of the Ed25519 key, as other tools take it. */
#define DK_VKEY_MAX_BYTES (DK_ORIGIN_MAX_BYTES + 64)
DK_MUST_USE dk_err dk_log_vkey(const struct dk_log_keys *keys, char ret_vkey[DK_VKEY_MAX_BYTES]);

#endif
