/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key schedule, spec/envelope.md section 5. Everything here is a composition
 * of HKDF and HMAC with SHA-384; labels are in schedule.c and nowhere else.
 */
#ifndef DK_FORMAT_SCHEDULE_H
#define DK_FORMAT_SCHEDULE_H

#include "base/secret.h"
#include "crypto/crypto.h"
#include "doublekey/error.h"
#include "doublekey/key.h"
#include "format/header.h"

/* Longest info(label, data): 1 + 12 + 14 + 83 bytes. */
#define DK_INFO_MAX_BYTES 128

/* info(label, data) of section 1; *ret_len at most DK_INFO_MAX_BYTES. */
DK_MUST_USE dk_err dk_info(const char *label, const struct dk_part *data, size_t n,
    uint8_t ret_info[DK_INFO_MAX_BYTES], size_t *ret_len);

/* Section 5.2: what one share gives. */
struct dk_side_keys {
	uint8_t commitment[DK_COMMITMENT_BYTES];
	struct dk_secret48 set_mac;
};
void dk_side_keys_clear(struct dk_side_keys *keys);
#define dk_auto_side_keys __attribute__((cleanup(dk_side_keys_clear))) struct dk_side_keys

DK_MUST_USE dk_err dk_side_keys_derive(dk_side side, const uint8_t object_id[16],
    const struct dk_secret32 *share, struct dk_side_keys *ret_keys);

/* set points to the side field, len is up to the set MAC and without it. */
DK_MUST_USE dk_err dk_set_mac(const struct dk_side_keys *keys,
    const uint8_t core_digest[DK_SHA384_BYTES], const uint8_t *set, size_t len,
    uint8_t ret_mac[DK_SET_MAC_BYTES]);

/* Section 5.1: what both shares give. */
struct dk_object_keys {
	struct dk_secret32 body;
	struct dk_secret48 header_mac;
	uint8_t commitment[DK_COMMITMENT_BYTES];
};
void dk_object_keys_clear(struct dk_object_keys *keys);
#define dk_auto_object_keys __attribute__((cleanup(dk_object_keys_clear))) struct dk_object_keys

DK_MUST_USE dk_err dk_prk_derive(const struct dk_secret32 *customer,
    const struct dk_secret32 *provider, struct dk_secret48 *ret_prk);
DK_MUST_USE dk_err dk_metadata_key(const struct dk_secret48 *prk, const uint8_t object_id[16],
    const uint8_t salt[32], struct dk_secret32 *ret_key);
DK_MUST_USE dk_err dk_object_keys_derive(const struct dk_secret48 *prk,
    const uint8_t core_digest[DK_SHA384_BYTES], struct dk_object_keys *ret_keys);
/* signature is NULL if the object has no creator. */
DK_MUST_USE dk_err dk_header_mac(const struct dk_object_keys *keys, const uint8_t *core,
    size_t core_len, const uint8_t *signature, uint8_t ret_mac[DK_HEADER_MAC_BYTES]);

#endif
