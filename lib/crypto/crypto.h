/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the project needs of cryptography, composed from OpenSSL's EVP. This is
 * the only folder that includes OpenSSL's headers; callers see byte arrays and
 * struct dk_pkey.
 *
 * All functions are safe from several threads on different objects; a struct
 * dk_pkey is immutable after it is made and may be shared. Outputs are
 * untouched on error. DK_ERR_CRYPTO means that libcrypto failed for a reason
 * other than the input.
 */
#ifndef DK_CRYPTO_H
#define DK_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "doublekey/error.h"

#define DK_SHA256_BYTES 32
#define DK_SHA384_BYTES 48
#define DK_GCM_IV_BYTES 12
#define DK_GCM_TAG_BYTES 16
#define DK_KEY_ID_BYTES 32

DK_MUST_USE dk_err dk_random(void *out, size_t len);

/* ---- hash.c: one-shot over up to 8 parts ---- */

struct dk_part {
	const void *data;
	size_t len;
};

DK_MUST_USE dk_err dk_sha256(const struct dk_part *parts, size_t n, uint8_t out[DK_SHA256_BYTES]);
DK_MUST_USE dk_err dk_sha384(const struct dk_part *parts, size_t n, uint8_t out[DK_SHA384_BYTES]);
DK_MUST_USE dk_err dk_hmac_sha384(const struct dk_secret48 *key, const struct dk_part *parts,
    size_t n, uint8_t out[DK_SHA384_BYTES]);

enum dk_hash { DK_SHA256 = 1, DK_SHA384 = 2 };

/* RFC 5869 (hkdf.c). prk has the hash's length; len at most 255 hashes. */
DK_MUST_USE dk_err dk_hkdf_extract(enum dk_hash hash, const uint8_t *salt, size_t salt_len,
    const uint8_t *ikm, size_t ikm_len, struct dk_secret48 *ret_prk);
DK_MUST_USE dk_err dk_hkdf_expand(enum dk_hash hash, const struct dk_secret48 *prk,
    const uint8_t *info, size_t info_len, uint8_t *out, size_t len);

/* ---- aead.c: AES-256-GCM ---- */

/* ct has room for len + 16 bytes: ciphertext, tag. */
DK_MUST_USE dk_err dk_gcm_seal(const struct dk_secret32 *key, const uint8_t iv[DK_GCM_IV_BYTES],
    const uint8_t *aad, size_t aad_len, const uint8_t *pt, size_t len, uint8_t *ct);
/* ct_len counts the tag. DK_ERR_STANZA_AUTH: the tag is wrong; pt is then all zero. */
DK_MUST_USE dk_err dk_gcm_open(const struct dk_secret32 *key, const uint8_t iv[DK_GCM_IV_BYTES],
    const uint8_t *aad, size_t aad_len, const uint8_t *ct, size_t ct_len, uint8_t *pt);

/*
 * A lane encrypts or decrypts many segments under one key without setting the
 * key up again. One lane belongs to one thread.
 */
struct dk_gcm_lane;
DK_MUST_USE dk_err dk_gcm_lane_new(struct dk_gcm_lane **ret);
void dk_gcm_lane_free(struct dk_gcm_lane *lane);
DK_MUST_USE dk_err dk_gcm_lane_key(struct dk_gcm_lane *lane, const struct dk_secret32 *key,
    bool encrypt);
/* tag stands apart from the ciphertext; in and out may be the same place. */
DK_MUST_USE dk_err dk_gcm_lane_seal(struct dk_gcm_lane *lane, const uint8_t iv[DK_GCM_IV_BYTES],
    const uint8_t *aad, size_t aad_len, const uint8_t *pt, size_t len, uint8_t *ct,
    uint8_t tag[DK_GCM_TAG_BYTES]);
/* DK_ERR_SEGMENT_AUTH: the tag is wrong; pt is wiped before the return. */
DK_MUST_USE dk_err dk_gcm_lane_open(struct dk_gcm_lane *lane, const uint8_t iv[DK_GCM_IV_BYTES],
    const uint8_t *aad, size_t aad_len, const uint8_t *ct, size_t len,
    const uint8_t tag[DK_GCM_TAG_BYTES], uint8_t *pt);

/* ---- pkey.c: key pairs ---- */

/* Numbers as in spec/key-file.md and spec/envelope.md section 6.3. */
enum dk_key_type {
	DK_KEY_P256 = 1,
	DK_KEY_P384 = 2,
	DK_KEY_RSA = 3, /* 3,072 to 8,192 bits, exponent 65537 */
	DK_KEY_P256_MLKEM768 = 4, /* reserved */
};

#define DK_P256_POINT_BYTES 65
#define DK_P384_POINT_BYTES 97
#define DK_RSA_MAX_BYTES 1024
#define DK_SPKI_MAX_BYTES 1200
#define DK_PKEY_PRIVATE_MAX_BYTES 5000

struct dk_pkey;
void dk_pkey_free(struct dk_pkey *key);
#define dk_auto_pkey __attribute__((cleanup(dk_pkey_cleanup))) struct dk_pkey
void dk_pkey_cleanup(struct dk_pkey **key);

