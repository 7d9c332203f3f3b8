/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shares of a key backup. The input is the text of a share or, if its first byte
 * is below 8, that byte and then the common part and the 40 bytes of the share
 * part, of which text with right line checks is made; bit 0 of the byte puts in
 * the split and the check value that are right.
 */
#include <string.h>

#include "doublekey/backup.h"
#include "format/share.h"
#include "fuzz.h"

#define TITLE "DOUBLEKEY KEY SHARE 1\n"

/* What was parsed lies within what was read. */
static void
check_parsed(const struct dk_share_data *data, const struct dk_share_common *common)
{
	const uint8_t *end = data->common + data->common_len;

	FUZZ_CHECK(common->threshold >= DK_SPLIT_MIN && common->threshold <= common->shares);
	FUZZ_CHECK(common->public_part + common->public_len <= end);
	FUZZ_CHECK(common->file.spki + common->file.spki_len <= end);
	FUZZ_CHECK(common->checks + (size_t)common->shares * DK_SHARE_CHECK_BYTES <= end);
	FUZZ_CHECK(common->sealed + common->sealed_len == end);
	FUZZ_CHECK(common->sealed == data->common + common->sealed_offset);
}

static void
parse(const struct dk_share_data *data)
{
	/* Of its own length, so that a read behind its end is seen. */
	uint8_t *exact = fuzz_exact(data->common, data->common_len);
	struct dk_share_common common;
	struct dk_place place = { .text = "" };

	if (dk_share_common_parse(exact, data->common_len, &common, &place) == DK_OK &&
	    dk_share_common_parse(data->common, data->common_len, &common, &place) == DK_OK)
		check_parsed(data, &common);
	free(exact);
}

/* The same bytes again from the text that a writer makes of them. */
static void
write_again(const struct dk_share_data *data, char *text, size_t cap, size_t *ret_len)
{
	size_t len = strlen(TITLE);

	memcpy(text, TITLE, len);
	FUZZ_CHECK(
	    dk_share_text_lines('C', data->common, data->common_len, text, cap, &len) == DK_OK);
	FUZZ_CHECK(dk_share_text_lines('S', data->part, data->part_len, text, cap, &len) == DK_OK);
	*ret_len = len;
}

static void
join(const uint8_t *text, size_t len)
{
	struct dk_join *join = NULL;
	struct dk_key *key = NULL;
	struct dk_place place;

	FUZZ_CHECK(dk_join_new(&join) == DK_OK);
	if (dk_join_add(join, text, len, &place) == DK_OK) {
		FUZZ_CHECK(place.text[0] == '\0' && dk_join_count(join) == 1);
		FUZZ_CHECK(strlen(dk_join_split_id_hex(join)) == 2 * DK_SPLIT_ID_BYTES);
		FUZZ_CHECK(dk_join_add(join, text, len, &place) == DK_ERR_SHARE_TWICE);
		/* The smallest threshold is 2. */
		FUZZ_CHECK(dk_join_finish(join, &key) == DK_ERR_SHARE_TOO_FEW && !key);
	} else {
		FUZZ_CHECK(dk_join_count(join) == 0);
	}
	dk_join_free(join);
}

static void
from_text(const uint8_t *text, size_t len)
{
	static struct dk_share_data data, again;
	static char written[DK_SHARE_TEXT_MAX_BYTES];
	struct dk_place place;
	size_t written_len;

	if (dk_share_text_decode(text, len, &data, &place) != DK_OK) {
		FUZZ_CHECK(memchr(place.text, '\0', sizeof(place.text)));
	} else {
		write_again(&data, written, sizeof(written), &written_len);
		FUZZ_CHECK(dk_share_text_decode(
			       (const uint8_t *)written, written_len, &again, &place) == DK_OK);
		FUZZ_CHECK(data.common_len == again.common_len &&
		    memcmp(data.common, again.common, data.common_len) == 0);
		FUZZ_CHECK(data.part_len == DK_SHARE_PART_BYTES &&
		    memcmp(data.part, again.part, DK_SHARE_PART_BYTES) == 0);
		parse(&data);
	}
	join(text, len);
}

/* Split and check value that a fuzzer would never find. */
static void
repair(struct dk_share_data *data)
{
	struct dk_share_common common;
	struct dk_place place = { .text = "" };
	unsigned index = data->part[0];
	size_t at;

	if (dk_share_common_parse(data->common, data->common_len, &common, &place) != DK_OK ||
	    index < 1 || index > common.shares)
		return;
	at = (size_t)(common.checks - data->common) + (index - 1) * DK_SHARE_CHECK_BYTES;
	memcpy(data->part + DK_SHARE_SPLIT, common.split_id, DK_SHARE_SPLIT_BYTES);
	FUZZ_CHECK(dk_share_check_value(common.split_id, index, data->part + DK_SHARE_VALUE,
		       data->common + at) == DK_OK);
}

static void
from_binary(const uint8_t *bytes, size_t len)
{
	static struct dk_share_data data;
	static char text[DK_SHARE_TEXT_MAX_BYTES];
	size_t text_len;

	if (len < 2 + DK_SHARE_PART_BYTES || len - 1 - DK_SHARE_PART_BYTES > sizeof(data.common))
		return;
	data.common_len = len - 1 - DK_SHARE_PART_BYTES;
	data.part_len = DK_SHARE_PART_BYTES;
	memcpy(data.common, bytes + 1, data.common_len);
	memcpy(data.part, bytes + 1 + data.common_len, DK_SHARE_PART_BYTES);
	if (bytes[0] & 1)
		repair(&data);
	write_again(&data, text, sizeof(text), &text_len);
	from_text((const uint8_t *)text, text_len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *exact;

	if (len == 0)
		return 0;
	if (data[0] < 8) {
		from_binary(data, len);
		return 0;
	}
	exact = fuzz_exact(data, len);
	from_text(exact, len);
	free(exact);
	return 0;
}
