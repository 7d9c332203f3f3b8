/* SPDX-License-Identifier: Apache-2.0 */
/* Body layouts of spec/key-service.md sections 5 and 6. */
#ifndef DK_NATIVE_RELEASE_H
#define DK_NATIVE_RELEASE_H

#include "base/bytes.h"
#include "base/secret.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "format/header.h"
#include "log/checkpoint.h"

#define DK_RELEASE_BODY_MAX_BYTES 4194304u
#define DK_RELEASE_OBJECTS_MAX 1000u
#define DK_SEALED_SHARE_BYTES 48
#define DK_RELEASE_HEAD_BYTES (4 + 2 + DK_P256_POINT_BYTES + 2)
#define DK_RELEASE_PATH "/v1/release"

/* Core header and customer set stand one behind the other. */
struct dk_release_object {
	const uint8_t *core;
	uint32_t core_len;
	uint32_t set_len;
};

/* The side whose set it is by the set's first byte; whether that is one, and the set of
 * that side, is for dk_header_parse_side() to say. */
dk_side dk_release_side(const struct dk_release_object *object);

struct dk_release_request {
	uint16_t recipient_type;
	const uint8_t *recipient;
	unsigned count;
	struct dk_release_object *objects;
};

/* objects has room for DK_RELEASE_OBJECTS_MAX. DK_ERR_SERVICE_MALFORMED_REQUEST. */
DK_MUST_USE dk_err dk_release_request_parse(const uint8_t *body, size_t len,
    struct dk_release_object *objects, struct dk_release_request *ret_request);

/* info and aad of the sealed shares. */
DK_MUST_USE dk_err dk_release_info(const uint8_t request_digest[32], uint8_t *ret_info,
    size_t *ret_len);
#define DK_RELEASE_AAD_BYTES (48 + 32 + 8)
void dk_release_aad(const uint8_t core_digest[48], const uint8_t commitment[32], uint64_t index,
    uint8_t ret_aad[DK_RELEASE_AAD_BYTES]);

/* ---- key statement ---- */

#define DK_VERSIONS_MAX 64
#define DK_SERVICE_NAME_MAX_BYTES 64

enum dk_version_state {
	DK_VERSION_ACTIVE = 1,
	DK_VERSION_DISABLED = 2,
	DK_VERSION_DESTROYED = 3,
};

struct dk_key_version {
	uint32_t version;
	uint16_t type;
	uint8_t state; /* enum dk_version_state */
	uint64_t created;
	uint64_t index;
	const uint8_t *spki;
	size_t spki_len;
	const uint8_t *receipt;
	size_t receipt_len;
};

struct dk_key_statement {
	char name[DK_SERVICE_NAME_MAX_BYTES + 1];
	uint8_t custodian[DK_CUSTODIAN_BYTES];
	uint64_t time;
	unsigned version_count;
	struct dk_key_version version[DK_VERSIONS_MAX];
	/* recovery key; spki NULL: none */
	const uint8_t *recovery_custodian;
	uint16_t recovery_type;
	const uint8_t *recovery_spki;
	size_t recovery_spki_len;
	size_t signed_len;
	const uint8_t *signature;
};

/* Everything before the signature. */
void dk_key_statement_write(struct dk_writer_buf *wr, const struct dk_key_statement *statement);
/* What is signed is info("key-statement", bytes): two parts for sign and verify. */
DK_MUST_USE dk_err dk_key_statement_parts(const uint8_t *bytes, size_t len, uint8_t *prefix,
    struct dk_part ret_parts[2]);
/* Borrowed from bytes. DK_ERR_SERVICE_REPLY. */
DK_MUST_USE dk_err dk_key_statement_parse(const uint8_t *bytes, size_t len,
    struct dk_key_statement *ret_statement);

#endif
