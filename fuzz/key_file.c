/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key files. The input is a key file as text or, if its first byte is below 8,
 * that byte for side and label and then the binary structure without its
 * checksum, which no fuzzer would find.
 */
#include <string.h>

#include "base/bytes.h"
#include "format/key_file.h"
#include "fuzz.h"

static void
check_within(const struct dk_key_blob *blob, const uint8_t *field, size_t len)
{
	FUZZ_CHECK(field >= blob->bytes && len <= blob->len - DK_KEY_CHECKSUM_BYTES);
	FUZZ_CHECK((size_t)(field - blob->bytes) <= blob->len - DK_KEY_CHECKSUM_BYTES - len);
}

/* The structure again, from what was parsed. */
static void
check_again(const struct dk_key_blob *blob, const struct dk_key_file *file)
{
	static struct dk_key_blob again;
	struct dk_writer_buf wr;

	FUZZ_CHECK(dk_key_file_start(&again, file) == DK_OK);
	dk_wr_init(&wr, again.bytes, sizeof(again.bytes));
	(void)dk_wr_space(&wr, again.len);
	if (file->kind == DK_KIND_PRIVATE) {
		dk_wr_u8(&wr, (uint8_t)file->protection);
		if (file->protection == DK_PROTECT_PASSPHRASE) {
			dk_wr_bytes(&wr, file->argon2.salt, sizeof(file->argon2.salt));
			dk_wr_u32(&wr, file->argon2.passes);
			dk_wr_u32(&wr, file->argon2.memory_kib);
			dk_wr_u32(&wr, file->argon2.lanes);
		}
		dk_wr_u16(&wr, (uint16_t)file->private_len);
		FUZZ_CHECK(file->private_offset == wr.len);
		dk_wr_bytes(&wr, file->private_part, file->private_len);
	}
	FUZZ_CHECK(!wr.failed && wr.len == blob->len - DK_KEY_CHECKSUM_BYTES);
	FUZZ_CHECK(memcmp(again.bytes, blob->bytes, wr.len) == 0);
}

static void
check_parsed(const struct dk_key_blob *blob, const struct dk_key_file *file)
{
	FUZZ_CHECK(file->side >= DK_SIDE_CUSTOMER && file->side <= DK_SIDE_AUDITOR);
	FUZZ_CHECK(file->created < DK_KEY_CREATED_MAX_S);
	check_within(blob, file->custodian, DK_CUSTODIAN_BYTES);
	FUZZ_CHECK(dk_custodian_valid(file->custodian));
	check_within(blob, file->spki, file->spki_len);
	if (file->kind == DK_KIND_PRIVATE) {
		FUZZ_CHECK(file->private_part == blob->bytes + file->private_offset);
		check_within(blob, file->private_part, file->private_len);
		if (file->protection == DK_PROTECT_PASSPHRASE)
			FUZZ_CHECK(dk_argon2_valid(&file->argon2));
	}
	check_again(blob, file);
}

static void
parse(const struct dk_key_blob *blob, enum dk_key_kind label)
{
	static struct dk_key_blob exact;
	struct dk_key_file file;

	exact = *blob;
	if (dk_key_file_parse(exact.bytes, exact.len, label, &file) == DK_OK)
		check_parsed(&exact, &file);
}

/* Everything up to libcrypto. There is no passphrase: Argon2 would take all the time. */
static void
open_text(const uint8_t *text, size_t len, dk_side side)
{
	struct dk_key_options options = { 0 };
	struct dk_key *key = NULL;

	if (dk_key_read(text, len, "fuzz", side, &options, &key) == DK_OK) {
		FUZZ_CHECK(side == DK_SIDE_ANY || dk_key_side(key) == side);
		FUZZ_CHECK(strlen(dk_key_id_hex(key)) == 64 && dk_key_custodian(key)[0] != '\0');
		dk_key_free(key);
	}
}

static void
from_text(const uint8_t *text, size_t len)
{
	static struct dk_key_blob blob, again;
	static uint8_t out[DK_KEY_FILE_MAX_BYTES];
	enum dk_key_kind label, label_again;
	size_t out_len;

	blob.len = 0;
	if (dk_key_text_decode(text, len, &blob, &label) != DK_OK)
		return;
	FUZZ_CHECK(blob.len <= sizeof(blob.bytes));
	FUZZ_CHECK(dk_key_text_encode(&blob, label, out, sizeof(out), &out_len) == DK_OK);
	again.len = 0;
	FUZZ_CHECK(dk_key_text_decode(out, out_len, &again, &label_again) == DK_OK);
	FUZZ_CHECK(label == label_again && again.len == blob.len);
	FUZZ_CHECK(memcmp(again.bytes, blob.bytes, blob.len) == 0);
	parse(&blob, label);
	for (dk_side side = DK_SIDE_CUSTOMER; side <= DK_SIDE_AUDITOR; side++)
		open_text(text, len, side);
}

static void
from_binary(const uint8_t *data, size_t len)
{
	enum dk_key_kind label = data[0] & 1 ? DK_KIND_PRIVATE : DK_KIND_PUBLIC;
	static struct dk_key_blob blob;
	static uint8_t text[DK_KEY_FILE_MAX_BYTES];
	size_t text_len;

	if (len - 1 > sizeof(blob.bytes) - DK_KEY_CHECKSUM_BYTES)
		return;
	memcpy(blob.bytes, data + 1, len - 1);
	blob.len = len - 1;
	FUZZ_CHECK(dk_key_file_finish(&blob) == DK_OK);
	parse(&blob, label);
	if (dk_key_text_encode(&blob, label, text, sizeof(text), &text_len) == DK_OK)
		open_text(text, text_len, (dk_side)(data[0] >> 1));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	if (data[0] < 8)
		from_binary(data, len);
	else
		from_text(data, len);
	return 0;
}
