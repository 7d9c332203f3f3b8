/* SPDX-License-Identifier: Apache-2.0 */
/* What records of spec/profiles/ms-dke.md section 9 have in places of other contents. */
#include <string.h>

#include "crypto/hash.h"
#include "format/schedule.h"
#include "log/record.h"

bool
dk_log_person_valid(const void *text, size_t len)
{
	const uint8_t *t = text;

	for (size_t i = 0; i < len && len <= DK_LOG_PERSON_MAX_BYTES; i++)
		if (t[i] < 0x21 || t[i] > 0x7e)
			return false;
	return len >= 1 && len <= DK_LOG_PERSON_MAX_BYTES;
}

dk_err
dk_log_dke_request(const char *name, const char *id, const uint8_t document[32],
    const uint8_t token_digest[32], uint8_t ret_digest[32])
{
	const uint8_t lengths[2] = { (uint8_t)strlen(name), (uint8_t)strlen(id) };
	uint8_t prefix[DK_INFO_MAX_BYTES];
	size_t prefix_len;
	dk_err err = dk_info("ms-dke-request", NULL, 0, prefix, &prefix_len);

	if (err != DK_OK)
		return err;
	const struct dk_part parts[] = { { prefix, prefix_len }, { lengths, 1 },
		{ name, lengths[0] }, { lengths + 1, 1 }, { id, lengths[1] }, { document, 32 },
		{ token_digest, 32 } };
	return dk_sha256(parts, sizeof(parts) / sizeof(parts[0]), ret_digest);
}

dk_err
dk_log_dke_token(const struct dk_log_token *token, uint8_t ret_name[32])
{
	uint8_t prefix[DK_INFO_MAX_BYTES];
	size_t prefix_len;
	dk_err err = dk_info("ms-dke-token", NULL, 0, prefix, &prefix_len);

	if (err != DK_OK)
		return err;
	const struct dk_part parts[] = { { prefix, prefix_len },
		{ token->issuer, strlen(token->issuer) + 1 }, { token->id, strlen(token->id) } };
	return dk_sha256(parts, sizeof(parts) / sizeof(parts[0]), ret_name);
}

void
dk_log_dke_object(unsigned code, const uint8_t document[32], const uint8_t *key_id,
    struct dk_log_object *ret_object)
{
	*ret_object = (struct dk_log_object){ .code = (uint16_t)code };
	memcpy(ret_object->core_digest, document, 32);
	if (key_id)
		memcpy(ret_object->key_id, key_id, sizeof(ret_object->key_id));
}
