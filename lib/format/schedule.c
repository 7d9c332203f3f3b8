/* SPDX-License-Identifier: Apache-2.0 */
#include "format/schedule.h"

#include <string.h>

#include "base/bytes.h"

#define PREFIX "doublekey/1 "
#define SUITE_LABEL "HKDF-SHA-384 FLOE-AES-256-GCM"

dk_err
dk_info(const char *label, const struct dk_part *data, size_t n,
    uint8_t ret_info[DK_INFO_MAX_BYTES], size_t *ret_len)
{
	struct dk_writer_buf wr;
	size_t len = strlen(PREFIX) + strlen(label);

	if (len > UINT8_MAX)
		return DK_ERR_ARGUMENT;
	dk_wr_init(&wr, ret_info, DK_INFO_MAX_BYTES);
	dk_wr_u8(&wr, (uint8_t)len);
	dk_wr_bytes(&wr, PREFIX, strlen(PREFIX));
	dk_wr_bytes(&wr, label, strlen(label));
	for (size_t i = 0; i < n; i++)
		dk_wr_bytes(&wr, data[i].data, data[i].len);
	if (wr.failed)
		return DK_ERR_ARGUMENT;
	*ret_len = wr.len;
	return DK_OK;
}

static dk_err
extract(const char *label, const void *ikm, size_t len, struct dk_secret48 *ret_prk)
{
	uint8_t salt[DK_INFO_MAX_BYTES];
	size_t salt_len;
	dk_err err;

	err = dk_info(label, NULL, 0, salt, &salt_len);
	if (err != DK_OK)
		return err;
	return dk_hkdf_extract(DK_SHA384, salt, salt_len, ikm, len, ret_prk);
}

static dk_err
expand(const struct dk_secret48 *prk, const char *label, const struct dk_part *data, size_t n,
    uint8_t *out, size_t len)
{
	uint8_t info[DK_INFO_MAX_BYTES];
	size_t info_len;
	dk_err err;

	err = dk_info(label, data, n, info, &info_len);
	if (err != DK_OK)
		return err;
	return dk_hkdf_expand(DK_SHA384, prk, info, info_len, out, len);
}

void
dk_side_keys_clear(struct dk_side_keys *keys)
{
	dk_wipe(keys, sizeof(*keys));
}

void
dk_object_keys_clear(struct dk_object_keys *keys)
{
	dk_wipe(keys, sizeof(*keys));
}

dk_err
dk_side_keys_derive(dk_side side, const uint8_t object_id[16], const struct dk_secret32 *share,
    struct dk_side_keys *ret_keys)
{
	dk_auto_secret48 prk = { { 0 } };
	dk_auto_side_keys keys = { 0 };
	uint8_t number = (uint8_t)side;
	const struct dk_part data[] = { { &number, 1 }, { object_id, 16 } };
	dk_err err;

	err = extract("share", share->bytes, sizeof(share->bytes), &prk);
	if (err != DK_OK)
		return err;
	err = expand(&prk, "share-commit", data, 2, keys.commitment, sizeof(keys.commitment));
	if (err != DK_OK)
		return err;
	err = expand(&prk, "set-mac", data, 2, keys.set_mac.bytes, sizeof(keys.set_mac.bytes));
	if (err != DK_OK)
		return err;
	*ret_keys = keys;
	return DK_OK;
}

dk_err
dk_set_mac(const struct dk_side_keys *keys, const uint8_t core_digest[DK_SHA384_BYTES],
    const uint8_t *set, size_t len, uint8_t ret_mac[DK_SET_MAC_BYTES])
{
	const struct dk_part parts[] = { { core_digest, DK_SHA384_BYTES }, { set, len } };

	return dk_hmac_sha384(&keys->set_mac, parts, 2, ret_mac);
}

dk_err
dk_prk_derive(const struct dk_secret32 *customer, const struct dk_secret32 *provider,
    struct dk_secret48 *ret_prk)
{
	/* Provider first, as the specification fixes it. */
	uint8_t both[2 * DK_SHARE_BYTES];
	dk_err err;

	memcpy(both, provider->bytes, DK_SHARE_BYTES);
	memcpy(both + DK_SHARE_BYTES, customer->bytes, DK_SHARE_BYTES);
	err = extract(SUITE_LABEL, both, sizeof(both), ret_prk);
	dk_wipe(both, sizeof(both));
	return err;
}

dk_err
dk_metadata_key(const struct dk_secret48 *prk, const uint8_t object_id[16], const uint8_t salt[32],
    struct dk_secret32 *ret_key)
{
	const struct dk_part data[] = { { object_id, 16 }, { salt, 32 } };

	return expand(prk, "metadata", data, 2, ret_key->bytes, sizeof(ret_key->bytes));
}

dk_err
dk_object_keys_derive(const struct dk_secret48 *prk, const uint8_t core_digest[DK_SHA384_BYTES],
    struct dk_object_keys *ret_keys)
{
	const struct dk_part data[] = { { core_digest, DK_SHA384_BYTES } };
	dk_auto_object_keys keys = { 0 };
	dk_auto_secret48 root = { { 0 } };
	dk_err err;

	err = expand(prk, "root", data, 1, root.bytes, sizeof(root.bytes));
	if (err != DK_OK)
		return err;
	err = expand(&root, "body", NULL, 0, keys.body.bytes, sizeof(keys.body.bytes));
	if (err != DK_OK)
		return err;
	err = expand(&root, "commit", NULL, 0, keys.commitment, sizeof(keys.commitment));
	if (err != DK_OK)
		return err;
	err = expand(
	    &root, "header-mac", NULL, 0, keys.header_mac.bytes, sizeof(keys.header_mac.bytes));
	if (err != DK_OK)
		return err;
	*ret_keys = keys;
	return DK_OK;
}

dk_err
dk_header_mac(const struct dk_object_keys *keys, const uint8_t *core, size_t core_len,
    const uint8_t *signature, uint8_t ret_mac[DK_HEADER_MAC_BYTES])
{
	const struct dk_part parts[] = { { core, core_len },
		{ keys->commitment, sizeof(keys->commitment) },
		{ signature, signature ? DK_CREATOR_SIGNATURE_BYTES : 0 } };

	return dk_hmac_sha384(&keys->header_mac, parts, 3, ret_mac);
}
