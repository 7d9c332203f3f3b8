/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "log/record.h"

static bool
read_short(struct dk_reader_buf *rd, char *ret, size_t max)
{
	size_t len = dk_rd_u8(rd);
	const uint8_t *text = dk_rd_bytes(rd, len);

	if (!text || len > max || !dk_text_valid(text, len))
		return false;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}

bool
dk_log_token_parse(const uint8_t *bytes, size_t len, struct dk_log_token *ret_token)
{
	struct dk_log_token token = { .issued = 0 };
	const uint8_t *thumbprint;
	struct dk_reader_buf rd;

	dk_rd_init(&rd, bytes, len);
	thumbprint = dk_rd_bytes(&rd, sizeof(token.thumbprint));
	token.issued = dk_rd_u64(&rd);
	if (!thumbprint || !read_short(&rd, token.issuer, sizeof(token.issuer) - 1) ||
	    !read_short(&rd, token.key, sizeof(token.key) - 1) ||
	    !read_short(&rd, token.id, sizeof(token.id) - 1) || dk_rd_left(&rd) > 0)
		return false;
	memcpy(token.thumbprint, thumbprint, sizeof(token.thumbprint));
	*ret_token = token;
	return true;
}

static void
write_short(struct dk_writer_buf *wr, const char *text)
{
	dk_wr_u8(wr, (uint8_t)strlen(text));
	dk_wr_bytes(wr, text, strlen(text));
}

size_t
dk_log_token_write(const struct dk_log_token *token, uint8_t *ret)
{
	struct dk_writer_buf wr;

	dk_wr_init(&wr, ret, DK_LOG_TOKEN_MAX_BYTES);
	dk_wr_bytes(&wr, token->thumbprint, sizeof(token->thumbprint));
	dk_wr_u64(&wr, token->issued);
	write_short(&wr, token->issuer);
	write_short(&wr, token->key);
	write_short(&wr, token->id);
	return wr.len;
}

bool
dk_log_key_set_parse(const uint8_t *bytes, size_t len, struct dk_log_key_set *ret_set)
{
	struct dk_log_key_set set = { .count = 0 };
	const uint8_t *digests, *thumbprints;
	struct dk_reader_buf rd;

	dk_rd_init(&rd, bytes, len);
	digests = dk_rd_bytes(&rd, 64);
	set.verifier = dk_rd_u8(&rd);
	if (!digests || !read_short(&rd, set.issuer, sizeof(set.issuer) - 1) ||
	    set.issuer[0] == '\0')
		return false;
	set.count = dk_rd_u8(&rd);
	thumbprints = dk_rd_bytes(&rd, (size_t)set.count * 32);
	if (!thumbprints || set.count == 0 || set.count > DK_LOG_KEY_SET_KEYS_MAX ||
	    dk_rd_left(&rd) > 0)
		return false;
	memcpy(set.digest, digests, 32);
	memcpy(set.root, digests + 32, 32);
	memcpy(set.thumbprint, thumbprints, (size_t)set.count * 32);
	*ret_set = set;
	return true;
}

size_t
dk_log_key_set_write(const struct dk_log_key_set *set, uint8_t *ret)
{
	struct dk_writer_buf wr;

	dk_wr_init(&wr, ret, DK_LOG_KEY_SET_MAX_BYTES);
	dk_wr_bytes(&wr, set->digest, sizeof(set->digest));
	dk_wr_bytes(&wr, set->root, sizeof(set->root));
	dk_wr_u8(&wr, set->verifier);
	write_short(&wr, set->issuer);
	dk_wr_u8(&wr, (uint8_t)set->count);
	dk_wr_bytes(&wr, set->thumbprint, (size_t)set->count * 32);
	return wr.len;
}
