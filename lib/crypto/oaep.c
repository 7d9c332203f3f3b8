/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EME-OAEP decoding (RFC 8017 section 7.1.2) of what a token's raw RSA gave.
 *
 * The text has a fixed length here, so that everything before it in DB has one
 * right value: it is compared as a whole, and nothing is searched for. No branch
 * and no address depends on a decoded byte.
 */
#include <string.h>

#include "crypto/oaep.h"
#include "crypto/random.h"
#include "crypto/rsa.h"

#define H DK_SHA256_BYTES

const uint8_t dk_oaep_label_hash[H] = { 0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb,
	0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4,
	0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55 };

/* XOR MGF1(seed) over out. */
static dk_err
unmask(const uint8_t *seed, size_t seed_len, uint8_t *out, size_t len)
{
	uint8_t counter[4] = { 0 }, mask[H];
	const struct dk_part parts[] = { { seed, seed_len }, { counter, sizeof(counter) } };
	dk_err err = DK_OK;

	for (size_t at = 0; at < len && err == DK_OK; at += H) {
		counter[3] = (uint8_t)(at / H);
		err = dk_sha256(parts, 2, mask);
		for (size_t i = 0; i < H && at + i < len && err == DK_OK; i++)
			out[at + i] ^= mask[i];
	}
	dk_wipe(mask, sizeof(mask));
	return err;
}

dk_err
dk_oaep_unmask(uint8_t *em, size_t len)
{
	uint8_t *seed = em + 1, *db = seed + H;
	size_t db_len = len - 1 - H;
	dk_err err = unmask(db, db_len, seed, H);

	return err == DK_OK ? unmask(seed, H, db, db_len) : err;
}

/* Bits that differ from 00 || lHash || 00... || 01. */
static uint8_t
difference(uint8_t first, const uint8_t *db, size_t len)
{
	size_t one = len - DK_SHARE_BYTES - 1;
	uint8_t diff = first;

	for (size_t i = 0; i < H; i++)
		diff |= (uint8_t)(db[i] ^ dk_oaep_label_hash[i]);
	for (size_t i = H; i < one; i++)
		diff |= db[i];
	return diff | (uint8_t)(db[one] ^ 1);
}

dk_err
dk_oaep_decode(const uint8_t *em, size_t len, struct dk_secret32 *ret_seed)
{
	uint8_t buf[DK_RSA_MAX_BYTES], bad;
	dk_auto_secret32 rejected = { { 0 } };
	const uint8_t *db = buf + 1 + H;
	size_t db_len;
	dk_err err;

	if (len < 384 || len > sizeof(buf))
		return DK_ERR_KEY_TYPE;
	err = dk_random(rejected.bytes, sizeof(rejected.bytes));
	if (err != DK_OK)
		return err;
	memcpy(buf, em, len);
	db_len = len - 1 - H;
	err = dk_oaep_unmask(buf, len);
	if (err == DK_OK) {
		bad = difference(buf[0], db, db_len);
		/* 0xff if anything differs, else 0 */
		bad = (uint8_t)(0u - ((((uint32_t)bad + 0xffu) >> 8) & 1u));
		for (size_t i = 0; i < DK_SHARE_BYTES; i++) {
			uint8_t yes = (uint8_t)(db[db_len - DK_SHARE_BYTES + i] & (uint8_t)~bad);
			uint8_t no = (uint8_t)(rejected.bytes[i] & bad);

			ret_seed->bytes[i] = yes | no;
		}
	}
	dk_wipe(buf, sizeof(buf));
	return err;
}
