/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/bytes.h"
#include "log/record_impl.h"

/* A part as it stands in the record; *ret_bytes is NULL if it is erased. */
static bool
skip_part(
    struct dk_reader_buf *rd, const uint8_t **ret_salt, const uint8_t **ret_bytes, size_t *ret_len)
{
	uint8_t form = dk_rd_u8(rd);

	*ret_salt = *ret_bytes = NULL;
	*ret_len = 0;
	if (form == 0)
		return dk_rd_bytes(rd, DK_SHA256_BYTES) != NULL;
	*ret_salt = dk_rd_bytes(rd, DK_LOG_SALT_BYTES);
	*ret_len = dk_rd_u32(rd);
	*ret_bytes = dk_rd_bytes(rd, *ret_len);
	return form == 1 && !rd->failed;
}

dk_err
dk_record_erase_person(const uint8_t *record, size_t len, uint8_t *out, size_t *ret_len)
{
	const uint8_t *salt, *bytes;
	uint8_t hash[DK_SHA256_BYTES];
	struct dk_reader_buf rd;
	struct dk_writer_buf wr;
	size_t part_len, begin;
	dk_err err;

	dk_rd_init(&rd, record, len);
	if (dk_rd_u8(&rd) != 1 || !skip_part(&rd, &salt, &bytes, &part_len))
		return DK_ERR_RECEIPT;
	begin = rd.pos;
	if (!skip_part(&rd, &salt, &bytes, &part_len))
		return DK_ERR_RECEIPT;
	*ret_len = 0;
	if (part_len == 0)
		return DK_OK;
	err = dk_record_part_hash("log-person", salt, bytes, part_len, hash);
	if (err != DK_OK)
		return err;
	dk_wr_init(&wr, out, len + DK_RECORD_ERASED_MORE_BYTES);
	dk_wr_bytes(&wr, record, begin);
	dk_wr_u8(&wr, 0);
	dk_wr_bytes(&wr, hash, sizeof(hash));
	dk_wr_bytes(&wr, record + rd.pos, len - rd.pos);
	*ret_len = wr.len;
	return DK_OK;
}
