/* SPDX-License-Identifier: Apache-2.0 */
/* Pure parser of the key file's structure, spec/key-file.md sections 3 to 6. */
#include "format/key_file.h"

#include <string.h>

#include "base/bytes.h"

static bool
side_valid(unsigned side)
{
	return side >= DK_SIDE_CUSTOMER && side <= DK_SIDE_AUDITOR;
}

bool
dk_key_type_for(unsigned type, dk_side side)
{
	switch (type) {
	case DK_KEY_P256:
		return true;
	case DK_KEY_P384:
		return side != DK_SIDE_CREATOR;
	case DK_KEY_RSA:
		return side == DK_SIDE_CUSTOMER || side == DK_SIDE_PROVIDER;
	default:
		return false;
	}
}

static dk_err
parse_public(struct dk_reader_buf *rd, struct dk_key_file *file)
{
	unsigned side;

	side = dk_rd_u8(rd);
	if (rd->failed || !side_valid(side))
		return DK_ERR_KEY_DAMAGED;
	file->side = (dk_side)side;
	file->type = dk_rd_u16(rd);
	if (rd->failed)
		return DK_ERR_KEY_DAMAGED;
	if (file->type == DK_KEY_P256_MLKEM768)
		return DK_ERR_KEY_RESERVED;
	if (!dk_key_type_for(file->type, file->side))
		return DK_ERR_KEY_TYPE;
	file->created = dk_rd_u64(rd);
	if (rd->failed || file->created >= DK_KEY_CREATED_MAX_S)
		return DK_ERR_KEY_DAMAGED;
	file->custodian = dk_rd_bytes(rd, DK_CUSTODIAN_BYTES);
	if (!file->custodian || !dk_custodian_valid(file->custodian))
		return DK_ERR_KEY_DAMAGED;
	file->spki_len = dk_rd_u16(rd);
	if (rd->failed || file->spki_len < 1 || file->spki_len > DK_SPKI_MAX_BYTES)
		return DK_ERR_KEY_DAMAGED;
	file->spki = dk_rd_bytes(rd, file->spki_len);
	return file->spki ? DK_OK : DK_ERR_KEY_DAMAGED;
}

bool
dk_key_private_len_valid(uint16_t type, size_t len)
{
	switch (type) {
	case DK_KEY_P256:
		return len == 32;
	case DK_KEY_P384:
		return len == 48;
	default:
		return len >= 1 && len <= DK_PKEY_PRIVATE_MAX_BYTES;
	}
}

/* The length field counts the tag of a sealed private part. */
static bool
private_field_valid(const struct dk_key_file *file)
{
	size_t tag = file->protection == DK_PROTECT_PASSPHRASE ? DK_GCM_TAG_BYTES : 0;

	return file->private_len >= tag &&
	    dk_key_private_len_valid(file->type, file->private_len - tag);
}

static dk_err
parse_argon2(struct dk_reader_buf *rd, struct dk_argon2 *params)
{
	const uint8_t *salt = dk_rd_bytes(rd, DK_ARGON2_SALT_BYTES);

	if (!salt)
		return DK_ERR_KEY_DAMAGED;
	memcpy(params->salt, salt, DK_ARGON2_SALT_BYTES);
	params->passes = dk_rd_u32(rd);
	params->memory_kib = dk_rd_u32(rd);
	params->lanes = dk_rd_u32(rd);
	if (rd->failed || !dk_argon2_valid(params))
		return DK_ERR_KEY_DAMAGED;
	return DK_OK;
}

static dk_err
parse_private(struct dk_reader_buf *rd, struct dk_key_file *file)
{
	unsigned protection = dk_rd_u8(rd);
	dk_err err;

	if (rd->failed || protection > DK_PROTECT_PASSPHRASE)
		return DK_ERR_KEY_DAMAGED;
	file->protection = (enum dk_key_protection)protection;
	if (file->protection == DK_PROTECT_PASSPHRASE) {
		err = parse_argon2(rd, &file->argon2);
		if (err != DK_OK)
			return err;
	}
	file->private_len = dk_rd_u16(rd);
	if (rd->failed || !private_field_valid(file))
		return DK_ERR_KEY_DAMAGED;
	file->private_offset = rd->pos;
	file->private_part = dk_rd_bytes(rd, file->private_len);
	return file->private_part ? DK_OK : DK_ERR_KEY_DAMAGED;
}

dk_err
dk_key_file_parse(
    const uint8_t *data, size_t len, enum dk_key_kind label, struct dk_key_file *ret_file)
{
	struct dk_key_file file = { .kind = label };
	struct dk_reader_buf rd;
	const uint8_t *start;
	dk_err err;

	if (len < DK_KEY_BINARY_MIN_BYTES)
		return DK_ERR_KEY_DAMAGED;
	dk_rd_init(&rd, data, len - DK_KEY_CHECKSUM_BYTES);
	start = dk_rd_bytes(&rd, DK_KEY_MAGIC_BYTES);
	if (!start || memcmp(start, DK_KEY_MAGIC, DK_KEY_MAGIC_BYTES) != 0)
		return DK_ERR_KEY_FOREIGN;
	if (dk_rd_u16(&rd) != DK_KEY_FILE_VERSION)
		return DK_ERR_KEY_VERSION;
	if (dk_rd_u8(&rd) != (uint8_t)label)
		return DK_ERR_KEY_DAMAGED;
	err = parse_public(&rd, &file);
	if (err != DK_OK)
		return err;
	if (label == DK_KIND_PRIVATE) {
		err = parse_private(&rd, &file);
		if (err != DK_OK)
			return err;
	}
	if (dk_rd_left(&rd) != 0)
		return DK_ERR_KEY_DAMAGED;
	*ret_file = file;
	return DK_OK;
}
