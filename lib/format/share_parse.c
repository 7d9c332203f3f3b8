/* SPDX-License-Identifier: Apache-2.0 */
/* Pure parser of a share's common part, spec/key-backup.md section 3.1. */
#include <string.h>

#include "base/bytes.h"
#include "doublekey/backup.h"
#include "format/share.h"

#define MAGIC "DKEYSPLT"
#define MAGIC_BYTES 8
#define VERSION 1

static dk_err
parse_head(struct dk_reader_buf *rd, struct dk_share_common *common)
{
	const uint8_t *magic = dk_rd_bytes(rd, MAGIC_BYTES);

	if (!magic || memcmp(magic, MAGIC, MAGIC_BYTES) != 0)
		return DK_ERR_SHARE_MAGIC;
	if (dk_rd_u16(rd) != VERSION)
		return rd->failed ? DK_ERR_SHARE_DAMAGED : DK_ERR_KEY_VERSION;
	common->threshold = dk_rd_u8(rd);
	common->shares = dk_rd_u8(rd);
	common->split_id = dk_rd_bytes(rd, DK_SPLIT_ID_BYTES);
	if (rd->failed || common->threshold < DK_SPLIT_MIN || common->shares < common->threshold)
		return DK_ERR_SHARE_DAMAGED;
	return DK_OK;
}

static dk_err
parse_public(struct dk_reader_buf *rd, struct dk_share_common *common)
{
	common->public_len = dk_rd_u16(rd);
	common->public_part = dk_rd_bytes(rd, common->public_len);
	if (!common->public_part || rd->failed)
		return DK_ERR_SHARE_DAMAGED;
	/* The parser wants the length with the checksum, and does not read that. */
	return dk_key_file_parse(common->public_part, common->public_len + DK_KEY_CHECKSUM_BYTES,
	    DK_KIND_PUBLIC, &common->file);
}

static dk_err
parse_sealed(struct dk_reader_buf *rd, struct dk_share_common *common)
{
	common->checks = dk_rd_bytes(rd, (size_t)common->shares * DK_SHARE_CHECK_BYTES);
	common->sealed_len = dk_rd_u16(rd);
	common->sealed_offset = rd->pos;
	if (rd->failed || common->sealed_len < DK_GCM_TAG_BYTES ||
	    !dk_key_private_len_valid(common->file.type, common->sealed_len - DK_GCM_TAG_BYTES))
		return DK_ERR_SHARE_DAMAGED;
	common->sealed = dk_rd_bytes(rd, common->sealed_len);
	return common->sealed && dk_rd_left(rd) == 0 ? DK_OK : DK_ERR_SHARE_DAMAGED;
}

dk_err
dk_share_common_parse(
    const uint8_t *data, size_t len, struct dk_share_common *ret_common, struct dk_place *ret_place)
{
	struct dk_share_common common = { 0 };
	struct dk_reader_buf rd;
	dk_err err;

	dk_rd_init(&rd, data, len);
	err = parse_head(&rd, &common);
	if (err == DK_OK)
		err = parse_public(&rd, &common);
	if (err == DK_OK)
		err = parse_sealed(&rd, &common);
	if (err != DK_OK) {
		/* Past the end: the line that should have come next. */
		if (rd.failed)
			dk_share_line_place(
			    'C', (len + DK_SHARE_LINE_BYTES - 1) / DK_SHARE_LINE_BYTES, ret_place);
		return err;
	}
	*ret_common = common;
	return DK_OK;
}
