/* SPDX-License-Identifier: Apache-2.0 */
/* The header block: dk_header_need(), dk_header_parse(). The input is the start
 * of an object. */
#include <string.h>

#include "fuzz.h"
#include "header_check.h"

static void
check_block(const uint8_t *data, const struct dk_header *h)
{
	uint32_t at = h->core_len;

	check_core(h);
	FUZZ_CHECK(h->key_commitment == at);
	at += DK_COMMITMENT_BYTES;
	FUZZ_CHECK(h->creator_signature == at);
	at += h->has_creator ? DK_CREATOR_SIGNATURE_BYTES : 0;
	FUZZ_CHECK(h->header_mac == at);
	at += DK_HEADER_MAC_BYTES + 12;
	FUZZ_CHECK(h->metadata == at);
	FUZZ_CHECK(h->metadata_len == 0 ||
	    (h->metadata_len >= DK_METADATA_MIN_BYTES && h->metadata_len <= DK_METADATA_MAX_BYTES));
	at += h->metadata_len;
	for (unsigned i = 0; i < 2; i++) {
		FUZZ_CHECK(h->set[i].offset == at);
		at += h->set[i].len;
		check_set(data, &h->set[i], at);
	}
	FUZZ_CHECK(h->block_len >= at && h->block_len - at < DK_HEADER_UNIT_BYTES);
	FUZZ_CHECK(h->block_len % DK_HEADER_UNIT_BYTES == 0);
	FUZZ_CHECK(h->block_len <= DK_HEADER_MAX_BYTES);
	for (; at < h->block_len; at++)
		FUZZ_CHECK(data[at] == 0);
}

/* What a key service gets of an object that is whole is whole as well. */
static void
check_sides(const uint8_t *data, const struct dk_header *h)
{
	static struct dk_header again;

	for (unsigned i = 0; i < 2; i++) {
		size_t len = h->core_len + h->set[i].len;
		uint8_t *both = malloc(len);

		FUZZ_CHECK(both != NULL);
		memcpy(both, data, h->core_len);
		memcpy(both + h->core_len, data + h->set[i].offset, h->set[i].len);
		FUZZ_CHECK(dk_header_parse_side(both, h->core_len, h->set[i].len,
			       i == 0 ? DK_SIDE_CUSTOMER : DK_SIDE_PROVIDER, &again) == DK_OK);
		FUZZ_CHECK(again.set[i].offset == h->core_len);
		FUZZ_CHECK(again.set[i].stanza_count == h->set[i].stanza_count);
		free(both);
	}
}

/* No part of the block is enough, and the bytes behind it change nothing. */
static void
check_lengths(const uint8_t *data, const struct dk_header *h)
{
	static struct dk_header again;
	struct dk_header_error where;
	uint8_t *exact = fuzz_exact(data, h->block_len);

	FUZZ_CHECK(dk_header_parse(exact, h->block_len, &again, &where) == DK_OK);
	FUZZ_CHECK(again.block_len == h->block_len);
	FUZZ_CHECK(dk_header_need(exact, DK_HEADER_UNIT_BYTES) == h->block_len);
	FUZZ_CHECK(dk_header_parse(exact, h->block_len - 1, &again, &where) == DK_ERR_TRUNCATED);
	free(exact);
}

static void
check_error(dk_err err, size_t len, const struct dk_header_error *where)
{
	struct dk_place place = { 0 };
	dk_category category = dk_err_category(err);

	FUZZ_CHECK(category == DK_CAT_MALFORMED || category == DK_CAT_UNSUPPORTED ||
	    category == DK_CAT_LIMIT || err == DK_ERR_KEY_ON_BOTH_SIDES || err == DK_ERR_CUSTODY);
	FUZZ_CHECK(where->offset <= len && where->offset <= DK_HEADER_MAX_BYTES);
	dk_header_place(where, &place);
	FUZZ_CHECK(place.text[0] != '\0' && memchr(place.text, 0, sizeof(place.text)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct dk_header h;
	struct dk_header_error where = { 0 };
	uint32_t need = dk_header_need(data, len);
	dk_err err;

	FUZZ_CHECK(need > 0 && need % DK_HEADER_UNIT_BYTES == 0 && need <= DK_HEADER_MAX_BYTES);
	err = dk_header_parse(data, len, &h, &where);
	if (err != DK_OK) {
		check_error(err, len, &where);
		return 0;
	}
	FUZZ_CHECK(need == h.block_len && len >= h.block_len);
	check_block(data, &h);
	check_core_again(data, &h);
	check_set_again(data, &h.set[0], 0);
	check_set_again(data, &h.set[1], 1);
	check_lengths(data, &h);
	check_sides(data, &h);
	return 0;
}
