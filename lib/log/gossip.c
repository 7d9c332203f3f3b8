/* SPDX-License-Identifier: Apache-2.0 */
#include "log/gossip.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FIRST_LINE "doublekey-gossip-1\n"
#define WORD "note "

/* "note LENGTH[ TIME]" in the line from text to end. */
static bool
head(const char *text, const char *end, struct dk_gossip_note *note)
{
	size_t word = strlen(WORD);
	uint64_t len, time = 0;
	const char *space;

	if ((size_t)(end - text) <= word || memcmp(text, WORD, word) != 0)
		return false;
	text += word;
	space = memchr(text, ' ', (size_t)(end - text));
	if (space &&
	    (!dk_log_number_parse(space + 1, (size_t)(end - space - 1), &time) || time == 0))
		return false;
	if (!dk_log_number_parse(text, (size_t)((space ? space : end) - text), &len) || len == 0 ||
	    len > DK_CHECKPOINT_MAX_BYTES)
		return false;
	note->len = (size_t)len;
	note->time = time;
	return true;
}

dk_err
dk_gossip_parse(
    const char *text, size_t len, struct dk_gossip_note *notes, size_t cap, size_t *ret_n)
{
	size_t at = strlen(FIRST_LINE), n = 0;

	if (len < at || memcmp(text, FIRST_LINE, at) != 0)
		return DK_ERR_LOG_FILE;
	for (; at < len; n++) {
		const char *line = text + at, *end = memchr(line, '\n', len - at);

		if (!end || n == cap || !head(line, end, &notes[n]))
			return DK_ERR_LOG_FILE;
		at += (size_t)(end - line) + 1;
		if (notes[n].len > len - at || text[at + notes[n].len - 1] != '\n')
			return DK_ERR_LOG_FILE;
		notes[n].text = text + at;
		at += notes[n].len;
	}
	*ret_n = n;
	return DK_OK;
}

void
dk_gossip_begin(struct dk_writer_buf *wr)
{
	dk_wr_bytes(wr, FIRST_LINE, strlen(FIRST_LINE));
}

void
dk_gossip_add(struct dk_writer_buf *wr, const struct dk_gossip_note *note)
{
	char line[64];
	int n = note->time == 0
	    ? snprintf(line, sizeof(line), WORD "%zu\n", note->len)
	    : snprintf(line, sizeof(line), WORD "%zu %" PRIu64 "\n", note->len, note->time);

	dk_wr_bytes(wr, line, n > 0 ? (size_t)n : 0);
	dk_wr_bytes(wr, note->text, note->len);
}
