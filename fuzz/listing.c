/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of listings of a bucket, and errors. The first byte is the length of the prefix; prefix and
 * XML follow. */
#include <string.h>

#include "fuzz.h"
#include "provider/s3.h"

static void
check_entry(const struct s3_page *page, size_t i)
{
	const struct dk_bucket_entry *entry = &page->page.entry[i], *before = entry - 1;
	size_t len;
	int order;

	FUZZ_CHECK(entry->size <= INT64_MAX);
	FUZZ_CHECK(entry->stamp.len <= DK_BUCKET_STAMP_MAX_BYTES && entry->stamp.len != 8);
	FUZZ_CHECK(entry->name_len <= DK_BUCKET_KEY_MAX_BYTES);
	FUZZ_CHECK(memchr(entry->name, '\0', entry->name_len) == NULL);
	if (i == 0)
		return;
	len = before->name_len < entry->name_len ? before->name_len : entry->name_len;
	order = memcmp(before->name, entry->name, len);
	FUZZ_CHECK(order < 0 || (order == 0 && before->name_len < entry->name_len));
	FUZZ_CHECK(before->name + before->name_len <= entry->name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct s3_page page;
	size_t prefix = len > 0 ? data[0] : 0;
	const char *text = (const char *)data + 1;
	char code[64];
	dk_err err;

	if (len < 1 + prefix)
		return 0;
	s3_error_code(text + prefix, len - 1 - prefix, code, sizeof(code));
	FUZZ_CHECK(memchr(code, '\0', sizeof(code)) != NULL);
	err = s3_page_parse(text + prefix, len - 1 - prefix, text, prefix, &page);
	FUZZ_CHECK(err == DK_OK || err == DK_ERR_PROVIDER_ANSWER || err == DK_ERR_NOMEM);
	if (err == DK_OK) {
		FUZZ_CHECK(page.page.count <= DK_BUCKET_PAGE);
		FUZZ_CHECK(memchr(page.token, '\0', sizeof(page.token)) != NULL);
		for (size_t i = 0; i < page.page.count; i++) {
			FUZZ_CHECK(memcmp(page.page.entry[i].name - prefix, text, prefix) == 0);
			check_entry(&page, i);
		}
	}
	s3_page_clear(&page);
	return 0;
}
