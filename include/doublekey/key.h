/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys: what wraps and unwraps the share of one side.
 *
 * A struct dk_key is one key reference, wherever the key lives: a key file, or
 * a key of a key service. A key in a token or a cloud gets another scheme and
 * the same calls. A key is immutable once it is open and may be used from several
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
	DK_SIDE_ANY = 0, /* for dk_key_open() and dk_key_read() only: do not look */
	DK_SIDE_CUSTOMER = 1,
	DK_SIDE_PROVIDER = 2,
	DK_SIDE_CREATOR = 3, /* keys that sign; no side of an envelope */
	DK_SIDE_AUDITOR = 4, /* keys that open exports of a log; no side of an envelope */
} dk_side;

/* "customer", "provider", "creator", "auditor"; static, never NULL. */
const char *dk_side_name(dk_side side);

#define DK_KEY_ID_HEX_BYTES 65 /* 64 digits and a NUL */
#define DK_CUSTODIAN_STRING_BYTES 49
#define DK_PASSPHRASE_MAX_BYTES 1024
#define DK_KEY_FILE_MAX_BYTES 16384
#define DK_KEY_SCHEME_BYTES 32 /* longest scheme and a NUL */

struct dk_key;

/*
 * Called when the private part of a sealed key file is opened. Write at most
 * cap bytes of passphrase to buf and their number to *ret_len; the library
 * wipes buf. name is the key reference. Any result but DK_OK ends the opening
 * with that result.
 */
typedef dk_err (*dk_passphrase_fn)(void *ctx, const char *name, uint8_t *buf, size_t cap,
    size_t *ret_len);

/*
 * Called when a system that holds a key says more than an error can: what it refused and
 * why, its own id of the request. text is one English sentence without full stop, without
 * secrets, borrowed for the call. May come from any thread that uses the key, as long as
 * the key is open.
 */
typedef void (*dk_note_fn)(void *ctx, const char *ref, const char *text);

struct dk_key_options {
	dk_passphrase_fn passphrase; /* NULL: sealed keys are DK_ERR_KEY_NEED_PASSPHRASE */
	void *passphrase_ctx;
	/* Not 0: use the public half only. Asks for no passphrase; the key wraps
	 * and verifies, but neither unwraps nor signs. */
	int public_only;
	dk_note_fn note; /* NULL: nobody is told */
	void *note_ctx;
};

/*
 * Whether a key reference is a URI, and of which scheme.
 *
 * A reference is a URI if it begins with a letter, then letters, digits, '+',
 * '-' or '.', then ':'. Everything else is a path; a path that looks like a
 * URI is written with a directory, as in "./a:b.key".
 *
 * Out:     ret_scheme  lower-case scheme without ':', cut to what there is room
 *                      for; untouched if the result is 0
 * Returns 1 for a URI, 0 for a path.
 */
int dk_key_ref_scheme(const char *ref, char ret_scheme[DK_KEY_SCHEME_BYTES]);

/*
 * Open the key that ref names: a path, or a URI whose scheme is known: https: for a key
 * service; awskms:, azurekv:, gcpkms:, pkcs11:,
 * vault:. A key behind a URI may ask its system when it is opened, and
 * does when it unwraps.
 *
 * Spec:    spec/key-file.md section 6; spec/key-service.md section 7;
 *          spec/provider-keys.md section 1
 * In:      ref      NUL-terminated; a public or a private key file
 *          side     the side on which it will be used
 *          options  NULL for none; borrowed for the call
 * Out:     ret      the caller frees it with dk_key_free(); untouched on error
 * Errors:  DK_ERR_READ           the file cannot be read; errno is kept
 *          DK_ERR_KEY_SCHEME     a URI of a scheme that is not supported
 *          DK_ERR_KEY_FOREIGN    not a doublekey key file, or not the URL of a key
 *          DK_ERR_KEY_DAMAGED    its checksum or structure is wrong
 *          DK_ERR_KEY_VERSION    of a newer version
 *          DK_ERR_KEY_TYPE       of an unknown type, or of one that is not for this side
 *          DK_ERR_KEY_RESERVED   of the reserved type p256-mlkem768
 *          DK_ERR_KEY_SIDE       made for another side
 *          DK_ERR_KEY_INVALID    not a valid key of its type
 *          DK_ERR_KEY_PASSPHRASE the passphrase is wrong
 *          DK_ERR_KEY_NEED_PASSPHRASE  sealed, and no passphrase function
 *          DK_ERR_LIBRARY        libargon2 could not be loaded; for a URI, the
 *                                module that asks its system
 *          category service      the key service said no, or could not be asked
 *          category provider     the same of another system
 * Limits:  reads at most 16 KiB; Argon2id memory as the file says, up to 4 GiB
 */
