/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes, HMAC and HKDF (RFC 5869), each in one call. */
#ifndef DK_CRYPTO_HASH_H
#define DK_CRYPTO_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "doublekey/error.h"

#define DK_SHA256_BYTES 32
#define DK_SHA384_BYTES 48
#define DK_PARTS_MAX 8

/* A message is given as up to DK_PARTS_MAX parts, hashed one behind the other. */
struct dk_part {
	const void *data;
	size_t len;
};

DK_MUST_USE dk_err dk_sha256(const struct dk_part *parts, size_t n, uint8_t out[DK_SHA256_BYTES]);
DK_MUST_USE dk_err dk_sha384(const struct dk_part *parts, size_t n, uint8_t out[DK_SHA384_BYTES]);
/*
 * Of a regular file from its beginning to its end, wherever the descriptor's offset is, which
 * stays. Errors:  DK_ERR_READ  errno is set
 */
DK_MUST_USE dk_err dk_sha256_file(int fd, uint8_t out[DK_SHA256_BYTES]);
DK_MUST_USE dk_err dk_hmac_sha384(const struct dk_secret48 *key, const struct dk_part *parts,
    size_t n, uint8_t out[DK_SHA384_BYTES]);

/*
 * From here to the end of the block, HMAC and HKDF of this thread use one context
 * in place of one for each call; it is wiped at the end. For code that derives
 * many keys: to make and free a context takes a third of the time of a short
 * HMAC, and threads that do it hinder each other. May be nested.
 */
struct dk_hmac_scope {
	char unused;
};
struct dk_hmac_scope dk_hmac_scope_open(void);
void dk_hmac_scope_close(struct dk_hmac_scope *scope);
#define dk_auto_hmac_scope                                                                         \
	__attribute__((cleanup(dk_hmac_scope_close), unused)) struct dk_hmac_scope

/* SHA-256 of what comes piece by piece. */
struct dk_sha256_run {
	void *ctx;
};
/* NULL in run->ctx: out of memory, which add and end tell. */
void dk_sha256_begin(struct dk_sha256_run *run);
DK_MUST_USE dk_err dk_sha256_add(struct dk_sha256_run *run, const void *data, size_t len);
/* Also ends the run, as dk_sha256_drop() does. */
DK_MUST_USE dk_err dk_sha256_end(struct dk_sha256_run *run, uint8_t out[DK_SHA256_BYTES]);
/* Legal at any time behind begin, also twice. */
void dk_sha256_drop(struct dk_sha256_run *run);

enum dk_hash { DK_SHA256 = 1, DK_SHA384 = 2 };

/*
 * HKDF-Extract. The prk has the hash's length; with SHA-256 the last 16 bytes
 * of *ret_prk are zero.
 *
 * Spec:    RFC 5869 section 2.2
 * In:      salt  an empty one (NULL, 0) counts as a hash length of zero bytes
 */
DK_MUST_USE dk_err dk_hkdf_extract(enum dk_hash hash, const uint8_t *salt, size_t salt_len,
    const uint8_t *ikm, size_t ikm_len, struct dk_secret48 *ret_prk);
/* The same with the ikm in up to DK_PARTS_MAX parts. */
DK_MUST_USE dk_err dk_hkdf_extract_parts(enum dk_hash hash, const uint8_t *salt, size_t salt_len,
    const struct dk_part *ikm, size_t n, struct dk_secret48 *ret_prk);

/*
 * HKDF-Expand from a prk of the hash's length.
 *
 * Spec:    RFC 5869 section 2.3
 * Errors:  DK_ERR_ARGUMENT  len is above 255 times the hash's length
 *          On any other error out is all zero.
 */
DK_MUST_USE dk_err dk_hkdf_expand(enum dk_hash hash, const struct dk_secret48 *prk,
    const uint8_t *info, size_t info_len, uint8_t *out, size_t len);

/* The same with the info in up to DK_PARTS_MAX parts. */
DK_MUST_USE dk_err dk_hkdf_expand_parts(enum dk_hash hash, const struct dk_secret48 *prk,
    const struct dk_part *info, size_t n, uint8_t *out, size_t len);

#endif
