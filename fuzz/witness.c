/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to a witness. The first byte says which: a body as it is; or several without
 * signature, a NUL between them, which are signed here and judged one after the other.
 */
#include <string.h>

#include "fuzz.h"
#include "witness/witness.h"

#define ORIGIN "log.example.org/test"

static struct witness witness;
static struct dk_ed25519 *log_signer;

static void
set_up(void)
{
	const struct dk_secret32 seed = { "the seed of a log that is no one" };
	uint8_t public_key[DK_ED25519_BYTES];

	if (log_signer)
		return;
	witness.seed = (struct dk_secret32){ "the seed of a witness of no one" };
	FUZZ_CHECK(dk_ed25519_public(&witness.seed, public_key) == DK_OK);
	FUZZ_CHECK(
	    dk_note_key_make(DK_NOTE_COSIGNATURE, "w", public_key, 32, &witness.key) == DK_OK);
	FUZZ_CHECK(dk_ed25519_new(&witness.seed, &witness.signer) == DK_OK);
	FUZZ_CHECK(dk_ed25519_public(&seed, public_key) == DK_OK);
	FUZZ_CHECK(dk_ed25519_new(&seed, &log_signer) == DK_OK);
	witness.logs.log_count = witness.log_count = 1;
	FUZZ_CHECK(dk_note_key_make(
		       DK_NOTE_ED25519, ORIGIN, public_key, 32, &witness.logs.log[0].key) == DK_OK);
	witness.log[0].origin = ORIGIN;
}

static bool
parse(const char *body, size_t len, struct witness_request *r)
{
	if (!witness_request_parse(body, len, r))
		return false;
	FUZZ_CHECK(r->hash_count <= WITNESS_HASHES_MAX);
	FUZZ_CHECK(r->note.text > body && r->note.lines + r->note.lines_len == body + len);
	FUZZ_CHECK(r->origin == r->note.text && r->origin_len < r->note.text_len);
	return true;
}

static void
judge(const struct witness_request *r)
{
	static struct witness_verdict v;
	struct witness_log *log = &witness.log[0];
	struct dk_note_seen seen;
	struct dk_note note;

	witness_judge(&witness, r, 1, &v);
	FUZZ_CHECK((v.status == 404) == !v.log);
	if (v.status != 200)
		return;
	FUZZ_CHECK(r->old == log->newest.size && v.next.size >= log->newest.size);
	FUZZ_CHECK(v.next.size != log->newest.size || !log->seen || v.same);
	FUZZ_CHECK(dk_note_parse(v.note, v.note_len, &note) == DK_OK);
	FUZZ_CHECK(dk_note_verify(&note, &witness.key, &seen) == DK_OK && seen.count == 1);
	log->seen = true;
	log->newest = v.next;
}

static void
body(const uint8_t *data, size_t len)
{
	struct witness_request r;

	if (parse((const char *)data, len, &r))
		judge(&r);
}

/* The text behind the first empty line is signed with the key of the log. */
static void
one(const char *data, size_t len)
{
	static char signed_body[WITNESS_BODY_MAX_BYTES];
	char line[DK_NOTE_LINE_MAX_BYTES + 1];
	uint8_t sig[DK_ED25519_SIGNATURE_BYTES];
	const char *text = memmem(data, len, "\n\n", 2);
	struct witness_request r;
	size_t line_len;

	if (!text || len > 8192)
		return;
	text += 2;
	memcpy(signed_body, data, len);
	signed_body[len++] = '\n';
	FUZZ_CHECK(dk_ed25519_sign(log_signer, (const uint8_t *)text,
		       len - 1 - (size_t)(text - data), sig) == DK_OK);
	FUZZ_CHECK(dk_note_line_write(
		       &witness.logs.log[0].key, sig, sizeof(sig), line, &line_len) == DK_OK);
	memcpy(signed_body + len, line, line_len);
	if (parse(signed_body, len + line_len, &r))
		judge(&r);
}

static void
several(const uint8_t *data, size_t len)
{
	while (len > 0) {
		const uint8_t *end = memchr(data, 0, len);
		size_t n = end ? (size_t)(end - data) : len;

		one((const char *)data, n);
		len -= end ? n + 1 : n;
		data += end ? n + 1 : n;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const fuzz_way ways[] = { body, several };

	set_up();
	witness.log[0].seen = false;
	witness.log[0].newest = (struct dk_checkpoint){ .size = 0 };
	fuzz_one_of(ways, sizeof(ways) / sizeof(ways[0]), data, len);
	return 0;
}
