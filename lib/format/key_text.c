/* SPDX-License-Identifier: Apache-2.0 */
/* Text form of a key file, spec/key-file.md section 2. */
#include "format/key_file.h"

#include <stdio.h>
#include <string.h>

#include "crypto/base64.h"

#define LINE_CHARS 64
#define LINE_BYTES 48
#define DASHES "-----"

static const char *const labels[] = {
	[DK_KIND_PUBLIC] = "DOUBLEKEY PUBLIC KEY",
	[DK_KIND_PRIVATE] = "DOUBLEKEY PRIVATE KEY",
};

struct cursor {
	const char *at;
	size_t left;
};

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
skip_space(struct cursor *in)
{
	while (in->left > 0 && is_space(*in->at)) {
		in->at++;
		in->left--;
	}
}

static bool
take(struct cursor *in, const char *word)
{
	size_t len = strlen(word);

	if (in->left < len || memcmp(in->at, word, len) != 0)
		return false;
	in->at += len;
	in->left -= len;
	return true;
}

static bool
take_line_end(struct cursor *in)
{
	return take(in, "\n") || take(in, "\r\n");
}

static bool
take_begin(struct cursor *in, enum dk_key_kind kind)
{
	struct cursor copy = *in;

	if (!take(&copy, DASHES "BEGIN ") || !take(&copy, labels[kind]) || !take(&copy, DASHES))
		return false;
	*in = copy;
	return true;
}

static bool
take_end(struct cursor *in, enum dk_key_kind kind)
{
	if (!take(in, DASHES "END ") || !take(in, labels[kind]) || !take(in, DASHES))
		return false;
	return in->left == 0 || take_line_end(in);
}

static size_t
line_chars(const struct cursor *in)
{
	size_t n = 0;

	while (n < in->left && n <= LINE_CHARS && !is_space(in->at[n]))
		n++;
	return n;
}

/* Lines up to the END line. All but the last are full, so a line that is not
 * full, or has padding, must be the last one. */
static dk_err
take_lines(struct cursor *in, struct dk_key_blob *blob)
{
	bool last = false;

	while (in->left > 0 && *in->at != '-') {
		size_t n = line_chars(in);
		size_t got;
		dk_err err;

		if (last || n == 0 || n > LINE_CHARS)
			return DK_ERR_KEY_DAMAGED;
		err = dk_base64_decode(
		    in->at, n, blob->bytes + blob->len, sizeof(blob->bytes) - blob->len, &got);
		if (err != DK_OK)
			return DK_ERR_KEY_DAMAGED;
		blob->len += got;
		last = got < LINE_BYTES;
		in->at += n;
		in->left -= n;
		if (!take_line_end(in))
			return DK_ERR_KEY_DAMAGED;
	}
	return DK_OK;
}

dk_err
dk_key_text_decode(
    const uint8_t *text, size_t len, struct dk_key_blob *ret_blob, enum dk_key_kind *ret_label)
{
	struct cursor in = { (const char *)text, len };
	dk_auto_key_blob blob = { .len = 0 };
	enum dk_key_kind label;
	dk_err err;

	if (len > DK_KEY_FILE_MAX_BYTES)
		return DK_ERR_KEY_FOREIGN;
	skip_space(&in);
	if (take_begin(&in, DK_KIND_PUBLIC))
		label = DK_KIND_PUBLIC;
	else if (take_begin(&in, DK_KIND_PRIVATE))
		label = DK_KIND_PRIVATE;
	else
		return DK_ERR_KEY_FOREIGN;
	if (!take_line_end(&in))
		return DK_ERR_KEY_DAMAGED;
	err = take_lines(&in, &blob);
	if (err != DK_OK)
		return err;
	if (!take_end(&in, label))
		return DK_ERR_KEY_DAMAGED;
	skip_space(&in);
	if (in.left > 0)
		return DK_ERR_KEY_DAMAGED;
	*ret_blob = blob;
	*ret_label = label;
	return DK_OK;
}

/* Appends a string; *len may pass cap, which the caller looks at in the end. */
static void
put(uint8_t *text, size_t cap, size_t *len, const char *s)
{
	size_t n = strlen(s);

	if (*len <= cap && n <= cap - *len)
		memcpy(text + *len, s, n);
	*len += n;
}

static void
put_frame(uint8_t *text, size_t cap, size_t *len, const char *word, enum dk_key_kind label)
{
	put(text, cap, len, DASHES);
	put(text, cap, len, word);
	put(text, cap, len, labels[label]);
	put(text, cap, len, DASHES "\n");
}

dk_err
dk_key_text_encode(const struct dk_key_blob *blob, enum dk_key_kind label, uint8_t *text,
    size_t cap, size_t *ret_len)
{
	char line[LINE_CHARS + 1];
	size_t len = 0;
	dk_err err = DK_OK;

	put_frame(text, cap, &len, "BEGIN ", label);
	for (size_t i = 0; i < blob->len && err == DK_OK; i += LINE_BYTES) {
		size_t n = blob->len - i < LINE_BYTES ? blob->len - i : LINE_BYTES;

		err = dk_base64_encode(blob->bytes + i, n, line, sizeof(line));
		if (err != DK_OK)
			break;
		put(text, cap, &len, line);
		put(text, cap, &len, "\n");
	}
	dk_wipe(line, sizeof(line));
	put_frame(text, cap, &len, "END ", label);
	if (err != DK_OK)
		return err;
	if (len > cap)
		return DK_ERR_OUTPUT_TOO_SMALL;
	*ret_len = len;
	return DK_OK;
}
