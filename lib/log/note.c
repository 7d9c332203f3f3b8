/* SPDX-License-Identifier: Apache-2.0 */
#include "log/note.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "crypto/base64.h"
#include "log/checkpoint.h"

#define DASH "\xe2\x80\x94 " /* U+2014 and a space */
#define DASH_BYTES (sizeof(DASH) - 1)
#define ID_CHARS 8 /* that hold the id, and two bytes more */
#define HEAD_BYTES 48
#define COSIGNED_MAX_BYTES (HEAD_BYTES + DK_CHECKPOINT_MAX_BYTES)

/* ---- layout ---- */

/* Not empty, no plus, and none of the spaces of Unicode (property White_Space). */
bool
dk_note_name_valid(const char *name, size_t len)
{
	static const char *const spaces[] = { " ", "\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80",
		"\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84",
		"\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89",
		"\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f",
		"\xe3\x80\x80", "+" };

	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++)
		if (memmem(name, len, spaces[i], strlen(spaces[i])))
			return false;
	return len > 0 && dk_text_valid((const uint8_t *)name, len);
}

static bool
line_parse(const char *line, size_t len, struct dk_note_line *ret)
{
	uint8_t head[ID_CHARS / 4 * 3];
	const char *space;
	size_t n;

	if (len < DASH_BYTES || memcmp(line, DASH, DASH_BYTES) != 0)
		return false;
	ret->name = line + DASH_BYTES;
	space = memchr(ret->name, ' ', len - DASH_BYTES);
	if (!space)
		return false;
	ret->name_len = (size_t)(space - ret->name);
	ret->base64 = space + 1;
	ret->base64_len = len - DASH_BYTES - ret->name_len - 1;
	if (!dk_note_name_valid(ret->name, ret->name_len) || ret->base64_len < ID_CHARS ||
	    dk_base64_decode(ret->base64, ID_CHARS, head, sizeof(head), &n) != DK_OK ||
	    n < DK_NOTE_ID_BYTES)
		return false;
	memcpy(ret->id, head, DK_NOTE_ID_BYTES);
	return true;
}

bool
dk_note_next(const struct dk_note *note, size_t *at, struct dk_note_line *ret_line)
{
	const char *line = note->lines + *at, *end;

	if (*at >= note->lines_len)
		return false;
	end = memchr(line, '\n', note->lines_len - *at);
	if (!end || !line_parse(line, (size_t)(end - line), ret_line))
		return false;
	*at += (size_t)(end - line) + 1;
	return true;
}

/* UTF-8 without control characters but line ends, of which one is the last byte. */
static bool
text_valid(const char *bytes, size_t len)
{
	const char *end;

	while (len > 0) {
		end = memchr(bytes, '\n', len);
		if (!end || !dk_text_valid((const uint8_t *)bytes, (size_t)(end - bytes)))
			return false;
		len -= (size_t)(end - bytes) + 1;
		bytes = end + 1;
	}
	return true;
}

dk_err
dk_note_parse(const char *bytes, size_t len, struct dk_note *ret_note)
{
	struct dk_note note = { .text = bytes };
	struct dk_note_line line;
	unsigned count = 0;
	size_t at = 0;

	if (len > DK_NOTE_MAX_BYTES || !text_valid(bytes, len))
		return DK_ERR_LOG_NOTE;
	/* The last empty line parts text and signatures. */
	for (size_t i = len; i > 1 && note.text_len == 0; i--)
		if (bytes[i - 1] == '\n' && bytes[i - 2] == '\n')
			note.text_len = i - 1;
	if (note.text_len == 0)
		return DK_ERR_LOG_NOTE;
	note.lines = bytes + note.text_len + 1;
	note.lines_len = len - note.text_len - 1;
	while (at < note.lines_len)
		if (++count > DK_NOTE_LINES_MAX || !dk_note_next(&note, &at, &line))
			return DK_ERR_LOG_NOTE;
	if (count == 0)
		return DK_ERR_LOG_NOTE;
	*ret_note = note;
	return DK_OK;
}

/* ---- verification ---- */

/* 32 bytes from a DER INTEGER in its one encoding. */
static bool
from_der_integer(const uint8_t **p, size_t *left, uint8_t ret[32])
{
	size_t n;
	const uint8_t *v;

	if (*left < 3 || (*p)[0] != 0x02)
		return false;
	n = (*p)[1];
	v = *p + 2;
	if (n == 0 || n > 33 || n > *left - 2 || (v[0] & 0x80))
		return false;
	if (n > 1 && v[0] == 0 && !(v[1] & 0x80))
		return false;
	*left -= 2 + n;
	*p += 2 + n;
	if (n == 33) {
		v++;
		n--;
	}
	memset(ret, 0, 32 - n);
	memcpy(ret + 32 - n, v, n);
	return true;
}

static bool
ecdsa_holds(
    const struct dk_note_key *key, const struct dk_note *note, const uint8_t *der, size_t der_len)
{
	const struct dk_part part = { note->text, note->text_len };
	dk_auto_pkey *public_key = NULL;
	uint8_t sig[DK_SIGNATURE_BYTES];
	size_t left = der_len - 2;
	const uint8_t *p = der + 2;

	if (der_len < 8 || der[0] != 0x30 || der[1] != left)
		return false;
	return from_der_integer(&p, &left, sig) && from_der_integer(&p, &left, sig + 32) &&
	    left == 0 && dk_pkey_from_spki(key->bytes, key->len, &public_key) == DK_OK &&
	    dk_ecdsa_verify(public_key, &part, 1, sig) == DK_OK;
}

