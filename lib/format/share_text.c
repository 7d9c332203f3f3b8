/* SPDX-License-Identifier: Apache-2.0 */
/* Text form of a share, spec/key-backup.md section 5. */
#include <stdio.h>
#include <string.h>

#include "base/base32.h"
#include "doublekey/backup.h"
#include "format/share.h"

#define TITLE_WORDS 3
#define VERSION 1
#define LABEL_CHARS 4
#define CHECK_CHARS 4
#define GROUP_CHARS 4
#define LINE_DATA_CHARS DK_BASE32_CHARS(DK_SHARE_LINE_BYTES)
#define LINE_TEXT_CHARS 64
#define LINES_MAX 999u

struct line {
	const char *text;
	size_t len;
};

static const char *const title[TITLE_WORDS] = { "DOUBLEKEY", "KEY", "SHARE" };

void
dk_share_data_clear(struct dk_share_data *data)
{
	dk_wipe(data, sizeof(*data));
}

void
dk_share_line_place(char part, size_t number, struct dk_place *ret_place)
{
	ret_place->offset = UINT64_MAX;
	if (snprintf(ret_place->text, sizeof(ret_place->text), "line %c%03zu", part, number + 1) <
	    0)
		ret_place->text[0] = '\0';
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next line of in, without blanks at its ends; false at the end. */
static bool
next_line(struct line *in, struct line *ret)
{
	const char *end;
	size_t len;

	if (in->len == 0)
		return false;
	end = memchr(in->text, '\n', in->len);
	len = end ? (size_t)(end - in->text) : in->len;
	ret->text = in->text;
	ret->len = len;
	in->text += end ? len + 1 : len;
	in->len -= end ? len + 1 : len;
	while (ret->len > 0 && is_blank(ret->text[0])) {
		ret->text++;
		ret->len--;
	}
	while (ret->len > 0 && is_blank(ret->text[ret->len - 1]))
		ret->len--;
	return true;
}

/* Takes the word, in either case, and the blanks behind it. */
static bool
take_word(struct line *line, const char *word)
{
	size_t len = strlen(word);
	size_t i;

	if (line->len <= len || !is_blank(line->text[len]))
		return false;
	for (i = 0; i < len; i++)
		if (line->text[i] != word[i] && line->text[i] != word[i] - 'A' + 'a')
			return false;
	while (is_blank(line->text[i]))
		i++;
	line->text += i;
	line->len -= i;
	return true;
}

/* A title as it was typed: lower case, more blanks, I and L for the version. */
static dk_err
check_title(struct line *in)
{
	struct line line;

	while (next_line(in, &line)) {
		if (line.len == 0)
			continue;
		for (size_t i = 0; i < TITLE_WORDS; i++)
			if (!take_word(&line, title[i]))
				return DK_ERR_SHARE_MAGIC;
		if (line.len != 1 || dk_base32_value(line.text[0]) != VERSION)
			return DK_ERR_KEY_VERSION;
		return DK_OK;
	}
	return DK_ERR_SHARE_MAGIC;
}

/* First 20 bits of the hash, as 4 numbers below 32. */
static dk_err
line_check(
    const char label[LABEL_CHARS], const uint8_t *data, size_t len, uint8_t ret_check[CHECK_CHARS])
{
	static const char purpose[] = "doublekey/1 share-line";
	const struct dk_part parts[] = { { purpose, strlen(purpose) }, { label, LABEL_CHARS },
		{ data, len } };
	uint8_t hash[DK_SHA256_BYTES];
	uint32_t bits;
	dk_err err;

	err = dk_sha256(parts, 3, hash);
	if (err != DK_OK)
		return err;
	bits = (uint32_t)hash[0] << 12 | (uint32_t)hash[1] << 4 | hash[2] >> 4;
	for (int i = 0; i < CHECK_CHARS; i++)
		ret_check[i] = (uint8_t)(bits >> (15 - 5 * i) & 31);
	return DK_OK;
}

static bool
label_of(char part, size_t number, char ret_label[LABEL_CHARS + 1])
{
	return number < LINES_MAX &&
	    snprintf(ret_label, LABEL_CHARS + 1, "%c%03zu", part, number + 1) == LABEL_CHARS;
}

/* A label as it was typed: lower case, O for 0, I and L for 1. */
static bool
has_label(const struct line *line, char part, size_t number)
{
	char label[LABEL_CHARS + 1];

	if (line->len < LABEL_CHARS || !label_of(part, number, label) ||
	    (line->text[0] != part && line->text[0] != part - 'A' + 'a'))
		return false;
	for (int i = 1; i < LABEL_CHARS; i++)
		if (dk_base32_value(line->text[i]) != label[i] - '0')
			return false;
	return true;
}

/* Data and check of a line whose label is right. */
static dk_err
decode_line(const struct line *line, char part, size_t number,
    uint8_t ret_data[DK_SHARE_LINE_BYTES], size_t *ret_len)
{
	char chars[LINE_DATA_CHARS + CHECK_CHARS];
	char label[LABEL_CHARS + 1];
	uint8_t check[CHECK_CHARS];
	size_t n = 0;
	dk_err err = DK_ERR_SHARE_DAMAGED;

	for (size_t i = LABEL_CHARS; i < line->len; i++) {
		if (is_blank(line->text[i]))
			continue;
		if (n == sizeof(chars))
			return DK_ERR_SHARE_DAMAGED;
		chars[n++] = line->text[i];
	}
	if (n > CHECK_CHARS && label_of(part, number, label) &&
	    dk_base32_decode(chars, n - CHECK_CHARS, ret_data, DK_SHARE_LINE_BYTES, ret_len))
		err = line_check(label, ret_data, *ret_len, check);
	for (int i = 0; i < CHECK_CHARS && err == DK_OK; i++)
		if (dk_base32_value(chars[n - CHECK_CHARS + (size_t)i]) != check[i])
			err = DK_ERR_SHARE_DAMAGED;
	dk_wipe(chars, sizeof(chars));
	return err;
}

struct part {
	char letter;
	uint8_t *data;
	size_t cap;
	size_t len;
	size_t lines;
};

/* A line that is not full is the last one of its part. */
static dk_err
take_line(struct part *part, const struct line *line)
{
	uint8_t data[DK_SHARE_LINE_BYTES];
	size_t len;
	dk_err err;

	if (part->len % DK_SHARE_LINE_BYTES != 0 || !has_label(line, part->letter, part->lines))
		return DK_ERR_SHARE_DAMAGED;
	err = decode_line(line, part->letter, part->lines, data, &len);
	if (err == DK_OK && len > part->cap - part->len)
		err = DK_ERR_SHARE_DAMAGED;
	if (err == DK_OK) {
		memcpy(part->data + part->len, data, len);
		part->len += len;
		part->lines++;
	}
	dk_wipe(data, sizeof(data));
	return err;
}

static dk_err
take_lines(struct line *in, struct part parts[2], struct dk_place *ret_place)
{
	struct part *part = &parts[0];
	struct line line;

	while (next_line(in, &line)) {
		dk_err err;

		if (line.len == 0 || line.text[0] == '#')
			continue;
		if (part == &parts[0] && part->lines > 0 && has_label(&line, 'S', 0))
			part = &parts[1];
		err = take_line(part, &line);
		if (err != DK_OK) {
			dk_share_line_place(part->letter, part->lines, ret_place);
			return err;
		}
	}
	if (parts[1].len == DK_SHARE_PART_BYTES)
		return DK_OK;
	dk_share_line_place(part->letter, part->lines, ret_place);
	return DK_ERR_SHARE_DAMAGED;
}

dk_err
dk_share_text_decode(
    const uint8_t *text, size_t len, struct dk_share_data *ret_data, struct dk_place *ret_place)
{
	struct line in = { (const char *)text, len };
	dk_auto_share_data data = { .common_len = 0 };
	struct part parts[2] = { { 'C', data.common, sizeof(data.common), 0, 0 },
		{ 'S', data.part, sizeof(data.part), 0, 0 } };
	dk_err err;

	ret_place->offset = UINT64_MAX;
	ret_place->text[0] = '\0';
	if (len > DK_SHARE_TEXT_MAX_BYTES)
		return DK_ERR_SHARE_MAGIC;
	err = check_title(&in);
	if (err != DK_OK)
		return err;
	err = take_lines(&in, parts, ret_place);
	if (err != DK_OK)
		return err;
	data.common_len = parts[0].len;
	data.part_len = parts[1].len;
	*ret_data = data;
	return DK_OK;
}

/* "C001 XXXX ... XXXX" with the check as last group. */
static dk_err
encode_line(char part, size_t number, const uint8_t *data, size_t len, char ret[LINE_TEXT_CHARS],
    size_t *ret_len)
{
	char chars[LINE_DATA_CHARS];
	uint8_t check[CHECK_CHARS];
	size_t n = 0;
	dk_err err;

	if (!label_of(part, number, ret))
		return DK_ERR_ARGUMENT;
	err = line_check(ret, data, len, check);
	if (err != DK_OK)
		return err;
	n = LABEL_CHARS;
	dk_base32_encode(data, len, chars);
	for (size_t i = 0; i < DK_BASE32_CHARS(len); i++) {
		if (i % GROUP_CHARS == 0)
			ret[n++] = ' ';
		ret[n++] = chars[i];
	}
	ret[n++] = ' ';
	for (int i = 0; i < CHECK_CHARS; i++)
		ret[n++] = dk_base32_char(check[i]);
	ret[n++] = '\n';
	dk_wipe(chars, sizeof(chars));
	*ret_len = n;
	return DK_OK;
}

dk_err
dk_share_text_lines(
    char part, const uint8_t *data, size_t data_len, char *text, size_t cap, size_t *len)
{
	char line[LINE_TEXT_CHARS];
	dk_err err = DK_OK;

	for (size_t i = 0; i < data_len && err == DK_OK; i += DK_SHARE_LINE_BYTES) {
		size_t left = data_len - i;
		size_t n;

		err = encode_line(part, i / DK_SHARE_LINE_BYTES, data + i,
		    left < DK_SHARE_LINE_BYTES ? left : DK_SHARE_LINE_BYTES, line, &n);
		if (err == DK_OK && n > cap - *len)
			err = DK_ERR_OUTPUT_TOO_SMALL;
		if (err == DK_OK) {
			memcpy(text + *len, line, n);
			*len += n;
		}
	}
	dk_wipe(line, sizeof(line));
	return err;
}
