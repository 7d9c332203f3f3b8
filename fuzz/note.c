/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes with a key, verifier keys, trust policies. The first byte says which. What a
 * fuzzer cannot sign, the seeds have.
 */
#include <string.h>

#include "fuzz.h"
#include "log/checkpoint.h"
#include "log/quorum.h"

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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const fuzz_way ways[] = { note, vkey, policy };

	fuzz_one_of(ways, sizeof(ways) / sizeof(ways[0]), data, len);
	return 0;
}
