/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sealed store: the state of keyd under a passphrase, in two slots.
 *
 * The slots are files that are open before the sandbox closes. A write goes to
 * the slot with the older generation and is synced before it counts, so that
 * one of the two is whole whatever happens.
 *
 * Its layout is in spec/custody.md section 1.
 */
#ifndef DK_KEYD_SEALED_H
#define DK_KEYD_SEALED_H

#include "crypto/argon2.h"
#include "keyd/state.h"

#define SEALED_SLOTS 2
#define SEALED_PASSPHRASE_MAX_BYTES 1024

struct passphrase {
	uint8_t bytes[SEALED_PASSPHRASE_MAX_BYTES];
	size_t len;
};
void passphrase_clear(struct passphrase *p);
#define auto_passphrase __attribute__((cleanup(passphrase_clear))) struct passphrase
/* The first line of an open file, without its end. */
DK_MUST_USE dk_err passphrase_read(int fd, struct passphrase *ret);

struct sealed {
	int fd[SEALED_SLOTS];
	unsigned current; /* slot with the newest generation */
	struct dk_argon2 params;
	struct dk_secret32 key;
};

/* A new store: key from the passphrase, nothing written yet. */
DK_MUST_USE dk_err sealed_create(
    struct sealed *store, const struct passphrase *passphrase, uint32_t memory_kib);
/* fd is set. DK_ERR_KEY_PASSPHRASE: no slot opens. */
DK_MUST_USE dk_err sealed_open(
    struct sealed *store, const struct passphrase *passphrase, struct state *ret_state);
/* What a slot would hold, for others to keep: free(). */
DK_MUST_USE dk_err sealed_make(
    const struct sealed *store, const struct state *state, uint8_t **ret, size_t *ret_len);
/* What others kept; only under the same passphrase and salt (DK_ERR_KEY_PASSPHRASE). ret_state
 * is cleared by the caller, also on error. */
DK_MUST_USE dk_err sealed_take(
    struct sealed *store, const uint8_t *data, size_t len, struct state *ret_state);
/* Durable when it returns. */
DK_MUST_USE dk_err sealed_write(struct sealed *store, const struct state *state);
void sealed_clear(struct sealed *store);

#endif