/* What a witness signs; text has room for COSIGNED_MAX_BYTES. 0: it is too long. */
static size_t
cosigned_text(const struct dk_note *note, uint64_t time, char *text)
{
	int n = snprintf(text, HEAD_BYTES, "cosignature/v1\ntime %" PRIu64 "\n", time);

	if (n <= 0 || n >= HEAD_BYTES || note->text_len > DK_CHECKPOINT_MAX_BYTES ||
	    time > INT64_MAX)
		return 0;
	memcpy(text + n, note->text, note->text_len);
	return (size_t)n + note->text_len;
}

static bool
cosignature_holds(const struct dk_note_key *key, const struct dk_note *note, const uint8_t *sig,
    size_t sig_len, uint64_t *newest)
{
	char text[COSIGNED_MAX_BYTES];
	uint64_t time = 0;
	size_t len;

	if (sig_len != DK_COSIGNATURE_BYTES)
		return false;
	for (unsigned i = 0; i < 8; i++)
		time = time << 8 | sig[i];
	len = cosigned_text(note, time, text);
	if (len == 0 || dk_ed25519_verify(key->bytes, (const uint8_t *)text, len, sig + 8) != DK_OK)
		return false;
	*newest = time > *newest ? time : *newest;
	return true;
}

static bool
line_holds(const struct dk_note *note, const struct dk_note_key *key,
    const struct dk_note_line *line, uint64_t *newest)
{
	uint8_t raw[DK_NOTE_ID_BYTES + 128];
	const uint8_t *sig = raw + DK_NOTE_ID_BYTES;
	size_t n;

	if (dk_base64_decode(line->base64, line->base64_len, raw, sizeof(raw), &n) != DK_OK)
		return false;
	n -= DK_NOTE_ID_BYTES;
	switch (key->type) {
	case DK_NOTE_ED25519:
		return n == DK_ED25519_SIGNATURE_BYTES &&
		    dk_ed25519_verify(
			key->bytes, (const uint8_t *)note->text, note->text_len, sig) == DK_OK;
	case DK_NOTE_ECDSA:
		return ecdsa_holds(key, note, sig, n);
	case DK_NOTE_COSIGNATURE:
		return cosignature_holds(key, note, sig, n, newest);
	}
	return false;
}

dk_err
dk_note_verify(
    const struct dk_note *note, const struct dk_note_key *key, struct dk_note_seen *ret_seen)
{
	struct dk_note_seen seen = { .count = 0 };
	size_t at = 0, name = strlen(key->name);
	struct dk_note_line line;

	while (dk_note_next(note, &at, &line)) {
		if (line.name_len != name || memcmp(line.name, key->name, name) != 0 ||
		    memcmp(line.id, key->id, sizeof(line.id)) != 0)
			continue;
		if (!line_holds(note, key, &line, &seen.time))
			return DK_ERR_LOG_SIGNATURE;
		seen.count++;
	}
	*ret_seen = seen;
	return DK_OK;
}

/* ---- writing ---- */

dk_err
dk_note_line_write(const struct dk_note_key *key, const uint8_t *sig, size_t sig_len,
    char ret_line[DK_NOTE_LINE_MAX_BYTES + 1], size_t *ret_len)
{
	uint8_t raw[DK_NOTE_ID_BYTES + 84];
	char b64[DK_BASE64_CHARS(sizeof(raw)) + 1];
	dk_err err;
	int n;

	if (sig_len > sizeof(raw) - DK_NOTE_ID_BYTES)
		return DK_ERR_ARGUMENT;
	memcpy(raw, key->id, DK_NOTE_ID_BYTES);
	memcpy(raw + DK_NOTE_ID_BYTES, sig, sig_len);
	err = dk_base64_encode(raw, DK_NOTE_ID_BYTES + sig_len, b64, sizeof(b64));
	if (err != DK_OK)
		return err;
	n = snprintf(ret_line, DK_NOTE_LINE_MAX_BYTES + 1, DASH "%s %s\n", key->name, b64);
	if (n <= 0 || n > DK_NOTE_LINE_MAX_BYTES)
		return DK_ERR_ARGUMENT;
	*ret_len = (size_t)n;
	return DK_OK;
}

dk_err
dk_cosignature_write(const struct dk_ed25519 *signer, const struct dk_note_key *key,
    const struct dk_note *note, uint64_t time, char ret_line[DK_NOTE_LINE_MAX_BYTES + 1],
    size_t *ret_len)
{
	uint8_t sig[DK_COSIGNATURE_BYTES];
	char text[COSIGNED_MAX_BYTES];
	size_t len = cosigned_text(note, time, text);
	dk_err err;

	if (len == 0 || key->type != DK_NOTE_COSIGNATURE)
		return DK_ERR_ARGUMENT;
	for (unsigned i = 0; i < 8; i++)
		sig[i] = (uint8_t)(time >> (56 - 8 * i));
	err = dk_ed25519_sign(signer, (const uint8_t *)text, len, sig + 8);
	return err == DK_OK ? dk_note_line_write(key, sig, sizeof(sig), ret_line, ret_len) : err;
}
