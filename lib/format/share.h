/* SPDX-License-Identifier: Apache-2.0 */
/* One share of a key backup, spec/key-backup.md sections 3 to 6. */
#ifndef DK_FORMAT_SHARE_H
#define DK_FORMAT_SHARE_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "crypto/crypto.h"
#include "doublekey/error.h"
#include "format/key_file.h"

#define DK_SPLIT_ID_BYTES 16u
#define DK_SHARE_CHECK_BYTES 16u
#define DK_SHARE_COMMON_MAX_BYTES 12288u
#define DK_SHARE_PART_BYTES 40u
#define DK_SHARE_VALUE 1u  /* offset of the value in the share part */
#define DK_SHARE_SPLIT 33u /* offset of the start of the split id in it */
#define DK_SHARE_SPLIT_BYTES 7u
#define DK_SHARE_LINE_BYTES 20u /* bytes in a line of text */

/* What the text of a share holds. */
struct dk_share_data {
	uint8_t common[DK_SHARE_COMMON_MAX_BYTES];
	size_t common_len;
	uint8_t part[DK_SHARE_PART_BYTES];
	size_t part_len;
};
void dk_share_data_clear(struct dk_share_data *data);
#define dk_auto_share_data __attribute__((cleanup(dk_share_data_clear))) struct dk_share_data

/* The common part; pointers are into what was parsed. */
struct dk_share_common {
	unsigned threshold;
	unsigned shares;
	const uint8_t *split_id;
	const uint8_t *public_part;
	size_t public_len;
	struct dk_key_file file; /* of the public part */
	const uint8_t *checks;   /* DK_SHARE_CHECK_BYTES for each share */
	const uint8_t *sealed;
	size_t sealed_len;
	size_t sealed_offset; /* the bytes before it are the associated data */
};

/* ---- share_text.c: section 5 ---- */

/* Text to bytes. DK_ERR_SHARE_MAGIC, DK_ERR_KEY_VERSION, DK_ERR_SHARE_DAMAGED with
 * the line as place. */
DK_MUST_USE dk_err dk_share_text_decode(const uint8_t *text, size_t len,
    struct dk_share_data *ret_data, struct dk_place *ret_place);
/* Lines of one part, 'C' or 'S', appended to text; *len moves on. */
DK_MUST_USE dk_err dk_share_text_lines(char part, const uint8_t *data, size_t data_len, char *text,
    size_t cap, size_t *len);
/* "line C005"; number counts from 0. */
void dk_share_line_place(char part, size_t number, struct dk_place *ret_place);

/* ---- share_parse.c, share.c: sections 3, 6 ---- */

/* Step 2 of section 6; pure. */
DK_MUST_USE dk_err dk_share_common_parse(const uint8_t *data, size_t len,
    struct dk_share_common *ret_common, struct dk_place *ret_place);
/* Step 3. */
DK_MUST_USE dk_err dk_share_part_check(const struct dk_share_common *common,
    const uint8_t part[DK_SHARE_PART_BYTES], struct dk_place *ret_place);
DK_MUST_USE dk_err dk_share_check_value(const uint8_t split_id[DK_SPLIT_ID_BYTES], unsigned index,
    const uint8_t value[DK_SHARE_BYTES], uint8_t ret_check[DK_SHARE_CHECK_BYTES]);

#endif
