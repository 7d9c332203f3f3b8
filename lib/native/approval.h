/* SPDX-License-Identifier: Apache-2.0 */
/* Approvals and their files, spec/key-service.md section 6.1. */
#ifndef DK_NATIVE_APPROVAL_H
#define DK_NATIVE_APPROVAL_H

#include "base/bytes.h"
#include "native/enrol.h"
#include "native/release.h"
#include "native/request.h"

#define DK_APPROVALS_MAX 8
#define DK_APPROVAL_BYTES (8 + 32 + DK_SIGNATURE_BYTES)
#define DK_APPROVALS_MAX_BYTES (4 + 1 + 255 + 1 + DK_APPROVALS_MAX * DK_APPROVAL_BYTES)
#define DK_APPROVED_AGE_MAX_S 3600
#define DK_REASON_MAX_BYTES 255
#define DK_APPROVAL_FILE_MAX_BYTES (4 + 2 + DK_URL_MAX_BYTES + 32 + DK_APPROVAL_BYTES)
#define DK_REQUEST_FILE_MAX_BYTES (1024u + DK_RELEASE_BODY_MAX_BYTES)

struct dk_approval {
	uint64_t time;
	uint8_t key_id[32];
	uint8_t signature[DK_SIGNATURE_BYTES];
};

struct dk_approvals {
	char reason[DK_REASON_MAX_BYTES + 1];
	unsigned count;
	struct dk_approval approval[DK_APPROVALS_MAX];
};

/* DK_ERR_SERVICE_APPROVAL: another layout. */
DK_MUST_USE dk_err dk_approvals_parse(
    const uint8_t *bytes, size_t len, struct dk_approvals *ret_approvals);
void dk_approvals_write(struct dk_writer_buf *wr, const struct dk_approvals *approvals);

/* What an approver signs. Who asks is named as the service knows it. */
struct dk_approval_terms {
	const uint8_t *request_digest; /* 32 bytes */
	uint64_t time;
	const char *user;
	const char *reason;
};
DK_MUST_USE dk_err dk_approval_sign(const struct dk_pkey *device,
    const struct dk_approval_terms *terms, uint8_t ret_signature[DK_SIGNATURE_BYTES]);
DK_MUST_USE dk_err dk_approval_verify(const struct dk_pkey *device,
    const struct dk_approval_terms *terms, const uint8_t signature[DK_SIGNATURE_BYTES]);

/* A signed request that is not sent yet. body is borrowed. */
struct dk_request_file {
	char base_url[DK_URL_MAX_BYTES + 1];
	struct dk_request_signature sig;
	uint8_t device[DK_P256_SPKI_BYTES];
	char user[DK_USER_MAX_BYTES + 1];
	char reason[DK_REASON_MAX_BYTES + 1];
	const uint8_t *body;
	size_t body_len;
};
void dk_request_file_write(struct dk_writer_buf *wr, const struct dk_request_file *file);
/* Layout, and the signature of the request over its body. DK_ERR_SERVICE_REQUEST. */
DK_MUST_USE dk_err dk_request_file_open(
    const uint8_t *bytes, size_t len, struct dk_request_file *ret_file, uint8_t ret_digest[32]);

struct dk_approval_file {
	char base_url[DK_URL_MAX_BYTES + 1];
	uint8_t request_digest[32];
	struct dk_approval approval;
};
void dk_approval_file_write(struct dk_writer_buf *wr, const struct dk_approval_file *file);
DK_MUST_USE dk_err dk_approval_file_parse(
    const uint8_t *bytes, size_t len, struct dk_approval_file *ret_file);

#endif
