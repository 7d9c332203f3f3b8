/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a bundle, spec/evidence.md section 1, in one pass: what it must be is known
 * from its manifest, so it is compared, not parsed. And its signature, section 6.
 */
#ifndef DK_EVIDENCE_BUNDLE_H
#define DK_EVIDENCE_BUNDLE_H

#include "evidence/manifest.h"
#include "log/receipt.h"

#define DK_SIGNATURE_PART_MAX_BYTES 16384
#define DK_SIGNATURE_PART_MAGIC "DKEVSIG1"

struct dk_bundle {
	int fd; /* the caller's, at the begin of the file */
	struct dk_manifest manifest;
	uint8_t digest[DK_SHA256_BYTES]; /* of the manifest */
	uint64_t end;                    /* behind the last part, in bytes */
	size_t signature_len;            /* 0: none */
	uint8_t signature[DK_SIGNATURE_PART_MAX_BYTES];
	char place[DK_EVIDENCE_NAME_MAX_BYTES + 24]; /* of an error, or empty */
};
void dk_bundle_clear(struct dk_bundle *bundle);

/*
 * Up to the manifest.
 *
 * Errors:  DK_ERR_EVIDENCE_FILE, DK_ERR_READ, DK_ERR_NOMEM
 *          On an error, too, dk_bundle_clear() is legal.
 */
DK_MUST_USE dk_err dk_bundle_open(int fd, struct dk_bundle *ret_bundle);

/* What is done with the parts, in their order; each may be NULL. Any error ends it. What data
 * gets counts only when end is called: then the digest was compared. */
struct dk_bundle_sink {
	dk_err (*begin)(void *ctx, const struct dk_evidence_part *part);
	dk_err (*data)(void *ctx, const uint8_t *bytes, size_t len);
	dk_err (*end)(void *ctx, const struct dk_evidence_part *part);
	void *ctx;
};

/*
 * The rest of the file, to its end.
 *
 * Errors:  DK_ERR_EVIDENCE_FILE, DK_ERR_EVIDENCE_CHANGED, DK_ERR_READ, and those of sink
 */
DK_MUST_USE dk_err dk_bundle_read(struct dk_bundle *bundle, const struct dk_bundle_sink *sink);

/* The signature's fields, borrowed. */
struct dk_bundle_signature {
	const uint8_t *spki; /* DK_P256_SPKI_BYTES */
	const uint8_t *signature;
	const uint8_t *receipt;
	size_t receipt_len;
};

/* DK_ERR_EVIDENCE_FILE: another layout. */
DK_MUST_USE dk_err dk_bundle_signature_parse(
    const uint8_t *bytes, size_t len, struct dk_bundle_signature *ret_signature);

/* What is signed, as the one part of a message; ret_info has room for DK_INFO_MAX_BYTES. */
DK_MUST_USE dk_err dk_bundle_signed(const uint8_t manifest_digest[DK_SHA256_BYTES],
    const uint8_t *receipt, size_t receipt_len, uint8_t *ret_info, struct dk_part *ret_part);

/*
 * Section 7, step 2, but whose keys signed the checkpoint of the receipt.
 *
 * Out:     ret_key_id      SHA-256 of the SubjectPublicKeyInfo
 *          ret_event       of the entry of the signing
 *          ret_checkpoint  borrowed from the bundle: that of the receipt, whose root holds
 * Errors:  DK_ERR_EVIDENCE_FILE, DK_ERR_EVIDENCE_SIGNATURE
 */
DK_MUST_USE dk_err dk_bundle_signature_check(const struct dk_bundle *bundle, uint8_t ret_key_id[32],
    struct dk_log_event *ret_event, uint64_t *ret_index, struct dk_note *ret_checkpoint);

#endif
