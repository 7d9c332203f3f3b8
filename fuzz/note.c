/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes with a key, verifier keys, trust policies, proof files, records files, gossip files,
 * entry bundles. The first byte says which. What a
 * fuzzer cannot sign, the seeds have.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "log/gossip.h"
#include "log/proof.h"
#include "log/quorum.h"
#include "log/records.h"
#include "log/tile.h"

static void
check_note(const struct dk_note *note, const char *text, size_t len)
{
	struct dk_note_line line;
	struct dk_checkpoint cp;
	size_t at = 0, count = 0, origin_len;
	const char *origin;

	FUZZ_CHECK(note->text == text && note->text_len < len);
	FUZZ_CHECK(note->lines + note->lines_len == text + len);
	FUZZ_CHECK(text[note->text_len - 1] == '\n' && text[note->text_len] == '\n');
	for (; dk_note_next(note, &at, &line); count++)
		FUZZ_CHECK(line.name > note->lines && line.base64 + line.base64_len < text + len);
	FUZZ_CHECK(at == note->lines_len && count > 0 && count <= DK_NOTE_LINES_MAX);
	if (dk_checkpoint_parse(note, &origin, &origin_len, &cp) == DK_OK)
		FUZZ_CHECK(origin == text && origin_len > 0 && origin_len < note->text_len);
}

/* "KEY\0NOTE" */
static void
note(const uint8_t *data, size_t len)
{
	const uint8_t *end = memchr(data, 0, len);
	struct dk_note_seen seen;
	struct dk_note_key key;
	struct dk_note parsed;
	const char *text;

	if (!end)
		return;
	text = (const char *)end + 1;
	len -= (size_t)(end + 1 - data);
	if (dk_note_parse(text, len, &parsed) != DK_OK)
		return;
	check_note(&parsed, text, len);
	if (dk_note_key_parse((const char *)data, (size_t)(end - data), &key) == DK_OK &&
	    dk_note_verify(&parsed, &key, &seen) == DK_OK)
		FUZZ_CHECK(seen.count <= DK_NOTE_LINES_MAX && seen.time <= INT64_MAX);
}

static void
vkey(const uint8_t *data, size_t len)
{
	char again[DK_VKEY_MAX_BYTES];
	struct dk_note_key key;

	if (dk_note_key_parse((const char *)data, len, &key) != DK_OK)
		return;
	FUZZ_CHECK(dk_note_key_text(&key, again) == DK_OK && strlen(again) == len);
	FUZZ_CHECK(memcmp(again, data, len) == 0);
}

static void
policy(const uint8_t *data, size_t len)
{
	static struct dk_quorum quorum;
	unsigned line = 0;

	if (dk_quorum_parse((const char *)data, len, &quorum, &line) != DK_OK) {
		FUZZ_CHECK(line >= 1);
		return;
	}
	FUZZ_CHECK(quorum.node_count <= DK_QUORUM_NODES_MAX);
	for (unsigned i = 0; i < quorum.node_count; i++)
		FUZZ_CHECK(quorum.node[i].members >> i == 0);
	/* More witnesses are never worse, and nobody is the quorum only if none is needed. */
	if (dk_quorum_reached(&quorum, 0))
		FUZZ_CHECK(quorum.quorum == DK_QUORUM_NONE);
	FUZZ_CHECK(dk_quorum_reached(&quorum, UINT32_MAX));
}

static void
proof(const uint8_t *data, size_t len)
{
	static char again[DK_LOG_PROOF_FILE_MAX_BYTES];
	static struct dk_log_proof parsed;
	size_t n;

	if (dk_log_proof_parse((const char *)data, len, &parsed) != DK_OK)
		return;
	FUZZ_CHECK(parsed.hash_count <= DK_PROOF_HASHES_MAX);
	FUZZ_CHECK(parsed.checkpoint + parsed.checkpoint_len == (const char *)data + len);
	FUZZ_CHECK(dk_log_proof_write(&parsed, again, &n) == DK_OK && n == len);
	FUZZ_CHECK(memcmp(again, data, len) == 0);
}

/* What was read, written again, is the file. */
static void
records(const uint8_t *data, size_t len)
{
	uint8_t head[DK_RECORDS_HEAD_BYTES];
	struct dk_records_entry entry;
	size_t at = DK_RECORDS_MAGIC_BYTES;
	struct dk_records r;
	bool more = true;
	int fd = memfd_create("records", MFD_CLOEXEC);

	FUZZ_CHECK(fd >= 0 && write(fd, data, len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0);
	FUZZ_CHECK(dk_records_init(&r, fd) == DK_OK);
	while (more && dk_records_next(&r, &entry, &more) == DK_OK) {
		if (!more) {
			FUZZ_CHECK(at == len);
			break;
		}
		dk_records_head(entry.index, entry.leaf, entry.len, head);
		FUZZ_CHECK(memcmp(data + at, head, sizeof(head)) == 0);
		FUZZ_CHECK(memcmp(data + at + sizeof(head), entry.record, entry.len) == 0);
		at += sizeof(head) + entry.len;
	}
	dk_records_clear(&r);
	(void)close(fd);
}

static void
gossip(const uint8_t *data, size_t len)
{
	static struct dk_gossip_note notes[DK_GOSSIP_NOTES_MAX];
	uint8_t *again = malloc(len + 1);
	struct dk_writer_buf wr;
	size_t n;

	FUZZ_CHECK(again != NULL);
	if (dk_gossip_parse((const char *)data, len, notes, DK_GOSSIP_NOTES_MAX, &n) == DK_OK) {
		dk_wr_init(&wr, again, len);
		dk_gossip_begin(&wr);
		for (size_t i = 0; i < n; i++)
			dk_gossip_add(&wr, &notes[i]);
		FUZZ_CHECK(!wr.failed && wr.len == len && memcmp(again, data, len) == 0);
	}
	free(again);
}

/* Every entry lies in the bundle, one behind the other. */
static void
bundle(const uint8_t *data, size_t len)
{
	char path[DK_TILE_PATH_BYTES];
	const uint8_t *entry;
	size_t at = 0, before = 0, n;
	uint64_t index = 0;

	for (; dk_bundle_next(data, len, &at, &entry, &n); before = at) {
		FUZZ_CHECK(entry == data + before + 2 && at == before + 2 + n && at <= len);
		index = index << 8 | (n & 0xff);
	}
	dk_tile_path((unsigned)(index % 65), index, (unsigned)(index % 257), path);
	FUZZ_CHECK(strlen(path) < sizeof(path) && strstr(path, "..") == NULL);
	FUZZ_CHECK(strncmp(path, "tile/", 5) == 0 && strstr(path, "//") == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const fuzz_way ways[] = { note, vkey, policy, proof, records, gossip, bundle };

	fuzz_one_of(ways, sizeof(ways) / sizeof(ways[0]), data, len);
	return 0;
}
