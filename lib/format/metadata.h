/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata block, spec/envelope.md section 8. */
#ifndef DK_FORMAT_METADATA_H
#define DK_FORMAT_METADATA_H

#include "base/secret.h"
#include "crypto/crypto.h"
#include "doublekey/reader.h"
#include "format/header.h"

struct dk_metadata {
	const char *file_name;  /* NULL: none */
	const char *media_type; /* NULL: none */
};

/* DK_ERR_TEXT: a value is not allowed. *ret_len is 0 if there is no entry. */
DK_MUST_USE dk_err dk_metadata_seal(const struct dk_metadata *metadata,
    const struct dk_secret48 *prk, const uint8_t object_id[16], const uint8_t salt[32],
    uint8_t ret_block[DK_METADATA_MAX_BYTES], size_t *ret_len);

/* Decrypt and parse. DK_ERR_METADATA_AUTH, DK_ERR_METADATA. */
DK_MUST_USE dk_err dk_metadata_open(const uint8_t *block, size_t len,
    const struct dk_secret48 *prk, const uint8_t object_id[16], const uint8_t salt[32],
    struct dk_object_metadata *ret);

/* The decrypted entries; pure, no cryptography. */
DK_MUST_USE dk_err dk_metadata_parse(const uint8_t *entries, size_t len,
    struct dk_object_metadata *ret);

#endif
