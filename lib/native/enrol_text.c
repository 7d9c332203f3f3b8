/* SPDX-License-Identifier: Apache-2.0 */
/* The enrolment code as people see it: 130 bits of code and check, 10 more of
 * check, as 28 characters of base32. */
#include <string.h>

#include "crypto/crypto.h"
#include "format/schedule.h"
#include "native/enrol.h"

#define CODE_CHARS 28
#define RAW_BYTES 18 /* code and two check bytes; 140 of the 144 bits are shown */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

void
dk_enrol_code_clear(struct dk_enrol_code *code)
{
	dk_wipe(code, sizeof(*code));
}

static dk_err
with_check(const struct dk_enrol_code *code, uint8_t ret_raw[RAW_BYTES])
{
	uint8_t info[DK_INFO_MAX_BYTES], hash[DK_SHA256_BYTES];
	const struct dk_part data = { code->bytes, sizeof(code->bytes) };
	size_t len;
	dk_err err;

	err = dk_info("enrol-check", &data, 1, info, &len);
	if (err != DK_OK)
		return err;
	const struct dk_part part = { info, len };
	err = dk_sha256(&part, 1, hash);
	dk_wipe(info, sizeof(info));
	if (err != DK_OK)
		return err;
	memcpy(ret_raw, code->bytes, sizeof(code->bytes));
	ret_raw[16] = hash[0];
	ret_raw[17] = hash[1] & 0xf0;
	return DK_OK;
}

dk_err
dk_enrol_text(
    const char *user, const struct dk_enrol_code *code, char ret_text[DK_ENROL_TEXT_BYTES])
{
	uint8_t raw[RAW_BYTES];
	size_t pos = strlen(user);
	dk_err err;

	if (!dk_user_name_valid(user, pos))
		return DK_ERR_SERVICE_NAME;
	err = with_check(code, raw);
	if (err != DK_OK)
		return err;
	memcpy(ret_text, user, pos);
	ret_text[pos++] = ':';
	for (unsigned i = 0; i < CODE_CHARS; i++) {
		unsigned bit = i * 5, word;

		word = (unsigned)raw[bit / 8] << 8;
		if (bit / 8 + 1 < RAW_BYTES)
			word |= raw[bit / 8 + 1];
		if (i > 0 && i % 4 == 0)
			ret_text[pos++] = '-';
		ret_text[pos++] = alphabet[(word >> (11 - bit % 8)) & 31];
	}
	ret_text[pos] = '\0';
	dk_wipe(raw, sizeof(raw));
	return DK_OK;
}

static int
char_value(char c)
{
	const char *p;

	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	p = c ? strchr(alphabet, c) : NULL;
	return p ? (int)(p - alphabet) : -1;
}

static bool
decode(const char *text, uint8_t raw[RAW_BYTES])
{
	unsigned n = 0;
	int v;

	memset(raw, 0, RAW_BYTES);
	for (; *text; text++) {
		if (*text == '-')
			continue;
		v = char_value(*text);
		if (v < 0 || n == CODE_CHARS)
			return false;
		for (unsigned b = 0; b < 5; b++)
			if (v >> (4 - b) & 1)
				raw[(n * 5 + b) / 8] |= (uint8_t)(0x80 >> ((n * 5 + b) % 8));
		n++;
	}
	return n == CODE_CHARS;
}

dk_err
dk_enrol_text_parse(
    const char *text, char ret_user[DK_USER_MAX_BYTES + 1], struct dk_enrol_code *ret_code)
{
	dk_auto_enrol_code code = { { 0 } };
	uint8_t raw[RAW_BYTES], want[RAW_BYTES];
	const char *colon = strchr(text, ':');
	bool same;
	dk_err err;

	if (!colon || !dk_user_name_valid(text, (size_t)(colon - text)) || !decode(colon + 1, raw))
		return DK_ERR_SERVICE_ENROL_CODE;
	memcpy(code.bytes, raw, sizeof(code.bytes));
	err = with_check(&code, want);
	same = err == DK_OK && dk_equal_ct(raw, want, RAW_BYTES);
	dk_wipe(raw, sizeof(raw));
	dk_wipe(want, sizeof(want));
	if (!same)
		return err == DK_OK ? DK_ERR_SERVICE_ENROL_CODE : err;
	memcpy(ret_user, text, (size_t)(colon - text));
	ret_user[colon - text] = '\0';
	*ret_code = code;
	return DK_OK;
}