DK_MUST_USE dk_err dk_key_open(const char *ref, dk_side side,
    const struct dk_key_options *options, struct dk_key **ret);

/* The same with the bytes of a key file instead of its name; name is for the
 * passphrase function only. */
DK_MUST_USE dk_err dk_key_read(const uint8_t *text, size_t len, const char *name, dk_side side,
    const struct dk_key_options *options, struct dk_key **ret);

struct dk_key_spec {
	dk_side side;
	const char *type;      /* "p256", "p384", "rsa3072", "rsa4096" */
	const char *custodian; /* NULL: the name of the side */
};

/*
 * Make a new key pair.
 *
 * Spec:    spec/key-file.md section 4
 * In:      spec  borrowed for the call
 * Out:     ret   the caller frees it with dk_key_free(); untouched on error
 * Errors:  DK_ERR_ARGUMENT  no such side
 *          DK_ERR_TEXT      the custodian is not 1 to 48 bytes of
 *                           a-z 0-9 . _ : / @ -
 *          DK_ERR_KEY_TYPE  type unknown, or not for this side: a creator key
 *                           is p256, an auditor key p256 or p384
 *          DK_ERR_KEY_RESERVED  p256-mlkem768
 *          DK_ERR_CLOCK     the time of day does not fit the format
 */
DK_MUST_USE dk_err dk_key_generate(const struct dk_key_spec *spec, struct dk_key **ret);

/* How a private key file is sealed. */
struct dk_key_seal {
	const uint8_t *passphrase; /* 1 to DK_PASSPHRASE_MAX_BYTES, no NUL, CR, LF */
	size_t passphrase_len;
	uint32_t passes;     /* 0: 3; at least 3, at most 64 */
	uint32_t memory_kib; /* 0: 256 MiB; at least 64 MiB, at most 4 GiB */
	uint32_t lanes;      /* 0: 4; at most 64 */
};

/*
 * Write the private key file of a key, as bytes.
 *
 * Spec:    spec/key-file.md sections 2 to 5
 * In:      key   opened or generated with its private part
 *          seal  NULL: not sealed, everybody who can read the file has the key
 *          cap   room in ret_text; DK_KEY_FILE_MAX_BYTES is always enough
 * Out:     ret_text  the file; holds the private key, so the caller wipes it
 *          ret_len   its length; no NUL is written
 * Errors:  DK_ERR_KEY_NEED_PRIVATE  only the public half is there
 *          DK_ERR_ARGUMENT          passphrase or parameters beyond the limits
 *          DK_ERR_OUTPUT_TOO_SMALL  cap is too small
 *          DK_ERR_LIBRARY           libargon2 could not be loaded
 */
DK_MUST_USE dk_err dk_key_write_private(const struct dk_key *key, const struct dk_key_seal *seal,
    uint8_t *ret_text, size_t cap, size_t *ret_len);

/* The public key file in the same way. Holds no secret. */
DK_MUST_USE dk_err dk_key_write_public(const struct dk_key *key, uint8_t *ret_text, size_t cap,
    size_t *ret_len);

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
/* Seconds since 1970-01-01T00:00:00Z, or 0 if it is not known. */
uint64_t dk_key_created(const struct dk_key *key);

#ifdef __cplusplus
}
#endif

#endif
