/* SPDX-License-Identifier: Apache-2.0 */
#include "format/metadata_entry.h"

#include "base/bytes.h"
#include "format/metadata.h"

#define FILE_NAME_MAX_BYTES 255u
#define MEDIA_TYPE_MAX_BYTES 127u

static bool
file_name_ok(const uint8_t *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (name[i] == '/')
			return false;
	if (len == 1 && name[0] == '.')
		return false;
	return !(len == 2 && name[0] == '.' && name[1] == '.');
}

bool
dk_metadata_value_ok(unsigned type, const uint8_t *value, size_t len)
{
	size_t max = type == DK_METADATA_FILE_NAME ? FILE_NAME_MAX_BYTES : MEDIA_TYPE_MAX_BYTES;

	if (type != DK_METADATA_FILE_NAME && type != DK_METADATA_MEDIA_TYPE)
		return false;
	if (len == 0 || len > max || !dk_text_valid(value, len))
		return false;
	return type != DK_METADATA_FILE_NAME || file_name_ok(value, len);
}

/* len is below the room at to: dk_metadata_value_ok() has seen to it. */
static void
copy_text(char *to, const uint8_t *value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = (char)value[i];
	to[len] = '\0';
}

dk_err
dk_metadata_parse(const uint8_t *entries, size_t len, struct dk_object_metadata *ret)
{
	struct dk_object_metadata found = { { 0 }, { 0 } };
	struct dk_reader_buf rd;
	unsigned last = 0;

	dk_rd_init(&rd, entries, len);
	if (len == 0)
		return DK_ERR_METADATA;
	while (dk_rd_left(&rd) > 0) {
		unsigned type = dk_rd_u16(&rd);
		size_t value_len = dk_rd_u16(&rd);
		const uint8_t *value = dk_rd_bytes(&rd, value_len);

		if (!value || rd.failed || type <= last)
			return DK_ERR_METADATA;
		if (!dk_metadata_value_ok(type, value, value_len))
			return DK_ERR_METADATA;
		copy_text(type == DK_METADATA_FILE_NAME ? found.file_name : found.media_type, value,
		    value_len);
		last = type;
	}
	*ret = found;
	return DK_OK;
}
