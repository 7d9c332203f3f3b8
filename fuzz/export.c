/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exports of a log, for a published test key (FUZZ_KEYS). The first byte says what follows: a
 * file, the content that a file is made of, or the note of a record. What a fuzzer cannot
 * sign or seal, the harness does.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/schedule.h"
#include "fuzz.h"
#include "keyring.h"
#include "log/export.h"

static struct dk_key *key;
static const struct dk_pkey *auditor; /* of key */
static struct dk_export x;
static int fd;

static void
put(const void *bytes, size_t len)
{
	FUZZ_CHECK(write(fd, bytes, len) == (ssize_t)len);
}

static void
begin(void)
{
	FUZZ_CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
}

static void
check_entry(const struct dk_export_entry *e, const struct dk_checkpoint *cp)
{
	static struct dk_log_object objects[DK_LOG_OBJECTS_MAX];
	const uint8_t *end = x.text + sizeof(x.text);
	struct dk_log_event event;

	FUZZ_CHECK(e->leaf >= x.text && e->leaf + DK_LEAF_BYTES <= end);
	FUZZ_CHECK(e->hash_count <= DK_PROOF_HASHES_MAX && e->record + e->len <= end);
	if (dk_export_check(&x, cp, e, objects, &event) == DK_OK)
		FUZZ_CHECK(e->last ? event.class_ == DK_LOG_EXPORTED
				   : dk_export_is_chosen(&x.chosen, &event));
}

static void
open_it(void)
{
	struct dk_export_entry e = { .last = false };
	struct dk_checkpoint cp;
	struct dk_note note;
	const char *origin;
	size_t origin_len;
	uint64_t least = 0;
	bool more = true;
	dk_err err;

	FUZZ_CHECK(lseek(fd, 0, SEEK_SET) == 0);
	err = dk_export_open(&x, fd, auditor);
	if (err == DK_OK && dk_note_parse(x.checkpoint, x.checkpoint_len, &note) == DK_OK &&
	    dk_checkpoint_parse(&note, &origin, &origin_len, &cp) == DK_OK)
		while (dk_export_next(&x, &e, &more) == DK_OK && more) {
			FUZZ_CHECK(e.index >= least);
			least = e.index + 1;
			check_entry(&e, &cp);
		}
	FUZZ_CHECK(err == DK_OK || err == DK_ERR_LOG_FILE || err == DK_ERR_VERSION ||
	    err == DK_ERR_LOG_AUDITOR || err == DK_ERR_LOG_SEALED);
	dk_export_clear(&x);
}

static void
file(const uint8_t *data, size_t len)
{
	begin();
	put(data, len);
	open_it();
}

static void
content(const uint8_t *data, size_t len)
{
	static uint8_t sealed[DK_EXPORT_SEALED_BYTES];
	uint8_t head[DK_EXPORT_HEAD_BYTES + DK_P384_POINT_BYTES], info[DK_INFO_MAX_BYTES], bytes[4];
	struct dk_hpke hpke = { .seq = 0 };
	struct dk_writer_buf wr;
	size_t info_len, enc_len;

	begin();
	dk_wr_init(&wr, head, DK_EXPORT_HEAD_BYTES);
	dk_wr_bytes(&wr, DK_EXPORT_MAGIC, 8);
	dk_wr_u16(&wr, DK_EXPORT_VERSION);
	dk_wr_u16(&wr, (uint16_t)dk_pkey_type(auditor));
	dk_wr_bytes(&wr, dk_pkey_id(auditor), DK_KEY_ID_BYTES);
	FUZZ_CHECK(dk_export_info("log-export", head, info, &info_len) == DK_OK);
	FUZZ_CHECK(dk_hpke_sender(auditor, info, info_len, NULL, &hpke, head + DK_EXPORT_HEAD_BYTES,
		       &enc_len) == DK_OK);
	put(head, DK_EXPORT_HEAD_BYTES + enc_len);
	for (size_t at = 0, n; at < len; at += n) {
		uint8_t last = len - at <= DK_EXPORT_SEGMENT_BYTES;

		n = last ? len - at : DK_EXPORT_SEGMENT_BYTES;
		dk_wr_init(&wr, bytes, sizeof(bytes));
		dk_wr_u32(&wr, (uint32_t)(n + DK_GCM_TAG_BYTES));
		put(bytes, sizeof(bytes));
		FUZZ_CHECK(dk_hpke_seal(&hpke, &last, 1, data + at, n, sealed) == DK_OK);
		put(sealed, n + DK_GCM_TAG_BYTES);
	}
	dk_hpke_clear(&hpke);
	open_it();
}

/* A note that is valid names what is chosen, and in one way only. */
static void
note_text(const uint8_t *data, size_t len)
{
	char text[DK_EXPORT_NOTE_BYTES + 8] = "";

	if (len >= sizeof(text) || memchr(data, 0, len))
		return;
	memcpy(text, data, len);
	if (!dk_export_note_valid(text))
		return;
	FUZZ_CHECK(len >= 3 && len <= DK_LOG_NOTE_MAX_BYTES);
	FUZZ_CHECK(text[len - 1] != ' ' && text[len - 1] != ',');
	FUZZ_CHECK(!strstr(text, "all") || len == 3);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const fuzz_way ways[] = { file, content, note_text };

	if (!auditor) {
		key = keyring_open(FUZZ_KEYS, "customer-p256", DK_SIDE_AUDITOR);
		auditor = dk_key_local_pkey(key);
		fd = memfd_create("export", MFD_CLOEXEC);
		FUZZ_CHECK(key && auditor && fd >= 0);
	}
	fuzz_one_of(ways, sizeof(ways) / sizeof(ways[0]), data, len);
	return 0;
}
