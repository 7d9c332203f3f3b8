/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/base64.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/secret.h"

#define QUANTUM_CHARS 4
#define QUANTUM_BYTES 3
#define ENCODE_MAX_BYTES (1u << 20)

dk_err
dk_base64_encode(const uint8_t *data, size_t len, char *out, size_t cap)
{
	if (len > ENCODE_MAX_BYTES || cap < DK_BASE64_CHARS(len) + 1)
		return DK_ERR_ARGUMENT;
	out[0] = '\0';
	if (len > 0)
		(void)EVP_EncodeBlock((unsigned char *)out, data, (int)len);
	return DK_OK;
}

/* EVP_DecodeBlock() skips whitespace and ignores unused bits. Encoding what came
 * out and comparing refuses both, one quantum at a time. */
static dk_err
decode_quantum(const char *text, size_t keep, uint8_t out[QUANTUM_BYTES])
{
	char again[QUANTUM_CHARS + 1];
	dk_err err = DK_OK;

	if (EVP_DecodeBlock(out, (const unsigned char *)text, QUANTUM_CHARS) != QUANTUM_BYTES)
		return DK_ERR_TEXT;
	(void)EVP_EncodeBlock((unsigned char *)again, out, (int)keep);
	if (CRYPTO_memcmp(again, text, QUANTUM_CHARS) != 0)
		err = DK_ERR_TEXT;
	dk_wipe(again, sizeof(again));
	return err;
}

static size_t
padding(const char *text, size_t len)
{
	if (len == 0 || text[len - 1] != '=')
		return 0;
	return text[len - 2] == '=' ? 2 : 1;
}

dk_err
dk_base64_decode(const char *text, size_t len, uint8_t *out, size_t cap, size_t *ret_len)
{
	uint8_t bytes[QUANTUM_BYTES] = { 0 };
	size_t total, done = 0;
	dk_err err = DK_OK;

	if (len % QUANTUM_CHARS != 0)
		return DK_ERR_TEXT;
	total = len / QUANTUM_CHARS * QUANTUM_BYTES - padding(text, len);
	if (total > cap)
		return DK_ERR_TEXT;
	for (size_t i = 0; i < len && err == DK_OK; i += QUANTUM_CHARS) {
		size_t keep = total - done < QUANTUM_BYTES ? total - done : QUANTUM_BYTES;

		err = decode_quantum(text + i, keep, bytes);
		if (err != DK_OK)
			break;
		memcpy(out + done, bytes, keep);
		done += keep;
	}
	dk_wipe(bytes, sizeof(bytes));
	if (err != DK_OK) {
		dk_wipe(out, done);
		return err;
	}
	*ret_len = total;
	return DK_OK;
}

/* ---- base64url ---- */

dk_err
dk_base64url_encode(const uint8_t *data, size_t len, char *out, size_t cap)
{
	dk_err err = dk_base64_encode(data, len, out, cap);

	if (err != DK_OK)
		return err;
	for (char *c = out; *c; c++) {
		if (*c == '+')
			*c = '-';
		else if (*c == '/')
			*c = '_';
		else if (*c == '=')
			*c = '\0';
	}
	return DK_OK;
}

dk_err
dk_base64url_decode(const char *text, size_t len, uint8_t *out, size_t cap, size_t *ret_len)
{
	size_t padded = (len + 3) / 4 * 4;
	char *standard;
	dk_err err = DK_OK;

	if (len > DK_BASE64_CHARS(cap))
		return DK_ERR_TEXT;
	standard = malloc(padded + 1);
	if (!standard)
		return DK_ERR_NOMEM;
	for (size_t i = 0; i < padded; i++) {
		char c = i < len ? text[i] : '=';

		if (i < len && (c == '+' || c == '/' || c == '='))
			err = DK_ERR_TEXT;
		standard[i] = (char)(c == '-' ? '+' : c == '_' ? '/' : c);
	}
	if (err == DK_OK)
		err = dk_base64_decode(standard, padded, out, cap, ret_len);
	dk_wipe(standard, padded);
	free(standard);
	return err;
}
