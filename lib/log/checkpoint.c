/* SPDX-License-Identifier: Apache-2.0 */
#include "log/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "crypto/base64.h"
#include "crypto/crypto.h"

#define KEY_HASH_BYTES 4
#define DASH "\xe2\x80\x94 " /* U+2014 and a space */

enum note_key { NOTE_ED25519, NOTE_P256 };

static dk_err
key_hash(const struct dk_log_keys *keys, enum note_key which, uint8_t ret_hash[KEY_HASH_BYTES])
{
	uint8_t hash[DK_SHA256_BYTES];
	const struct dk_part ed[] = { { keys->origin, strlen(keys->origin) }, { "\n\x01", 2 },
		{ keys->ed25519, DK_ED25519_BYTES } };
	const struct dk_part ec[] = { { keys->p256, DK_P256_SPKI_BYTES } };
	dk_err err;

	err = which == NOTE_ED25519 ? dk_sha256(ed, 3, hash) : dk_sha256(ec, 1, hash);
	if (err == DK_OK)
		memcpy(ret_hash, hash, KEY_HASH_BYTES);
	return err;
}

static dk_err
add_line(const struct dk_log_keys *keys, enum note_key which, const uint8_t *sig, size_t sig_len,
    char *text, size_t *len)
{
	uint8_t raw[KEY_HASH_BYTES + DK_SIGNATURE_DER_MAX_BYTES];
	char b64[DK_BASE64_CHARS(sizeof(raw)) + 1];
	dk_err err;
	int n;

	err = key_hash(keys, which, raw);
	if (err != DK_OK)
		return err;
	memcpy(raw + KEY_HASH_BYTES, sig, sig_len);
	err = dk_base64_encode(raw, KEY_HASH_BYTES + sig_len, b64, sizeof(b64));
	if (err != DK_OK)
		return err;
	n = snprintf(
	    text + *len, DK_CHECKPOINT_MAX_BYTES - *len, DASH "%s %s\n", keys->origin, b64);
	if (n < 0 || (size_t)n >= DK_CHECKPOINT_MAX_BYTES - *len)
		return DK_ERR_ARGUMENT;
	*len += (size_t)n;
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

/* One line without its LF, or false. */
static bool
next_line(const char **text, size_t *left, const char **ret_line, size_t *ret_len)
{
	const char *end = memchr(*text, '\n', *left);

	if (!end)
		return false;
	*ret_line = *text;
	*ret_len = (size_t)(end - *text);
	*left -= *ret_len + 1;
	*text = end + 1;
	return true;
}

static bool
parse_size(const char *line, size_t len, uint64_t *ret_size)
{
	uint64_t v = 0;

	if (len == 0 || len > 19 || (len > 1 && line[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (line[i] < '0' || line[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(line[i] - '0');
	}
	*ret_size = v;
	return true;
}

static bool
parse_body(
    const struct dk_log_keys *keys, const char **text, size_t *left, struct dk_checkpoint *cp)
{
	const char *line;
	size_t len, n;

	if (!next_line(text, left, &line, &len) || len != strlen(keys->origin) ||
	    memcmp(line, keys->origin, len) != 0)
		return false;
	if (!next_line(text, left, &line, &len) || !parse_size(line, len, &cp->size))
		return false;
	if (!next_line(text, left, &line, &len) ||
	    dk_base64_decode(line, len, cp->root, sizeof(cp->root), &n) != DK_OK || n != 32)
		return false;
	return next_line(text, left, &line, &len) && len == 0;
}

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
verify_p256(const struct dk_log_keys *keys, const char *text, size_t len, const uint8_t *der,
    size_t der_len)
{
	dk_auto_pkey *key = NULL;
	uint8_t sig[DK_SIGNATURE_BYTES];
	const struct dk_part part = { text, len };
	size_t left = der_len - 2;
	const uint8_t *p = der + 2;

	if (der_len < 8 || der[0] != 0x30 || der[1] != left)
		return false;
	if (!from_der_integer(&p, &left, sig) || !from_der_integer(&p, &left, sig + 32) ||
	    left != 0)
		return false;
	if (dk_pkey_from_spki(keys->p256, DK_P256_SPKI_BYTES, &key) != DK_OK)
		return false;
	return dk_ecdsa_verify(key, &part, 1, sig) == DK_OK;
}

/* Whether the line is one of the pinned keys, and if so whether it verifies. */
static bool
check_line(const struct dk_log_keys *keys, const char *text, size_t text_len, const char *line,
    size_t len, unsigned *found)
{
	size_t name = strlen(keys->origin), dash = strlen(DASH), n;
	uint8_t raw[KEY_HASH_BYTES + 128], hash[KEY_HASH_BYTES];

	if (len < dash + name + 2 || memcmp(line, DASH, dash) != 0)
		return false;
	if (memcmp(line + dash, keys->origin, name) != 0 || line[dash + name] != ' ')
		return true;
	if (dk_base64_decode(line + dash + name + 1, len - dash - name - 1, raw, sizeof(raw), &n) !=
		DK_OK ||
	    n <= KEY_HASH_BYTES)
		return true;
	if (key_hash(keys, NOTE_ED25519, hash) == DK_OK && memcmp(hash, raw, 4) == 0) {
		*found |= 1u << NOTE_ED25519;
		return n == KEY_HASH_BYTES + DK_ED25519_SIGNATURE_BYTES &&
		    dk_ed25519_verify(keys->ed25519, (const uint8_t *)text, text_len, raw + 4) ==
		    DK_OK;
	}
	if (key_hash(keys, NOTE_P256, hash) == DK_OK && memcmp(hash, raw, 4) == 0) {
		*found |= 1u << NOTE_P256;
		return verify_p256(keys, text, text_len, raw + 4, n - 4);
	}
	return true;
}

dk_err
dk_checkpoint_verify(const struct dk_log_keys *keys, const char *text, size_t len,
    struct dk_checkpoint *ret_checkpoint)
{
	struct dk_checkpoint cp;
	const char *p = text, *line;
	size_t left = len, line_len, text_len;
	unsigned found = 0;

	if (len > DK_CHECKPOINT_MAX_BYTES || !parse_body(keys, &p, &left, &cp))
		return DK_ERR_RECEIPT;
	text_len = (size_t)(p - text) - 1;
	while (left > 0)
		if (!next_line(&p, &left, &line, &line_len) ||
		    !check_line(keys, text, text_len, line, line_len, &found))
			return DK_ERR_RECEIPT;
	if (found != (1u << NOTE_ED25519 | 1u << NOTE_P256))
		return DK_ERR_RECEIPT;
	*ret_checkpoint = cp;
	return DK_OK;
}

dk_err
dk_log_vkey(const struct dk_log_keys *keys, char ret_vkey[DK_VKEY_MAX_BYTES])
{
	uint8_t hash[KEY_HASH_BYTES], raw[1 + DK_ED25519_BYTES];
	char hex[2 * KEY_HASH_BYTES + 1], b64[DK_BASE64_CHARS(sizeof(raw)) + 1];
	dk_err err;
	int n;

	err = key_hash(keys, NOTE_ED25519, hash);
	if (err != DK_OK)
		return err;
	raw[0] = 1;
	memcpy(raw + 1, keys->ed25519, DK_ED25519_BYTES);
	err = dk_base64_encode(raw, sizeof(raw), b64, sizeof(b64));
	if (err != DK_OK)
		return err;
	dk_hex(hash, sizeof(hash), hex);
	n = snprintf(ret_vkey, DK_VKEY_MAX_BYTES, "%s+%s+%s", keys->origin, hex, b64);
	return n > 0 && n < DK_VKEY_MAX_BYTES ? DK_OK : DK_ERR_ARGUMENT;
}
