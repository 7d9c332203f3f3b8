/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of Microsoft's protocol: files that one is imported from, what the sealed store keeps of
 * one, public halves that an HSM gives, and blocks that it says to have computed. The first byte
 * says which.
 */
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/dke.h"
#include "fuzz.h"

/* A size that there is, and the same key from what is kept of it. */
static void
check(const struct dk_dke_key *key, bool pair)
{
	uint8_t der[DK_PKEY_PRIVATE_MAX_BYTES];
	size_t len, spki_len, der_len = sizeof(der);
	dk_auto_dke *again = NULL, *pub = NULL;
	const uint8_t *spki = dk_dke_spki(key, &spki_len);
	const uint8_t *modulus = dk_dke_modulus(key, &len);

	FUZZ_CHECK(len == 256 || len == 384 || len == 512);
	FUZZ_CHECK((modulus[0] & 0x80) && (modulus[len - 1] & 1));
	FUZZ_CHECK(modulus > spki && modulus + len < spki + spki_len);
	FUZZ_CHECK(dk_dke_from_spki(spki, spki_len, &pub) == DK_OK);
	FUZZ_CHECK(memcmp(dk_dke_id(pub), dk_dke_id(key), 32) == 0);
	FUZZ_CHECK((dk_dke_private_bytes(key, der, &der_len) == DK_OK) == pair);
	if (!pair)
		return;
	FUZZ_CHECK(dk_dke_from_private(der, der_len, &again) == DK_OK);
	FUZZ_CHECK(memcmp(dk_dke_id(again), dk_dke_id(key), 32) == 0);
}

static void
import(const uint8_t *data, size_t len)
{
	dk_auto_dke *key = NULL;

	if (dk_dke_import((const char *)data, len, &key) == DK_OK)
		check(key, true);
}

static void
kept(const uint8_t *data, size_t len)
{
	dk_auto_dke *key = NULL;

	if (dk_dke_from_private(data, len, &key) == DK_OK)
		check(key, true);
}

static void
public_half(const uint8_t *data, size_t len)
{
	dk_auto_dke *key = NULL;
	size_t n;

	if (dk_dke_from_spki(data, len, &key) != DK_OK)
		return;
	check(key, false);
	FUZZ_CHECK(memcmp(dk_dke_spki(key, &n), data, len) == 0 && n == len);
}

/* Behind the SubjectPublicKeyInfo of 2,048 bits, which is 294 bytes long. */
static void
decode(const uint8_t *data, size_t len)
{
	dk_auto_dke_plain plain = { .len = 0 };
	dk_auto_dke *key = NULL;
	uint8_t number[DK_DKE_MAX_BYTES];
	bool fits;
	dk_err err;

	if (len < 294 || dk_dke_from_spki(data, 294, &key) != DK_OK)
		return;
	data += 294;
	len -= 294;
	FUZZ_CHECK(dk_dke_number(key, data, len, number, &fits) == DK_OK);
	FUZZ_CHECK(!fits || (len == 256 && memcmp(number, data, 256) == 0));
	err = dk_dke_decode(key, data, len, true, &plain);
	FUZZ_CHECK(
	    err == DK_OK || err == DK_ERR_STANZA_AUTH || (err == DK_ERR_CRYPTO && len != 256));
	FUZZ_CHECK(err == DK_OK ? plain.len >= 1 && plain.len <= sizeof(plain.bytes) && len == 256
				: plain.len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const fuzz_way ways[] = { import, kept, public_half, decode };

	fuzz_one_of(ways, sizeof(ways) / sizeof(ways[0]), data, len);
	return 0;
}
