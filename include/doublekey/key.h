/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys: what wraps and unwraps the share of one side.
 *
 * A struct dk_key is one key reference, wherever the key lives. Today it is a
 * key file; a key in a service, a token or a cloud gets another scheme and the
 * same calls. A key is immutable once it is open and may be used from several
 * threads at once.
 *
 * Spec: spec/key-file.md; spec/envelope.md section 6.
 */
#ifndef DOUBLEKEY_KEY_H
#define DOUBLEKEY_KEY_H

#include <stddef.h>
#include <stdint.h>

#include <doublekey/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum dk_side {
	DK_SIDE_CUSTOMER = 1,
	DK_SIDE_PROVIDER = 2,
	DK_SIDE_CREATOR = 3, /* keys that sign; no side of an envelope */
} dk_side;

/* "customer", "provider", "creator"; static, never NULL. */
const char *dk_side_name(dk_side side);

#define DK_KEY_ID_HEX_BYTES 65 /* 64 digits and a NUL */
#define DK_CUSTODIAN_STRING_BYTES 49
#define DK_PASSPHRASE_MAX_BYTES 1024

struct dk_key;

/*
 * Called when a sealed key file is opened. Write at most cap bytes of
 * passphrase to buf and their number to *ret_len; the library wipes buf. Any
 * result but DK_OK ends the opening with that result.
 */
typedef dk_err (*dk_passphrase_fn)(void *ctx, const char *name, uint8_t *buf, size_t cap,
    size_t *ret_len);

struct dk_key_options {
	dk_passphrase_fn passphrase; /* NULL: sealed keys are DK_ERR_KEY_NEED_PASSPHRASE */
	void *passphrase_ctx;
};

/*
 * Open the key that ref names: a path, or a URI whose scheme is known.
 *
 * Spec:    spec/key-file.md
 * In:      ref      NUL-terminated; a public or a private key file
 *          side     the side on which it will be used
 *          options  NULL for none; borrowed for the call
 * Out:     ret      the caller frees it with dk_key_free(); untouched on error
 * Errors:  DK_ERR_READ           the file cannot be read; errno is kept
 *          DK_ERR_KEY_FOREIGN    not a doublekey key file, or an unknown scheme
 *          DK_ERR_KEY_DAMAGED    its checksum or structure is wrong
 *          DK_ERR_KEY_VERSION    of a newer version
 *          DK_ERR_KEY_TYPE       reserved type (p256-mlkem768)
 *          DK_ERR_KEY_SIDE       made for another side
 *          DK_ERR_KEY_PASSPHRASE the passphrase is wrong
 *          DK_ERR_KEY_NEED_PASSPHRASE  sealed, and no passphrase function
 *          DK_ERR_LIBRARY        libargon2 could not be loaded
 * Limits:  reads at most 16 KiB; Argon2id memory as the file says, up to 4 GiB
 */
DK_MUST_USE dk_err dk_key_open(const char *ref, dk_side side,
    const struct dk_key_options *options, struct dk_key **ret);

/* NULL is allowed. Wipes private parts. */
void dk_key_free(struct dk_key *key);

/* Whether it can unwrap (or sign), not only wrap (or verify). */
int dk_key_has_private(const struct dk_key *key);
dk_side dk_key_side(const struct dk_key *key);
/* "p256", "p384", "rsa3072", "rsa4096", ...; borrowed from the key. */
const char *dk_key_type_name(const struct dk_key *key);
/* Borrowed from the key. */
const char *dk_key_custodian(const struct dk_key *key);
/* 64 hex digits; borrowed from the key. */
const char *dk_key_id_hex(const struct dk_key *key);

#ifdef __cplusplus
}
#endif

#endif
