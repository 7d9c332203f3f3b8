/* SPDX-License-Identifier: Apache-2.0 */
#include "authd/factor.h"

#include <string.h>

#include "base/text.h"
#include "native/code.h"

static void
add_name(struct factor_certificate *certificate, struct policy_shown *shown, const char *text,
    size_t len)
{
	char *name = certificate->name[shown->name_count];

	memcpy(name, text, len);
	name[len] = '\0';
	shown->name[shown->name_count++] = name;
}

bool
factor_certificate(const struct dk_part *claim, struct factor_certificate *ret,
    struct policy_shown *shown, unsigned *ret_code)
{
	char digest[7 + 65] = "sha256:";
	struct dk_reader_buf rd;
	const uint8_t *digests;
	unsigned state, count;

	dk_rd_init(&rd, claim->data, claim->len);
	state = dk_rd_u8(&rd);
	digests = dk_rd_bytes(&rd, DK_LOG_CERTIFICATE_BYTES);
	count = dk_rd_u8(&rd);
	if (!digests || count >= POLICY_CERTIFICATE_NAMES_MAX)
		return false;
	for (unsigned i = 0; i < count; i++) {
		size_t len = dk_rd_u8(&rd);
		const uint8_t *text = dk_rd_bytes(&rd, len);

		if (!text || !dk_text_valid(text, len))
			return false;
		add_name(ret, shown, (const char *)text, len);
	}
	if (rd.failed || dk_rd_left(&rd) > 0)
		return false;
	if (state != IPC_CERTIFICATE_HOLDS) {
		shown->name_count = 0;
		*ret_code = DK_CODE_CERTIFICATE;
		return state == IPC_CERTIFICATE_FAILS;
	}
	dk_hex(digests, 32, digest + 7);
	add_name(ret, shown, digest, strlen(digest));
	memcpy(ret->record, digests, sizeof(ret->record));
	ret->holds = true;
	return true;
}

unsigned
factor_token(const struct dk_part *claim, const struct dk_part *digest,
    const struct token_issuers *issuers, const struct policy_question *question,
    struct token *ret_token)
{
	enum token_fault fault;
	uint8_t hash[32];

	if (claim->len == 0 && digest->len == 0)
		return DK_CODE_OK;
	if (claim->len == 0 || digest->len != sizeof(hash) || dk_sha256(claim, 1, hash) != DK_OK ||
	    memcmp(hash, digest->data, sizeof(hash)) != 0)
		return DK_CODE_TOKEN;
	fault = token_verify(
	    claim->data, claim->len, issuers, question->user, question->time, ret_token);
	if (fault == TOKEN_KEY_SET)
		return DK_CODE_TOKEN_KEYS;
	return fault == TOKEN_HOLDS ? DK_CODE_OK : DK_CODE_TOKEN;
}

void
factors_write(const struct factors *factors, struct dk_writer_buf *wr)
{
	uint8_t token[DK_LOG_TOKEN_MAX_BYTES];
	size_t len;

	dk_wr_u8(wr, (uint8_t)((factors->token.issuer != NULL) + factors->certificate.holds));
	if (factors->token.issuer) {
		len = dk_log_token_write(&factors->token.record, token);
		dk_wr_u16(wr, DK_LOG_TAG_TOKEN);
		dk_wr_u16(wr, (uint16_t)len);
		dk_wr_bytes(wr, token, len);
	}
	if (factors->certificate.holds) {
		dk_wr_u16(wr, DK_LOG_TAG_CERTIFICATE);
		dk_wr_u16(wr, DK_LOG_CERTIFICATE_BYTES);
		dk_wr_bytes(wr, factors->certificate.record, DK_LOG_CERTIFICATE_BYTES);
	}
}
