/* SPDX-License-Identifier: Apache-2.0 */
/* Body of add-checkpoint: "old SIZE", hashes, an empty line, a checkpoint. */
#include <string.h>

#include "crypto/base64.h"
#include "witness/witness.h"

/* A line without its LF; false: there is none. */
static bool
next_line(const char **at, size_t *left, const char **ret_line, size_t *ret_len)
{
	const char *end = memchr(*at, '\n', *left);

	if (!end)
		return false;
	*ret_line = *at;
	*ret_len = (size_t)(end - *at);
	*left -= *ret_len + 1;
	*at = end + 1;
	return true;
}

static bool
take_hashes(const char **at, size_t *left, struct witness_request *r)
{
	const char *line;
	size_t len, n;

	for (;;) {
		if (!next_line(at, left, &line, &len))
			return false;
		if (len == 0)
			return true;
		if (r->hash_count == WITNESS_HASHES_MAX ||
		    dk_base64_decode(line, len, r->hashes + (size_t)r->hash_count * DK_HASH_BYTES,
			DK_HASH_BYTES, &n) != DK_OK ||
		    n != DK_HASH_BYTES)
			return false;
		r->hash_count++;
	}
}

bool
witness_request_parse(const char *body, size_t len, struct witness_request *ret)
{
	static const char word[] = "old ";
	const char *line;
	size_t n;

	*ret = (struct witness_request){ .old = 0 };
	return next_line(&body, &len, &line, &n) && n > strlen(word) &&
	    memcmp(line, word, strlen(word)) == 0 &&
	    dk_log_number_parse(line + strlen(word), n - strlen(word), &ret->old) &&
	    take_hashes(&body, &len, ret) && dk_note_parse(body, len, &ret->note) == DK_OK &&
	    ret->note.text_len <= DK_CHECKPOINT_MAX_BYTES &&
	    dk_checkpoint_fields(&ret->note, &ret->origin, &ret->origin_len, &ret->checkpoint) ==
	    DK_OK;
}
