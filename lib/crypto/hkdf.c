/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HKDF over EVP's HMAC and not EVP_KDF: in OpenSSL 3.0 that fetches the digest
 * by name for each derivation and takes about one and a half times as long.
 */
#include <string.h>

#include "crypto/evp.h"

dk_err
dk_hkdf_extract_parts(enum dk_hash hash, const uint8_t *salt, size_t salt_len,
    const struct dk_part *ikm, size_t n, struct dk_secret48 *ret_prk)
{
	if (n > DK_PARTS_MAX)
		return DK_ERR_ARGUMENT;
	return dk_evp_hmac_parts(hash, salt_len > 0 ? salt : NULL, salt_len, ikm, n, ret_prk);
}

dk_err
dk_hkdf_extract(enum dk_hash hash, const uint8_t *salt, size_t salt_len, const uint8_t *ikm,
    size_t ikm_len, struct dk_secret48 *ret_prk)
{
	struct dk_part part = { ikm, ikm_len };

	return dk_hkdf_extract_parts(hash, salt, salt_len, &part, 1, ret_prk);
}

dk_err
dk_hkdf_expand_parts(enum dk_hash hash, const struct dk_secret48 *prk, const struct dk_part *info,
    size_t n, uint8_t *out, size_t len)
{
	dk_auto_secret48 block = { { 0 } };
	struct dk_part parts[DK_PARTS_MAX + 2];
	size_t size = dk_hash_bytes(hash);
	uint8_t counter = 0;
	dk_err err;

	if (n > DK_PARTS_MAX || len > 255 * size)
		return DK_ERR_ARGUMENT;
	parts[0] = (struct dk_part){ block.bytes, 0 };
	for (size_t i = 0; i < n; i++)
		parts[i + 1] = info[i];
	parts[n + 1] = (struct dk_part){ &counter, 1 };

	for (size_t done = 0; done < len; done += size) {
		size_t take = len - done < size ? len - done : size;

		counter++;
		err = dk_evp_hmac_parts(hash, prk->bytes, size, parts, n + 2, &block);
		if (err != DK_OK) {
			dk_wipe(out, len);
			return err;
		}
		memcpy(out + done, block.bytes, take);
		parts[0].len = size;
	}
	return DK_OK;
}

dk_err
dk_hkdf_expand(enum dk_hash hash, const struct dk_secret48 *prk, const uint8_t *info,
    size_t info_len, uint8_t *out, size_t len)
{
	struct dk_part part = { info, info_len };

	return dk_hkdf_expand_parts(hash, prk, &part, 1, out, len);
}
