/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a kms stanza, spec/envelope.md section 6.3. */
#include "format/header_cursor.h"

static bool
printable(const uint8_t *data, uint32_t offset, uint32_t len)
{
	/*@ loop invariant i <= len;
	    loop assigns i;
	    loop variant len - i; */
	for (uint32_t i = 0; i < len; i++)
		if (data[offset + i] < 0x21 || data[offset + i] > 0x7e)
			return false;
	return true;
}

/* A length of n bytes, and as many bytes of text, min to max, none behind end. */
static dk_err
text(struct dk_cursor *p, uint32_t n, uint32_t min, uint32_t max, size_t end)
{
	uint32_t len = 0, at = 0;
	dk_err err;

	err = dk_cursor_u32(p, n, &len);
	if (err != DK_OK)
		return err;
	if (len < min || len > max || p->pos > end || len > end - p->pos)
		return DK_ERR_STANZA_LENGTH;
	err = dk_cursor_take(p, len, &at);
	if (err != DK_OK)
		return err;
	return printable(p->data, at, len) ? DK_OK : DK_ERR_TEXT;
}

dk_err
dk_header_kms(struct dk_cursor *p, uint32_t len)
{
	size_t end = p->pos + len;
	uint32_t blob = 0;
	dk_err err;

	err = text(p, 2, 1, DK_KMS_NAME_MAX_BYTES, end);
	if (err != DK_OK)
		return err;
	err = text(p, 1, 0, DK_KMS_VERSION_MAX_BYTES, end);
	if (err != DK_OK)
		return err;
	if (p->pos >= end || end - p->pos > DK_KMS_BLOB_MAX_BYTES)
		return DK_ERR_STANZA_LENGTH;
	return dk_cursor_take(p, end - p->pos, &blob);
}
