/* SPDX-License-Identifier: Apache-2.0 */
/* Decrypted metadata entries: dk_metadata_parse(). */
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "format/metadata.h"
#include "fuzz.h"

static void
put(struct dk_writer_buf *wr, uint16_t type, const char *text)
{
	size_t len = strlen(text);

	if (len == 0)
		return;
	FUZZ_CHECK(dk_text_valid((const uint8_t *)text, len));
	dk_wr_u16(wr, type);
	dk_wr_u16(wr, (uint16_t)len);
	dk_wr_bytes(wr, text, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dk_object_metadata found;
	uint8_t again[DK_METADATA_MAX_BYTES];
	struct dk_writer_buf wr;
	dk_err err;

	memset(&found, 0xff, sizeof(found));
	err = dk_metadata_parse(data, len, &found);
	if (err != DK_OK) {
		FUZZ_CHECK(err == DK_ERR_METADATA);
		return 0;
	}
	FUZZ_CHECK(!strchr(found.file_name, '/'));
	FUZZ_CHECK(strcmp(found.file_name, ".") != 0 && strcmp(found.file_name, "..") != 0);
	dk_wr_init(&wr, again, sizeof(again));
	put(&wr, 1, found.file_name);
	put(&wr, 2, found.media_type);
	FUZZ_CHECK(!wr.failed && wr.len == len && memcmp(again, data, len) == 0);
	return 0;
}
