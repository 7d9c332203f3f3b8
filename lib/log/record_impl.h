/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by record.c (writing) and record_open.c (reading). */
#ifndef DK_LOG_RECORD_IMPL_H
#define DK_LOG_RECORD_IMPL_H

#include "crypto/crypto.h"
#include "log/record.h"

enum dk_log_main_tag {
	DK_TAG_TIME = 1,
	DK_TAG_DECISION = 2,
	DK_TAG_REASON = 3,
	DK_TAG_MODE = 4,
	DK_TAG_FRONT = 5,
	DK_TAG_LEVEL = 6,
	DK_TAG_KEY_NAME = 7,
	DK_TAG_KEY_ID = 8,
	DK_TAG_KEY_VERSION = 9,
	DK_TAG_POLICY = 10,
	DK_TAG_REQUEST = 11,
	DK_TAG_RECIPIENT = 12,
	DK_TAG_GENERATION = 13,
	DK_TAG_SUPPRESSED = 14,
	DK_TAG_STANZA_TYPE = 15,
	DK_TAG_FACTOR = DK_LOG_TAG_FACTOR,
	DK_TAG_NOTE = 17,
	DK_TAG_RECOVERY = 18,
	DK_TAG_TOKEN = DK_LOG_TAG_TOKEN,
	DK_TAG_CERTIFICATE = DK_LOG_TAG_CERTIFICATE,
	DK_TAG_KEY_SET = 21,
	DK_TAG_CLIENT = DK_LOG_TAG_CLIENT,
	DK_TAG_RULE = DK_LOG_TAG_RULE,
};

enum dk_log_person_tag {
	DK_TAG_USER = 1,
	DK_TAG_DEVICE = 2,
	DK_TAG_DEVICE_NAME = 3,
	DK_TAG_ADDRESS = 4,
	DK_TAG_PERSON = 5, /* in place of user */
};

/* Hashes of the parts, from which the commitment is made. */
struct dk_record_hashes {
	uint8_t main[32];
	uint8_t person[32];
	unsigned n;
	uint8_t object[DK_LOG_OBJECTS_MAX][32];
};

DK_MUST_USE dk_err dk_record_part_hash(const char *label, const uint8_t salt[DK_LOG_SALT_BYTES],
    const uint8_t *bytes, size_t len, uint8_t ret_hash[32]);
DK_MUST_USE dk_err dk_record_commitment(
    const struct dk_record_hashes *hashes, uint8_t ret_commitment[32]);

#endif
