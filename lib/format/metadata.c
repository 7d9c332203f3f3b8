/* SPDX-License-Identifier: Apache-2.0 */
#include "format/metadata.h"

#include <string.h>

#include "base/bytes.h"
#include "format/metadata_entry.h"
#include "format/schedule.h"

/* The key is used once for each object, so a constant nonce is unique. */
static const uint8_t zero_iv[DK_GCM_IV_BYTES];

static dk_err
write_entry(struct dk_writer_buf *wr, uint16_t type, const char *value)
{
	size_t len;

	if (!value)
		return DK_OK;
	len = strlen(value);
	if (!dk_metadata_value_ok(type, (const uint8_t *)value, len))
		return DK_ERR_TEXT;
	dk_wr_u16(wr, type);
	dk_wr_u16(wr, (uint16_t)len);
	dk_wr_bytes(wr, value, len);
	return wr->failed ? DK_ERR_TEXT : DK_OK;
}

static void
binding(const uint8_t object_id[16], const uint8_t salt[32], uint8_t ret_aad[48])
{
	memcpy(ret_aad, object_id, 16);
	memcpy(ret_aad + 16, salt, 32);
}

dk_err
dk_metadata_seal(const struct dk_metadata *metadata, const struct dk_secret48 *prk,
    const uint8_t object_id[16], const uint8_t salt[32], uint8_t ret_block[DK_METADATA_MAX_BYTES],
    size_t *ret_len)
{
	uint8_t entries[DK_METADATA_MAX_BYTES - DK_GCM_TAG_BYTES];
	dk_auto_secret32 key = { { 0 } };
	struct dk_writer_buf wr;
	uint8_t aad[48];
	dk_err err;

	dk_wr_init(&wr, entries, sizeof(entries));
	err = write_entry(&wr, DK_METADATA_FILE_NAME, metadata->file_name);
	if (err != DK_OK)
		return err;
	err = write_entry(&wr, DK_METADATA_MEDIA_TYPE, metadata->media_type);
	if (err != DK_OK)
		return err;
	*ret_len = 0;
	if (wr.len == 0)
		return DK_OK;
	err = dk_metadata_key(prk, object_id, salt, &key);
	if (err != DK_OK)
		return err;
	binding(object_id, salt, aad);
	err = dk_gcm_seal(&key, zero_iv, aad, sizeof(aad), entries, wr.len, ret_block);
	if (err == DK_OK)
		*ret_len = wr.len + DK_GCM_TAG_BYTES;
	return err;
}

dk_err
dk_metadata_open(const uint8_t *block, size_t len, const struct dk_secret48 *prk,
    const uint8_t object_id[16], const uint8_t salt[32], struct dk_object_metadata *ret)
{
	uint8_t entries[DK_METADATA_MAX_BYTES];
	dk_auto_secret32 key = { { 0 } };
	uint8_t aad[48];
	dk_err err;

	if (len < DK_METADATA_MIN_BYTES || len > DK_METADATA_MAX_BYTES)
		return DK_ERR_METADATA_LENGTH;
	err = dk_metadata_key(prk, object_id, salt, &key);
	if (err != DK_OK)
		return err;
	binding(object_id, salt, aad);
	err = dk_gcm_open(&key, zero_iv, aad, sizeof(aad), block, len, entries);
	if (err == DK_ERR_STANZA_AUTH)
		return DK_ERR_METADATA_AUTH;
	if (err != DK_OK)
		return err;
	dk_ct_public(entries, sizeof(entries)); /* the parser may branch on names */
	err = dk_metadata_parse(entries, len - DK_GCM_TAG_BYTES, ret);
	dk_wipe(entries, sizeof(entries));
	return err;
}
