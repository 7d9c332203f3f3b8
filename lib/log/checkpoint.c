/* SPDX-License-Identifier: Apache-2.0 */
#include "log/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto/base64.h"
#include "log/merkle.h"

enum note_key { NOTE_ED25519, NOTE_P256 };

static dk_err
note_key(const struct dk_log_keys *keys, enum note_key which, struct dk_note_key *ret)
{
	if (which == NOTE_ED25519)
		return dk_note_key_of(
		    DK_NOTE_ED25519, keys->origin, keys->ed25519, DK_ED25519_BYTES, ret);
	return dk_note_key_of(DK_NOTE_ECDSA, keys->origin, keys->p256, DK_P256_SPKI_BYTES, ret);
}

dk_err
dk_log_note_keys(const struct dk_log_keys *keys, struct dk_note_key ret_keys[2])
{
	dk_err err = note_key(keys, NOTE_ED25519, &ret_keys[0]);

	return err == DK_OK ? note_key(keys, NOTE_P256, &ret_keys[1]) : err;
}

/* ---- signing ---- */

static dk_err
add_line(const struct dk_log_keys *keys, enum note_key which, const uint8_t *sig, size_t sig_len,
    char *text, size_t *len)
{
	char line[DK_NOTE_LINE_MAX_BYTES + 1];
	struct dk_note_key key;
	size_t line_len;
	dk_err err;

	err = note_key(keys, which, &key);
	if (err == DK_OK)
		err = dk_note_line_write(&key, sig, sig_len, line, &line_len);
	if (err != DK_OK)
		return err;
	if (line_len > DK_CHECKPOINT_MAX_BYTES - *len)
		return DK_ERR_ARGUMENT;
	memcpy(text + *len, line, line_len);
	*len += line_len;
	return DK_OK;
}

static dk_err
body_text(const char *origin, const struct dk_checkpoint *checkpoint, char *text, size_t *ret_len)
{
	char b64[DK_BASE64_CHARS(32) + 1];
	dk_err err;
	int n;

	err = dk_base64_encode(checkpoint->root, 32, b64, sizeof(b64));
	if (err != DK_OK)
		return err;
	n = snprintf(text, DK_CHECKPOINT_MAX_BYTES, "%s\n%" PRIu64 "\n%s\n\n", origin,
	    checkpoint->size, b64);
	if (n < 0 || n >= DK_CHECKPOINT_MAX_BYTES)
		return DK_ERR_ARGUMENT;
	*ret_len = (size_t)n;
	return DK_OK;
}

void
dk_log_signer_clear(struct dk_log_signer *signer)
{
	dk_ed25519_free(signer->ed25519);
	dk_pkey_free(signer->p256);
	dk_wipe(signer, sizeof(*signer));
}

dk_err
dk_checkpoint_sign(const struct dk_log_signer *signer, const struct dk_checkpoint *checkpoint,
    char *text, size_t *ret_len)
{
	uint8_t sig[DK_SIGNATURE_BYTES], der[DK_SIGNATURE_DER_MAX_BYTES];
	size_t len, signed_len;
	dk_err err;

	if (!signer->ed25519 || !signer->p256)
		return DK_ERR_KEY_NEED_PRIVATE;
	err = body_text(signer->keys.origin, checkpoint, text, &len);
	if (err != DK_OK)
		return err;
	signed_len = len - 1; /* the empty line separates, it is not signed */
	err = dk_ed25519_sign(signer->ed25519, (const uint8_t *)text, signed_len, sig);
	if (err != DK_OK)
		return err;
	err = add_line(&signer->keys, NOTE_ED25519, sig, sizeof(sig), text, &len);
	if (err != DK_OK)
		return err;
	const struct dk_part part = { text, signed_len };
	err = dk_ecdsa_sign(signer->p256, &part, 1, sig);
	if (err != DK_OK)
		return err;
	err = add_line(&signer->keys, NOTE_P256, der, dk_ecdsa_der(sig, der), text, &len);
	if (err == DK_OK)
		*ret_len = len;
	return err;
}

/* ---- verification ---- */

/* One line of the text without its LF, not empty; false: there is none. */
static bool
next_line(const struct dk_note *note, size_t *at, const char **ret_line, size_t *ret_len)
{
	const char *line = note->text + *at, *end = memchr(line, '\n', note->text_len - *at);

	if (!end || end == line)
		return false;
	*ret_line = line;
	*ret_len = (size_t)(end - line);
	*at += *ret_len + 1;
	return true;
}

