/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens and their key sets. The first byte says what the rest is: a key set, a
 * token as it comes, or a payload that is signed here with a key of the issuer,
 * so that what is behind the signature is reached. The key is that of RFC 7515
 * appendix A.3.
 */
#include <string.h>

#include "authd/in_force.h"
#include "authd/jose.h"
#include "fuzz.h"

#define NOW 1924992000

static const char policy[] =
    "issuer \"corp\" { url = \"https://id.example.org/corp\" audience = \"doublekey\" "
    "claim = \"preferred_username\" max-age = 600 }";
#define PUBLIC_HALF                                                                                \
	"\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\","                                          \
	"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                                   \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
static const char set[] = "{\"keys\":[{" PUBLIC_HALF "}]}";
static const char private_key[] =
    "{" PUBLIC_HALF ",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}";

static struct in_force *
prepare(void)
{
	static uint8_t sets[512] = "\4corp";
	const struct dk_part text = { policy, sizeof(policy) - 1 };
	const struct dk_part keys = { sets, 17 + sizeof(set) - 1 + 2 };
	struct policy_fault fault;
	struct in_force *f;

	sets[15] = (uint8_t)((sizeof(set) - 1) >> 8);
	sets[16] = (uint8_t)(sizeof(set) - 1);
	memcpy(sets + 17, set, sizeof(set) - 1);
	f = in_force_new(&text, &keys, &fault);
	FUZZ_CHECK(f != NULL);
	return f;
}

static void
key_set(const uint8_t *data, size_t len)
{
	struct keyset keys = { .count = 0 };
	const char *why = NULL;
	bool ok = keyset_parse(data, len, &keys, &why);

	FUZZ_CHECK(ok == (why == NULL) && ok == (keys.count > 0));
	FUZZ_CHECK(keys.count <= KEYSET_KEYS_MAX);
	for (unsigned i = 0; i < keys.count; i++) {
		FUZZ_CHECK(keys.key[i].jwk != NULL && keys.key[i].kid[0] != '\0');
		FUZZ_CHECK(keyset_find(&keys, keys.key[i].kid) == &keys.key[i]);
	}
	keyset_clear(&keys);
}

static enum token_fault
verify(const struct in_force *f, const uint8_t *data, size_t len)
{
	struct token token = { .issuer = NULL };
	uint8_t record[DK_LOG_TOKEN_MAX_BYTES];
	struct dk_log_token again;
	enum token_fault fault = token_verify(data, len, &f->issuers, "alice", NOW, &token);

	FUZZ_CHECK(fault <= TOKEN_CLAIM && (fault == TOKEN_HOLDS) == (token.issuer != NULL));
	if (fault != TOKEN_HOLDS)
		return fault;
	FUZZ_CHECK(strcmp(token.issuer, "corp") == 0 && strcmp(token.record.key, "k") == 0);
	FUZZ_CHECK(
	    token.record.issued <= NOW + JWT_AHEAD_MAX_S && token.record.issued + 600 >= NOW);
	FUZZ_CHECK(dk_log_token_parse(record, dk_log_token_write(&token.record, record), &again));
	return fault;
}

static void
signed_payload(const struct in_force *f, const uint8_t *data, size_t len)
{
	cjose_jwk_t *key = cjose_jwk_import(private_key, sizeof(private_key) - 1, NULL);
	cjose_header_t *header = cjose_header_new(NULL);
	const char *text = NULL;
	enum token_fault fault;
	cjose_jws_t *jws;

	FUZZ_CHECK(key && header && cjose_header_set(header, "alg", "ES256", NULL) &&
	    cjose_header_set(header, "kid", "k", NULL));
	jws = cjose_jws_sign(key, header, data, len, NULL);
	if (jws && cjose_jws_export(jws, &text, NULL) && strlen(text) <= 8192) {
		fault = verify(f, (const uint8_t *)text, strlen(text));
		FUZZ_CHECK(fault != TOKEN_HEADER && fault != TOKEN_KEY);
		FUZZ_CHECK(fault != TOKEN_SIGNATURE);
	}
	cjose_jws_release(jws);
	cjose_header_release(header);
	(void)cjose_jwk_release(key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct in_force *f;
	uint8_t *exact;

	if (len < 1)
		return 0;
	if (!f)
		f = prepare();
	exact = fuzz_exact(data + 1, len - 1);
	if (data[0] % 3 == 0)
		key_set(exact, len - 1);
	else if (data[0] % 3 == 1)
		(void)verify(f, exact, len - 1);
	else if (len > 1)
		signed_payload(f, exact, len - 1);
	free(exact);
	return 0;
}
