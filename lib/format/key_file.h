/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key file of spec/key-file.md: text form, structure, seal.
 *
 * dk_key_file_parse() is a pure parser: no allocation, no libcrypto, offsets
 * within what was parsed. The checksum is verified before it is called.
 */
#ifndef DK_FORMAT_KEY_FILE_H
#define DK_FORMAT_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "base/text.h"
#include "crypto/argon2.h"
#include "crypto/crypto.h"
#include "doublekey/error.h"
#include "doublekey/key.h"

#define DK_KEY_BINARY_MAX_BYTES 8192u
#define DK_KEY_BINARY_MIN_BYTES 42u /* magic, version, checksum */
#define DK_KEY_MAGIC "DKEYFILE"
#define DK_KEY_MAGIC_BYTES 8u
#define DK_KEY_FILE_VERSION 1u
#define DK_KEY_CHECKSUM_BYTES DK_SHA256_BYTES
#define DK_KEY_CREATED_MAX_S (UINT64_C(1) << 40) /* exclusive */

/* What a sealed key file gets unless told otherwise, and the least it may get. */
#define DK_SEAL_PASSES 3u
#define DK_SEAL_MEMORY_KIB 262144u
#define DK_SEAL_LANES 4u
#define DK_SEAL_PASSES_MIN 3u
#define DK_SEAL_MEMORY_MIN_KIB 65536u

enum dk_key_kind { DK_KIND_PUBLIC = 1, DK_KIND_PRIVATE = 2 };
enum dk_key_protection { DK_PROTECT_NONE = 0, DK_PROTECT_PASSPHRASE = 1 };

/* The structure of section 3, maybe with a private part in clear. */
struct dk_key_blob {
	uint8_t bytes[DK_KEY_BINARY_MAX_BYTES];
	size_t len;
};
void dk_key_blob_clear(struct dk_key_blob *blob);
#define dk_auto_key_blob __attribute__((cleanup(dk_key_blob_clear))) struct dk_key_blob

struct dk_private_part {
	uint8_t bytes[DK_PKEY_PRIVATE_MAX_BYTES];
	size_t len;
};
void dk_private_part_clear(struct dk_private_part *part);
#define dk_auto_private_part \
	__attribute__((cleanup(dk_private_part_clear))) struct dk_private_part

struct dk_passphrase {
	uint8_t bytes[DK_PASSPHRASE_MAX_BYTES];
	size_t len;
};
void dk_passphrase_clear(struct dk_passphrase *passphrase);
#define dk_auto_passphrase __attribute__((cleanup(dk_passphrase_clear))) struct dk_passphrase

/* Pointers are into the blob that was parsed. */
struct dk_key_file {
	enum dk_key_kind kind;
	dk_side side;
	uint16_t type; /* of enum dk_key_type, not DK_KEY_P256_MLKEM768 */
	uint64_t created;
	const uint8_t *custodian; /* DK_CUSTODIAN_BYTES */
	const uint8_t *spki;
	size_t spki_len;
	enum dk_key_protection protection; /* from here on: private keys only */
	struct dk_argon2 argon2;
	const uint8_t *private_part; /* in clear or sealed */
	size_t private_len;
	size_t private_offset; /* the bytes before it are the associated data */
};

/* ---- key_text.c: section 2 ---- */

/* DK_ERR_KEY_FOREIGN, DK_ERR_KEY_DAMAGED. */
DK_MUST_USE dk_err dk_key_text_decode(const uint8_t *text, size_t len,
    struct dk_key_blob *ret_blob, enum dk_key_kind *ret_label);
/* *ret_len counts no NUL, and none is written. DK_ERR_OUTPUT_TOO_SMALL. */
DK_MUST_USE dk_err dk_key_text_encode(const struct dk_key_blob *blob, enum dk_key_kind label,
    uint8_t *text, size_t cap, size_t *ret_len);

/* ---- key_file.c, key_parse.c: sections 3 to 6 ---- */

/* Step 2 of section 6: DK_ERR_KEY_DAMAGED. */
DK_MUST_USE dk_err dk_key_file_checksum(const uint8_t *data, size_t len);
/* Steps 2 (magic, version) and 3. len counts the checksum, which is not read.
 * A type that is not for the side is DK_ERR_KEY_TYPE. */
DK_MUST_USE dk_err dk_key_file_parse(const uint8_t *data, size_t len, enum dk_key_kind label,
    struct dk_key_file *ret_file);
/* Whether keys of a side may have this type (section 4). */
bool dk_key_type_for(unsigned type, dk_side side);
/* Length of a private part that is not sealed. */
bool dk_key_private_len_valid(uint16_t type, size_t len);
/* Everything before the private key: 72 bytes and the SPKI. */
DK_MUST_USE dk_err dk_key_file_start(struct dk_key_blob *blob, const struct dk_key_file *file);
/* Append protection, length and private part; seal it if passphrase is given,
 * with a new salt and the other parameters of argon2. */
DK_MUST_USE dk_err dk_key_file_add_private(struct dk_key_blob *blob,
    const struct dk_private_part *part, const struct dk_passphrase *passphrase,
    const struct dk_argon2 *argon2);
DK_MUST_USE dk_err dk_key_file_finish(struct dk_key_blob *blob);

/* key_write.c: structure of the public key file of a key, without the checksum. */
DK_MUST_USE dk_err dk_key_public_blob(const struct dk_key *key, struct dk_key_blob *blob);

/*
 * Step 6: the private part of a private key file. passphrase is NULL if there
 * is none, and is not used for a file that is not sealed.
 */
DK_MUST_USE dk_err dk_key_file_open_private(const uint8_t *data, const struct dk_key_file *file,
    const struct dk_passphrase *passphrase, struct dk_private_part *ret_part);

#endif
