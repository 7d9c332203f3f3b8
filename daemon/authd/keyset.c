/* SPDX-License-Identifier: Apache-2.0 */
#include "authd/keyset.h"

#include <stdio.h>
#include <string.h>

#include "authd/jose.h"
#include "crypto/crypto.h"

#define RSA_MIN_BYTES 256
#define NUMBER_MAX_CHARS 1366 /* of 1,024 bytes */
#define JSON_MAX_BYTES (NUMBER_MAX_CHARS + 256)

void
keyset_clear(struct keyset *set)
{
	for (unsigned i = 0; i < set->count; i++)
		(void)cjose_jwk_release(set->key[i].jwk);
	set->count = 0;
}

const struct keyset_key *
keyset_find(const struct keyset *set, const char *kid)
{
	for (unsigned i = 0; i < set->count; i++)
		if (strcmp(set->key[i].kid, kid) == 0)
			return &set->key[i];
	return NULL;
}

static bool
is(const char *text, const char *want)
{
	return text && strcmp(text, want) == 0;
}

static bool
may_verify(const json_t *operations)
{
	const json_t *value;
	size_t i;

	if (!operations)
		return true;
	json_array_foreach(
	    operations, i, value) if (is(json_string_value(value), "verify")) return true;
	return false;
}

static void
take_issuer(const json_t *jwk, struct keyset_key *key)
{
	const char *issuer = jose_text(jwk, "issuer", 1, KEYSET_ISSUER_MAX_BYTES);

	key->has_issuer = json_object_get(jwk, "issuer") != NULL;
	if (issuer)
		memcpy(key->issuer, issuer, strlen(issuer) + 1);
}

/* Whether it is a key to look at; else it is passed over. */
static bool
fits(const json_t *jwk, struct keyset_key *key)
{
	const char *kid = jose_text(jwk, "kid", 1, KEYSET_KID_MAX_BYTES);
	const json_t *alg = json_object_get(jwk, "alg"), *use = json_object_get(jwk, "use");
	const char *kty = jose_text(jwk, "kty", 1, 8), *name = json_string_value(alg);

	*key = (struct keyset_key){ .rsa = is(kty, "RSA") };
	if (!kid || (!key->rsa && !is(kty, "EC")) ||
	    (!key->rsa && !is(json_string_value(json_object_get(jwk, "crv")), "P-256")))
		return false;
	if ((use && !is(json_string_value(use), "sig")) ||
	    !may_verify(json_object_get(jwk, "key_ops")))
		return false;
	if (alg && !(key->rsa ? is(name, "RS256") || is(name, "PS256") : is(name, "ES256")))
		return false;
	memcpy(key->kid, kid, strlen(kid));
	if (name)
		memcpy(key->alg, name, strlen(name));
	take_issuer(jwk, key);
	return true;
}

/* Two members as one text each; false if one is no base64url number. */
static bool
numbers(const json_t *jwk, const char *a, const char *b, const char *ret_text[2],
    uint8_t bytes[2][DK_RSA_MAX_BYTES], size_t len[2])
{
	const char *const names[] = { a, b };

	for (unsigned i = 0; i < 2; i++) {
		ret_text[i] = jose_text(jwk, names[i], 1, NUMBER_MAX_CHARS);
		if (!ret_text[i] ||
		    !jose_decode(
			ret_text[i], strlen(ret_text[i]), bytes[i], DK_RSA_MAX_BYTES, &len[i]))
			return false;
	}
	return true;
}

static bool
on_curve(uint8_t bytes[2][DK_RSA_MAX_BYTES], const size_t len[2])
{
	uint8_t point[DK_P256_POINT_BYTES] = { 4 };
	dk_auto_pkey *key = NULL;

	if (len[0] != 32 || len[1] != 32)
		return false;
	memcpy(point + 1, bytes[0], 32);
	memcpy(point + 33, bytes[1], 32);
	return dk_pkey_from_point(DK_KEY_P256, point, sizeof(point), &key) == DK_OK;
}

/* RFC 7638, and the key from the very same text: nothing else of it is used. */
static const char *
import(const json_t *jwk, struct keyset_key *key)
{
	static uint8_t bytes[2][DK_RSA_MAX_BYTES];
	char text[2 * JSON_MAX_BYTES];
	struct dk_part part = { text, 0 };
	const char *value[2];
	size_t len[2];
	int n;

	if (!numbers(jwk, key->rsa ? "e" : "x", key->rsa ? "n" : "y", value, bytes, len))
		return "a number of a key is not base64url";
	if (key->rsa &&
	    (strcmp(value[0], "AQAB") != 0 || len[1] < RSA_MIN_BYTES || bytes[1][0] == 0 ||
		(len[1] == RSA_MIN_BYTES && bytes[1][0] < 0x80)))
		return "an RSA key has not 2048 to 8192 bits, or another exponent than 65537";
	if (!key->rsa && !on_curve(bytes, len))
		return "a point is not on P-256";
	n = snprintf(text, sizeof(text),
	    key->rsa ? "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}"
		     : "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
	    value[0], value[1]);
	if (n < 0 || (size_t)n >= sizeof(text))
		return "a key is too large";
	part.len = (size_t)n;
	key->jwk = cjose_jwk_import(text, part.len, NULL);
	if (!key->jwk || dk_sha256(&part, 1, key->thumbprint) != DK_OK)
		return "a key cannot be used";
	return NULL;
}

static bool
is_secret(const json_t *jwk)
{
	static const char *const members[] = { "d", "k", "p", "q", "dp", "dq", "qi", "oth" };

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (json_object_get(jwk, members[i]))
			return true;
	return is(json_string_value(json_object_get(jwk, "kty")), "oct");
}

static const char *
take(const json_t *jwk, struct keyset *set)
{
	struct keyset_key key;
	const char *why;

	if (!json_is_object(jwk))
		return "a key is no object";
	if (is_secret(jwk))
		return "it has a private or symmetric key";
	if (!fits(jwk, &key))
		return NULL;
	if (keyset_find(set, key.kid))
		return "one kid stands twice";
	why = import(jwk, &key);
	if (!why)
		set->key[set->count++] = key;
	else
		(void)cjose_jwk_release(key.jwk);
	return why;
}

bool
keyset_parse(const uint8_t *text, size_t len, struct keyset *ret, const char **ret_why)
{
	json_t *json = len <= KEYSET_MAX_BYTES ? jose_object(text, len) : NULL;
	const json_t *keys = json_object_get(json, "keys"), *jwk;
	const char *why = NULL;
	size_t i;

	ret->count = 0;
	if (!json)
		why = len > KEYSET_MAX_BYTES ? "it is too large" : "it is no JSON object";
	else if (!json_is_array(keys) || json_array_size(keys) > KEYSET_KEYS_MAX)
		why = "it has no list of up to 32 keys";
	json_array_foreach(why ? NULL : keys, i, jwk)
	{
		why = take(jwk, ret);
		if (why)
			break;
	}
	if (!why && ret->count == 0)
		why = "it has no key to use";
	json_decref(json);
	if (why)
		keyset_clear(ret);
	*ret_why = why;
	return !why;
}