bool
dk_log_number_parse(const char *text, size_t len, uint64_t *ret_number)
{
	uint64_t v = 0;

	if (len == 0 || len > 19 || (len > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(text[i] - '0');
	}
	*ret_number = v;
	return true;
}

static bool
parse(const struct dk_note *note, const char **origin, size_t *origin_len, struct dk_checkpoint *cp,
    unsigned *extensions)
{
	size_t at = 0, len, n;
	const char *line;

	if (!next_line(note, &at, origin, origin_len) || !next_line(note, &at, &line, &len) ||
	    !dk_log_number_parse(line, len, &cp->size) || !next_line(note, &at, &line, &len) ||
	    dk_base64_decode(line, len, cp->root, sizeof(cp->root), &n) != DK_OK || n != 32)
		return false;
	*extensions = 0;
	for (; at < note->text_len; ++*extensions)
		if (!next_line(note, &at, &line, &len))
			return false;
	return true;
}

dk_err
dk_checkpoint_fields(const struct dk_note *note, const char **ret_origin, size_t *ret_origin_len,
    struct dk_checkpoint *ret_checkpoint)
{
	struct dk_checkpoint cp;
	unsigned extensions;
	const char *origin;
	size_t len;

	if (!parse(note, &origin, &len, &cp, &extensions))
		return DK_ERR_LOG_NOTE;
	*ret_origin = origin;
	*ret_origin_len = len;
	*ret_checkpoint = cp;
	return DK_OK;
}

dk_err
dk_checkpoint_parse(const struct dk_note *note, const char **ret_origin, size_t *ret_origin_len,
    struct dk_checkpoint *ret_checkpoint)
{
	uint8_t empty[DK_HASH_BYTES];
	struct dk_checkpoint cp;
	const char *origin;
	size_t len;
	dk_err err;

	err = dk_checkpoint_fields(note, &origin, &len, &cp);
	if (err == DK_OK && cp.size == 0)
		err = dk_sha256(NULL, 0, empty);
	if (err != DK_OK)
		return err;
	if (cp.size == 0 && memcmp(empty, cp.root, sizeof(empty)) != 0)
		return DK_ERR_LOG_NOTE;
	*ret_origin = origin;
	*ret_origin_len = len;
	*ret_checkpoint = cp;
	return DK_OK;
}

/* What stands in its place is somebody's to judge; that it is not what it should be is not. */
static dk_err
as_receipt(dk_err err)
{
	return err == DK_ERR_LOG_NOTE || err == DK_ERR_LOG_SIGNATURE ? DK_ERR_RECEIPT : err;
}

dk_err
dk_checkpoint_verify(const struct dk_log_keys *keys, const char *text, size_t len,
    struct dk_checkpoint *ret_checkpoint)
{
	struct dk_note_key key[2];
	struct dk_note_seen seen;
	struct dk_checkpoint cp;
	unsigned extensions;
	struct dk_note note;
	const char *origin;
	size_t origin_len;
	dk_err err;

	if (len > DK_CHECKPOINT_MAX_BYTES)
		return DK_ERR_RECEIPT;
	err = dk_note_parse(text, len, &note);
	if (err != DK_OK)
		return as_receipt(err);
	if (!parse(&note, &origin, &origin_len, &cp, &extensions) || extensions > 0 ||
	    origin_len != strlen(keys->origin) || memcmp(origin, keys->origin, origin_len) != 0)
		return DK_ERR_RECEIPT;
	err = dk_log_note_keys(keys, key);
	for (unsigned i = 0; err == DK_OK && i < 2; i++) {
		err = dk_note_verify(&note, &key[i], &seen);
		if (err == DK_OK && seen.count == 0)
			err = DK_ERR_RECEIPT;
	}
	if (err == DK_OK)
		*ret_checkpoint = cp;
	return as_receipt(err);
}

dk_err
dk_log_vkey(const struct dk_log_keys *keys, char ret_vkey[DK_VKEY_MAX_BYTES])
{
	struct dk_note_key key;
	dk_err err = note_key(keys, NOTE_ED25519, &key);

	return err == DK_OK ? dk_note_key_text(&key, ret_vkey) : err;
}
