/* SPDX-License-Identifier: Apache-2.0 */
#include "native/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/port.h"
#include "base/text.h"
#include "crypto/base64.h"
#include "format/schedule.h"

#define COMPONENTS "(\"@method\" \"@target-uri\" \"content-digest\""
#define COMPONENT_TOKEN " \"doublekey-token-digest\""
#define CREATED_LIMIT (UINT64_C(1) << 40)

bool
dk_signature_params(
    const struct dk_request_signature *sig, char ret_text[DK_SIGNATURE_INPUT_MAX_BYTES])
{
	char nonce[2 * DK_NONCE_BYTES + 1], key_id[65];
	int n;

	if (sig->created >= CREATED_LIMIT)
		return false;
	dk_hex(sig->nonce, sizeof(sig->nonce), nonce);
	dk_hex(sig->key_id, sizeof(sig->key_id), key_id);
	n = snprintf(ret_text, DK_SIGNATURE_INPUT_MAX_BYTES,
	    COMPONENTS "%s);created=%" PRIu64 ";nonce=\"%s\";keyid=\"%s\"",
	    sig->has_token ? COMPONENT_TOKEN : "", sig->created, nonce, key_id);
	return n > 0 && n < DK_SIGNATURE_INPUT_MAX_BYTES;
}

/* Hex digits of n bytes at p, then the text end. */
static const char *
take_hex(const char *p, uint8_t *out, size_t n)
{
	char hex[65];

	if (strnlen(p, 2 * n) < 2 * n)
		return NULL;
	memcpy(hex, p, 2 * n);
	hex[2 * n] = '\0';
	return dk_unhex(hex, out, n) ? p + 2 * n : NULL;
}

static const char *
take_text(const char *p, const char *text)
{
	if (!p || strncmp(p, text, strlen(text)) != 0)
		return NULL;
	return p + strlen(text);
}

/*
 * Reads the values, then writes the header they belong to and compares: one
 * rule for both directions, so that no second spelling gets through.
 */
bool
dk_signature_input_parse(const char *header, struct dk_request_signature *sig)
{
	char want[DK_SIGNATURE_INPUT_MAX_BYTES];
	const char *p = take_text(header, "dk=" COMPONENTS), *more;

	more = take_text(p, COMPONENT_TOKEN);
	sig->has_token = more;
	p = take_text(more ? more : p, ");created=");
	if (!p)
		return false;
	sig->created = 0;
	for (; *p >= '0' && *p <= '9'; p++) {
		sig->created = sig->created * 10 + (uint64_t)(*p - '0');
		if (sig->created >= CREATED_LIMIT)
			return false;
	}
	p = take_text(p, ";nonce=\"");
	if (p)
		p = take_hex(p, sig->nonce, sizeof(sig->nonce));
	p = take_text(p, "\";keyid=\"");
	if (p)
		p = take_hex(p, sig->key_id, sizeof(sig->key_id));
	if (!p || !dk_signature_params(sig, want))
		return false;
	return strcmp(header + strlen("dk="), want) == 0;
}

dk_err
dk_signature_base(const struct dk_request_signature *sig, const char *base_url, const char *path,
    const uint8_t body_sha256[32], char ret_base[DK_SIGNATURE_BASE_MAX_BYTES], size_t *ret_len)
{
	char digest[DK_BASE64_CHARS(32) + 1], token[DK_BASE64_CHARS(32) + 1];
	char params[DK_SIGNATURE_INPUT_MAX_BYTES];
	dk_err err;
	int n;

	err = dk_base64_encode(body_sha256, 32, digest, sizeof(digest));
	if (err == DK_OK)
		err = dk_base64_encode(sig->token_digest, 32, token, sizeof(token));
	if (err != DK_OK)
		return err;
	if (!dk_signature_params(sig, params))
		return DK_ERR_ARGUMENT;
	n = snprintf(ret_base, DK_SIGNATURE_BASE_MAX_BYTES,
	    "\"@method\": POST\n\"@target-uri\": %s%s\n\"content-digest\": sha-256=:%s:\n"
	    "%s%s%s\"@signature-params\": %s",
	    base_url, path, digest, sig->has_token ? "\"doublekey-token-digest\": sha-256=:" : "",
	    sig->has_token ? token : "", sig->has_token ? ":\n" : "", params);
	if (n < 0 || n >= DK_SIGNATURE_BASE_MAX_BYTES)
		return DK_ERR_ARGUMENT;
	*ret_len = (size_t)n;
	return DK_OK;
}

dk_err
dk_request_digest(const char *base, size_t len, uint8_t ret_digest[32])
{
	uint8_t hash[32], info[DK_INFO_MAX_BYTES];
	const struct dk_part part = { base, len };
	const struct dk_part data = { hash, sizeof(hash) };
	size_t info_len;
	dk_err err;

	err = dk_sha256(&part, 1, hash);
	if (err != DK_OK)
		return err;
	err = dk_info("request", &data, 1, info, &info_len);
	if (err != DK_OK)
		return err;
	const struct dk_part whole = { info, info_len };
	return dk_sha256(&whole, 1, ret_digest);
}

static bool
only(const char *text, size_t len, const char *set)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0' || !strchr(set, text[i]))
			return false;
	return true;
}

bool
dk_base_url_valid(const char *url)
{
	static const char scheme[] = "https://";
	const char *host, *port;

	if (strlen(url) > DK_URL_MAX_BYTES || strncmp(url, scheme, strlen(scheme)) != 0)
		return false;
	host = url + strlen(scheme);
	port = strrchr(host, ':');
	return port && port != host &&
	    only(host, (size_t)(port - host), "abcdefghijklmnopqrstuvwxyz0123456789.-:[]") &&
	    dk_port_valid(port + 1);
}

bool
dk_service_key_name_valid(const char *name, size_t len)
{
	return len >= 1 && len <= 64 && name[0] != '.' && name[0] != '_' && name[0] != '-' &&
	    only(name, len, "abcdefghijklmnopqrstuvwxyz0123456789._-");
}

bool
dk_user_name_valid(const char *name, size_t len)
{
	return len >= 1 && len <= 64 && only(name, len, "abcdefghijklmnopqrstuvwxyz0123456789._@-");
}
