/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of notes as text: verifier keys of C2SP signed-note. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "crypto/base64.h"
#include "log/note.h"

/* The key must work: a typing error is told where it was made. */
static bool
key_valid(enum dk_note_type type, const uint8_t *bytes, size_t len)
{
	dk_auto_pkey *key = NULL;

	switch (type) {
	case DK_NOTE_ED25519:
	case DK_NOTE_COSIGNATURE:
		return len == DK_ED25519_BYTES;
	case DK_NOTE_ECDSA:
		return len == DK_P256_SPKI_BYTES && dk_pkey_from_spki(bytes, len, &key) == DK_OK;
	}
	return false;
}

static dk_err
key_id(struct dk_note_key *key)
{
	const uint8_t type = (uint8_t)key->type;
	const struct dk_part ed[] = { { key->name, strlen(key->name) }, { "\n", 1 }, { &type, 1 },
		{ key->bytes, key->len } };
	const struct dk_part ec[] = { { key->bytes, key->len } };
	uint8_t hash[DK_SHA256_BYTES];
	dk_err err = key->type == DK_NOTE_ECDSA ? dk_sha256(ec, 1, hash) : dk_sha256(ed, 4, hash);

	if (err == DK_OK)
		memcpy(key->id, hash, DK_NOTE_ID_BYTES);
	return err;
}

dk_err
dk_note_key_of(enum dk_note_type type, const char *name, const uint8_t *bytes, size_t len,
    struct dk_note_key *ret_key)
{
	struct dk_note_key key = { .type = type, .len = len };
	size_t name_len = strlen(name);
	dk_err err;

	if (name_len > DK_NOTE_NAME_MAX_BYTES || len > sizeof(key.bytes))
		return DK_ERR_ARGUMENT;
	memcpy(key.name, name, name_len);
	memcpy(key.bytes, bytes, len);
	err = key_id(&key);
	if (err == DK_OK)
		*ret_key = key;
	return err;
}

dk_err
dk_note_key_make(enum dk_note_type type, const char *name, const uint8_t *bytes, size_t len,
    struct dk_note_key *ret_key)
{
	size_t name_len = strlen(name);

	if (!dk_note_name_valid(name, name_len) || name_len > DK_NOTE_NAME_MAX_BYTES ||
	    !key_valid(type, bytes, len))
		return DK_ERR_LOG_VKEY;
	return dk_note_key_of(type, name, bytes, len, ret_key);
}

dk_err
dk_note_key_parse(const char *vkey, size_t len, struct dk_note_key *ret_key)
{
	const char *plus = memchr(vkey, '+', len), *second;
	char name[DK_NOTE_NAME_MAX_BYTES + 1] = "", hex[2 * DK_NOTE_ID_BYTES + 1] = "",
					   of_key[sizeof(hex)];
	uint8_t raw[1 + DK_P256_SPKI_BYTES];
	struct dk_note_key key;
	size_t n;
	dk_err err;

	if (!plus || plus - vkey > DK_NOTE_NAME_MAX_BYTES)
		return DK_ERR_LOG_VKEY;
	second = memchr(plus + 1, '+', len - (size_t)(plus + 1 - vkey));
	if (!second || second - plus != sizeof(hex))
		return DK_ERR_LOG_VKEY;
	memcpy(name, vkey, (size_t)(plus - vkey));
	memcpy(hex, plus + 1, sizeof(hex) - 1);
	if (dk_base64_decode(second + 1, len - (size_t)(second + 1 - vkey), raw, sizeof(raw), &n) !=
		DK_OK ||
	    n < 1 || strlen(name) != (size_t)(plus - vkey))
		return DK_ERR_LOG_VKEY;
	err = dk_note_key_make((enum dk_note_type)raw[0], name, raw + 1, n - 1, &key);
	if (err != DK_OK)
		return err;
	dk_hex(key.id, sizeof(key.id), of_key);
	if (memcmp(of_key, hex, sizeof(hex)) != 0)
		return DK_ERR_LOG_VKEY;
	*ret_key = key;
	return DK_OK;
}

dk_err
dk_note_key_text(const struct dk_note_key *key, char ret_vkey[DK_VKEY_MAX_BYTES])
{
	uint8_t raw[1 + DK_P256_SPKI_BYTES];
	char hex[2 * DK_NOTE_ID_BYTES + 1], b64[DK_BASE64_CHARS(sizeof(raw)) + 1];
	dk_err err;
	int n;

	raw[0] = (uint8_t)key->type;
	memcpy(raw + 1, key->bytes, key->len);
	err = dk_base64_encode(raw, 1 + key->len, b64, sizeof(b64));
	if (err != DK_OK)
		return err;
	dk_hex(key->id, sizeof(key->id), hex);
	n = snprintf(ret_vkey, DK_VKEY_MAX_BYTES, "%s+%s+%s", key->name, hex, b64);
	return n > 0 && n < DK_VKEY_MAX_BYTES ? DK_OK : DK_ERR_ARGUMENT;
}
