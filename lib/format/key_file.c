/* SPDX-License-Identifier: Apache-2.0 */
/* Checksum, writer and seal of a key file, spec/key-file.md sections 3 to 6. */
#include "format/key_file.h"

#include <string.h>

#include "base/bytes.h"

/* A file key is used once, so that its nonce can be constant (section 5.2). */
static const uint8_t zero_iv[DK_GCM_IV_BYTES];

void
dk_key_blob_clear(struct dk_key_blob *blob)
{
	dk_wipe(blob, sizeof(*blob));
}

void
dk_private_part_clear(struct dk_private_part *part)
{
	dk_wipe(part, sizeof(*part));
}

void
dk_passphrase_clear(struct dk_passphrase *passphrase)
{
	dk_wipe(passphrase, sizeof(*passphrase));
}

dk_err
dk_key_file_checksum(const uint8_t *data, size_t len)
{
	uint8_t sum[DK_SHA256_BYTES];
	struct dk_part part;
	dk_err err;

	if (len < DK_KEY_BINARY_MIN_BYTES)
		return DK_ERR_KEY_DAMAGED;
	part.data = data;
	part.len = len - DK_KEY_CHECKSUM_BYTES;
	err = dk_sha256(&part, 1, sum);
	if (err != DK_OK)
		return err;
	if (memcmp(sum, data + part.len, sizeof(sum)) != 0)
		return DK_ERR_KEY_DAMAGED;
	return DK_OK;
}

dk_err
dk_key_file_start(struct dk_key_blob *blob, const struct dk_key_file *file)
{
	struct dk_writer_buf wr;

	dk_wr_init(&wr, blob->bytes, sizeof(blob->bytes));
	dk_wr_bytes(&wr, DK_KEY_MAGIC, DK_KEY_MAGIC_BYTES);
	dk_wr_u16(&wr, DK_KEY_FILE_VERSION);
	dk_wr_u8(&wr, (uint8_t)file->kind);
	dk_wr_u8(&wr, (uint8_t)file->side);
	dk_wr_u16(&wr, file->type);
	dk_wr_u64(&wr, file->created);
	dk_wr_bytes(&wr, file->custodian, DK_CUSTODIAN_BYTES);
	dk_wr_u16(&wr, (uint16_t)file->spki_len);
	dk_wr_bytes(&wr, file->spki, file->spki_len);
	if (wr.failed || file->spki_len > DK_SPKI_MAX_BYTES)
		return DK_ERR_ARGUMENT;
	blob->len = wr.len;
	return DK_OK;
}

/* Go on writing where the blob ends. */
static void
resume(struct dk_writer_buf *wr, struct dk_key_blob *blob)
{
	dk_wr_init(wr, blob->bytes, sizeof(blob->bytes));
	(void)dk_wr_space(wr, blob->len);
}

static dk_err
add_sealed(struct dk_key_blob *blob, const struct dk_private_part *part,
    const struct dk_passphrase *passphrase, const struct dk_argon2 *argon2)
{
	struct dk_argon2 params = *argon2;
	dk_auto_secret32 key = { { 0 } };
	struct dk_writer_buf wr;
	size_t sealed_len = part->len + DK_GCM_TAG_BYTES;
	uint8_t *sealed;
	dk_err err;

	err = dk_random(params.salt, sizeof(params.salt));
	if (err != DK_OK)
		return err;
	err = dk_argon2id(&params, passphrase->bytes, passphrase->len, &key);
	if (err != DK_OK)
		return err;
	resume(&wr, blob);
	dk_wr_u8(&wr, DK_PROTECT_PASSPHRASE);
	dk_wr_bytes(&wr, params.salt, sizeof(params.salt));
	dk_wr_u32(&wr, params.passes);
	dk_wr_u32(&wr, params.memory_kib);
	dk_wr_u32(&wr, params.lanes);
	dk_wr_u16(&wr, (uint16_t)sealed_len);
	sealed = dk_wr_space(&wr, sealed_len);
	if (!sealed || wr.failed)
		return DK_ERR_ARGUMENT;
	err = dk_gcm_seal(
	    &key, zero_iv, blob->bytes, wr.len - sealed_len, part->bytes, part->len, sealed);
	if (err != DK_OK)
		return err;
	blob->len = wr.len;
	return DK_OK;
}

dk_err
dk_key_file_add_private(struct dk_key_blob *blob, const struct dk_private_part *part,
    const struct dk_passphrase *passphrase, const struct dk_argon2 *argon2)
{
	struct dk_writer_buf wr;

	if (part->len < 1 || part->len > sizeof(part->bytes))
		return DK_ERR_ARGUMENT;
	if (passphrase)
		return add_sealed(blob, part, passphrase, argon2);
	resume(&wr, blob);
	dk_wr_u8(&wr, DK_PROTECT_NONE);
	dk_wr_u16(&wr, (uint16_t)part->len);
	dk_wr_bytes(&wr, part->bytes, part->len);
	if (wr.failed)
		return DK_ERR_ARGUMENT;
	blob->len = wr.len;
	return DK_OK;
}

dk_err
dk_key_file_finish(struct dk_key_blob *blob)
{
	const struct dk_part part = { blob->bytes, blob->len };
	dk_err err;

	if (blob->len > sizeof(blob->bytes) - DK_KEY_CHECKSUM_BYTES)
		return DK_ERR_ARGUMENT;
	err = dk_sha256(&part, 1, blob->bytes + blob->len);
	if (err != DK_OK)
		return err;
	blob->len += DK_KEY_CHECKSUM_BYTES;
	return DK_OK;
}

static dk_err
unseal(const uint8_t *data, const struct dk_key_file *file, const struct dk_passphrase *passphrase,
    struct dk_private_part *ret_part)
{
	dk_auto_secret32 key = { { 0 } };
	dk_auto_private_part part = { .len = file->private_len - DK_GCM_TAG_BYTES };
	dk_err err;

	err = dk_argon2id(&file->argon2, passphrase->bytes, passphrase->len, &key);
	if (err != DK_OK)
		return err;
	dk_ct_secret(key.bytes, sizeof(key.bytes));
	err = dk_gcm_open(&key, zero_iv, data, file->private_offset, file->private_part,
	    file->private_len, part.bytes);
	dk_ct_public(part.bytes, sizeof(part.bytes)); /* from here on libcrypto's */
	if (err == DK_ERR_STANZA_AUTH)
		return DK_ERR_KEY_PASSPHRASE;
	if (err != DK_OK)
		return err;
	*ret_part = part;
	return DK_OK;
}

dk_err
dk_key_file_open_private(const uint8_t *data, const struct dk_key_file *file,
    const struct dk_passphrase *passphrase, struct dk_private_part *ret_part)
{
	if (file->kind != DK_KIND_PRIVATE)
		return DK_ERR_KEY_NEED_PRIVATE;
	if (file->protection == DK_PROTECT_PASSPHRASE) {
		if (!passphrase)
			return DK_ERR_KEY_NEED_PASSPHRASE;
		return unseal(data, file, passphrase, ret_part);
	}
	memcpy(ret_part->bytes, file->private_part, file->private_len);
	ret_part->len = file->private_len;
	return DK_OK;
}
