/* SPDX-License-Identifier: Apache-2.0 */
/* Check of one share, spec/key-backup.md section 3.3. */
#include "format/share.h"

#include <string.h>

#include "format/schedule.h"

dk_err
dk_share_check_value(const uint8_t split_id[DK_SPLIT_ID_BYTES], unsigned index,
    const uint8_t value[DK_SHARE_BYTES], uint8_t ret_check[DK_SHARE_CHECK_BYTES])
{
	const uint8_t number = (uint8_t)index;
	const struct dk_part data[] = { { split_id, DK_SPLIT_ID_BYTES }, { &number, 1 },
		{ value, DK_SHARE_BYTES } };
	uint8_t info[DK_INFO_MAX_BYTES];
	uint8_t hash[DK_SHA256_BYTES];
	struct dk_part part = { .data = info };
	dk_err err;

	err = dk_info("key-share", data, 3, info, &part.len);
	if (err == DK_OK)
		err = dk_sha256(&part, 1, hash);
	dk_wipe(info, sizeof(info)); /* held the value */
	if (err != DK_OK)
		return err;
	memcpy(ret_check, hash, DK_SHARE_CHECK_BYTES);
	return DK_OK;
}

dk_err
dk_share_part_check(const struct dk_share_common *common, const uint8_t part[DK_SHARE_PART_BYTES],
    struct dk_place *ret_place)
{
	unsigned index = part[0];
	uint8_t check[DK_SHARE_CHECK_BYTES];
	dk_err err;

	dk_share_line_place('S', 0, ret_place);
	if (index < 1 || index > common->shares)
		return DK_ERR_SHARE_DAMAGED;
	if (memcmp(part + DK_SHARE_SPLIT, common->split_id, DK_SHARE_SPLIT_BYTES) != 0)
		return DK_ERR_SHARE_FOREIGN;
	err = dk_share_check_value(common->split_id, index, part + DK_SHARE_VALUE, check);
	if (err != DK_OK)
		return err;
	if (memcmp(check, common->checks + (size_t)(index - 1) * DK_SHARE_CHECK_BYTES,
		sizeof(check)) != 0)
		return DK_ERR_SHARE_DAMAGED;
	ret_place->text[0] = '\0';
	return DK_OK;
}
