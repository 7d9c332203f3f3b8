/* SPDX-License-Identifier: Apache-2.0 */
/* Assertions of authenticators, spec/profiles/ms-dke-pages.md section 2. */
#include <string.h>

#include "crypto/base64.h"
#include "native/page.h"

#define PRESENT 0x01
#define VERIFIED 0x04

/* Takes text off the front. */
static bool
take(struct dk_part *data, const char *text)
{
	const size_t len = strlen(text);

	if (data->len < len || memcmp(data->data, text, len) != 0)
		return false;
	data->data = (const uint8_t *)data->data + len;
	data->len -= len;
	return true;
}

static bool
is(struct dk_part data, const char *text)
{
	return take(&data, text) && data.len == 0;
}

static bool
client_holds(struct dk_part data, const char *base_url, const uint8_t challenge[32])
{
	char text[DK_BASE64_CHARS(32) + 1];

	if (dk_base64url_encode(challenge, 32, text, sizeof(text)) != DK_OK)
		return false;
	if (!take(&data, "{\"type\":\"webauthn.get\",\"challenge\":\"") || !take(&data, text) ||
	    !take(&data, "\",\"origin\":\"") || !take(&data, base_url) || !take(&data, "\""))
		return false;
	if (is(data, "}") || is(data, ",\"crossOrigin\":false}"))
		return true;
	return take(&data, ",\"crossOrigin\":false,") && data.len > 0 &&
	    ((const uint8_t *)data.data)[data.len - 1] == '}';
}

/* SHA-256 of the host of the base URL. */
static dk_err
party(const char *base_url, uint8_t ret[32])
{
	const char *host = base_url + strlen("https://");
	const struct dk_part part = { host, strcspn(host, ":") };

	return dk_sha256(&part, 1, ret);
}

static bool
authenticator_holds(const struct dk_part *data, const uint8_t rp[32])
{
	const uint8_t *bytes = data->data;

	return data->len >= 37 && memcmp(bytes, rp, 32) == 0 &&
	    (bytes[32] & (PRESENT | VERIFIED)) == (PRESENT | VERIFIED);
}

dk_err
dk_assertion_check(const struct dk_assertion *assertion, const struct dk_pkey *key,
    const char *base_url, const uint8_t challenge[32])
{
	uint8_t rp[32], client[32], signature[DK_SIGNATURE_BYTES];
	const struct dk_part parts[] = { assertion->authenticator, { client, sizeof(client) } };
	dk_err err;

	if (strncmp(base_url, "https://", strlen("https://")) != 0)
		return DK_ERR_ARGUMENT;
	err = party(base_url, rp);
	if (err == DK_OK)
		err = dk_sha256(&assertion->client, 1, client);
	if (err != DK_OK)
		return err;
	if (!client_holds(assertion->client, base_url, challenge) ||
	    !authenticator_holds(&assertion->authenticator, rp) ||
	    dk_ecdsa_raw(assertion->signature.data, assertion->signature.len, signature) != DK_OK)
		return DK_ERR_SERVICE_SIGNATURE;
	err = dk_ecdsa_verify(key, parts, 2, signature);
	return err == DK_OK || err == DK_ERR_NOMEM ? err : DK_ERR_SERVICE_SIGNATURE;
}
