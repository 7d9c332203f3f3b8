/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A core header and one stanza set: dk_header_parse_side(). The input is the
 * side (1 or 2), the core length in two bytes, and both one behind the other.
 */
#include "fuzz.h"
#include "header_check.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct dk_header h;
	size_t core_len;
	unsigned index;
	uint8_t *exact;

	if (len < 3)
		return 0;
	index = (data[0] & 1) ? 0 : 1;
	core_len = (size_t)data[1] << 8 | data[2];
	data += 3;
	len -= 3;
	if (core_len > len)
		core_len = len;
	exact = fuzz_exact(data, len);
	if (dk_header_parse_side(exact, core_len, len - core_len,
		index == 0 ? DK_SIDE_CUSTOMER : DK_SIDE_PROVIDER, &h) == DK_OK) {
		FUZZ_CHECK(h.core_len == core_len);
		check_core(&h);
		check_core_again(exact, &h);
		FUZZ_CHECK(h.set[index].offset == core_len);
		check_set(exact, &h.set[index], (uint32_t)len);
		check_set_again(exact, &h.set[index], index);
	}
	free(exact);
	return 0;
}