/* rsa_bits counts for DK_KEY_RSA only: 3,072 or 4,096. */
DK_MUST_USE dk_err dk_pkey_generate(enum dk_key_type type, unsigned rsa_bits,
    struct dk_pkey **ret);
/* DER SubjectPublicKeyInfo in the one encoding of spec/envelope.md section 6.1.
 * DK_ERR_KEY_INVALID: not that encoding, not a point of the curve, weak RSA;
 * DK_ERR_KEY_TYPE: well formed but of no type of ours. */
DK_MUST_USE dk_err dk_pkey_from_spki(const uint8_t *der, size_t len, struct dk_pkey **ret);
/* The uncompressed point of an EC key. */
DK_MUST_USE dk_err dk_pkey_from_point(enum dk_key_type type, const uint8_t *point, size_t len,
    struct dk_pkey **ret);
/* EC: the scalar, 32 or 48 bytes big-endian (SEC 1). RSA: DER PKCS #8. The
 * public half must belong to it: DK_ERR_KEY_INVALID otherwise. */
DK_MUST_USE dk_err dk_pkey_from_private(enum dk_key_type type, const uint8_t *spki,
    size_t spki_len, const uint8_t *priv, size_t priv_len, struct dk_pkey **ret);
/* In the same form; *len is the room on entry and the length on return. */
DK_MUST_USE dk_err dk_pkey_private_bytes(const struct dk_pkey *key, uint8_t *out, size_t *len);

enum dk_key_type dk_pkey_type(const struct dk_pkey *key);
bool dk_pkey_has_private(const struct dk_pkey *key);
/* Borrowed from the key. */
const uint8_t *dk_pkey_spki(const struct dk_pkey *key, size_t *ret_len);
const uint8_t *dk_pkey_id(const struct dk_pkey *key);
/* "recipient" of spec/envelope.md section 6.3; borrowed from the key. */
const uint8_t *dk_pkey_recipient(const struct dk_pkey *key, size_t *ret_len);
unsigned dk_pkey_rsa_bytes(const struct dk_pkey *key);

/* ---- hpke.c: RFC 9180, base mode, DHKEM(P-256 or P-384), AES-256-GCM ---- */

/* Several seals in one context are used by the key service (one per object). */
struct dk_hpke {
	struct dk_secret32 key;
	uint8_t base_nonce[DK_GCM_IV_BYTES];
	uint64_t seq;
};
void dk_hpke_clear(struct dk_hpke *ctx);
#define dk_auto_hpke __attribute__((cleanup(dk_hpke_clear))) struct dk_hpke

/* enc has room for 65 or 97 bytes. ephemeral is NULL except for known-answer tests. */
DK_MUST_USE dk_err dk_hpke_sender(const struct dk_pkey *recipient, const uint8_t *info,
    size_t info_len, const struct dk_pkey *ephemeral, struct dk_hpke *ret_ctx, uint8_t *ret_enc,
    size_t *ret_enc_len);
/* DK_ERR_STANZA_AUTH: enc is not a point of the curve. */
DK_MUST_USE dk_err dk_hpke_receiver(const struct dk_pkey *key, const uint8_t *enc,
    size_t enc_len, const uint8_t *info, size_t info_len, struct dk_hpke *ret_ctx);
DK_MUST_USE dk_err dk_hpke_seal(struct dk_hpke *ctx, const uint8_t *aad, size_t aad_len,
    const uint8_t *pt, size_t len, uint8_t *ct);
DK_MUST_USE dk_err dk_hpke_open(struct dk_hpke *ctx, const uint8_t *aad, size_t aad_len,
    const uint8_t *ct, size_t ct_len, uint8_t *pt);
/* Secret export, RFC 9180 section 5.3, is not offered: nothing here needs it. */

/* ---- rsa.c: RSAES-OAEP with SHA-256, empty label ---- */

DK_MUST_USE dk_err dk_oaep_seal(const struct dk_pkey *key, const struct dk_secret32 *seed,
    uint8_t *ct, size_t *ret_len);
/*
 * On bad padding or a seed of another length, *ret_seed is random and the
 * result is DK_OK: the caller's inner tag then fails, and the two failures
 * cannot be told apart (spec/envelope.md section 6.3).
 */
DK_MUST_USE dk_err dk_oaep_open(const struct dk_pkey *key, const uint8_t *ct, size_t ct_len,
    struct dk_secret32 *ret_seed);

/* ---- sign.c ---- */

#define DK_SIGNATURE_BYTES 64 /* r || s, or Ed25519 */

/* ECDSA P-256 with SHA-256 over the parts. */
DK_MUST_USE dk_err dk_ecdsa_sign(const struct dk_pkey *key, const struct dk_part *parts, size_t n,
    uint8_t ret_sig[DK_SIGNATURE_BYTES]);
/* DK_ERR_CREATOR_SIGNATURE: does not verify, or r or s out of range. */
DK_MUST_USE dk_err dk_ecdsa_verify(const struct dk_pkey *key, const struct dk_part *parts,
    size_t n, const uint8_t sig[DK_SIGNATURE_BYTES]);

#endif
