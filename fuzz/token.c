/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens and their key sets. The first byte says what the rest is: a key set, a
 * token as it comes, or a payload that is signed here with a key of the issuer,
 * so that what is behind the signature is reached. The key is that of RFC 7515
 * appendix A.3. From 128 on it is a token, a metadata document or a body of Microsoft's
 * protocol.
 */
#include <string.h>

#include "authd/dke_body.h"
#include "authd/dke_token.h"
#include "authd/in_force.h"
#include "authd/jose.h"
#include "authd/metadata.h"
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

/* ---- tenants, spec/profiles/ms-dke.md section 5 ---- */

#define ID "5f0c1d2e-3b4a-4c5d-8e6f-708192a3b4c5"
#define SERVER "https://login.microsoftonline.com"

static const char tenant_policy[] =
    "tenant \"contoso\" { id = \"" ID "\" issuers = {\"https://sts.windows.net/" ID "/\", "
    "\"" SERVER "/" ID "/v2.0\"} audiences = {\"https://dke.contoso.com\"} "
    "clients = {\"d3590ed6-52b3-4102-aeff-aad2292ab01c\"} "
    "metadata = \"" SERVER "/" ID "/v2.0/metadata\" key-set-max-age = 2592000 }";
/* The public half of spec/vectors/keys/dke-issuer.pem: the vectors' tokens hold. */
static const char tenant_set[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"use\":\"sig\",\"kid\":\"k1\",\"e\":\"AQAB\",\"n\":\""
    "xlTmPk9DwelP4ZtRK_An0hWWL1Tnv5DaCwwaeJnUUh2O5oKEgo-PBdUyj0I5HduK3RrMqf9wswrBv3Is9HBs"
    "-MiGkZKf6F8_0Z9f8r6nUxmkDub13g6wNmQjq0d9MqKZ62BkXv5H6O6bOFmGDc6_o5UHocxCLONkT4KYBoHv"
    "n95B7oysXokRf36tCp6sYFuLMCDWkSqoAkr30GmIq1vfr5gUABPLpE7CYFYiJYsv_jugKCOK7GJKHB0Ttpin"
    "vJx3DcDHHM-fQ7FBurHNfUMAvggYEdmnpSpL3UaBBXtDM3GAPlBbyMlOBC2eh6g8Q1MQQrsTalrWoM8OS26v"
    "0IcNYQ\"}]}";
#define TENANT_NOW 1929000000

static struct in_force *
prepare_tenant(void)
{
	static uint8_t sets[1024];
	const struct dk_part text = { tenant_policy, sizeof(tenant_policy) - 1 };
	struct ipc_key_set of = { .name = { "contoso", 7 },
		.fetched_s = TENANT_NOW,
		.bytes = { tenant_set, sizeof(tenant_set) - 1 } };
	struct dk_part keys = { sets, 0 };
	struct policy_fault fault;
	struct dk_writer_buf wr;
	struct in_force *f;

	dk_wr_init(&wr, sets, sizeof(sets));
	ipc_key_sets_add(&wr, &of);
	keys.len = wr.len;
	f = in_force_new(&text, &keys, &fault);
	FUZZ_CHECK(f != NULL && f->issuers.item[0].keys.count == 1);
	return f;
}

static void
tenant_token(const struct in_force *f, const uint8_t *data, size_t len)
{
	static struct dke_token token;
	uint8_t record[DK_LOG_TOKEN_MAX_BYTES];
	struct dk_log_token again;
	enum dke_token_fault fault =
	    dke_token_verify(data, len, f->policy, &f->issuers, TENANT_NOW, &token);

	FUZZ_CHECK(fault <= DKE_TOKEN_CLIENT && fault != DKE_TOKEN_NO_KEYS);
	FUZZ_CHECK((fault == DKE_TOKEN_HOLDS) == (token.tenant != NULL));
	FUZZ_CHECK(token.is_signed || fault == DKE_TOKEN_FALSE);
	if (token.is_signed)
		FUZZ_CHECK(
		    dk_log_token_parse(record, dk_log_token_write(&token.record, record), &again));
	if (fault != DKE_TOKEN_HOLDS)
		return;
	FUZZ_CHECK(person_valid(token.person, strlen(token.person)));
	FUZZ_CHECK(strlen(token.client) == DKE_CLIENT_CHARS);
	FUZZ_CHECK(token.claims.count == DKE_TOKEN_CLAIMS);
	for (unsigned i = 0; i < DKE_TOKEN_CLAIMS; i++)
		FUZZ_CHECK(token.claims.item[i] >= token.pool &&
		    strlen(token.claims.item[i]) <= PERSON_MAX_BYTES);
	for (unsigned i = 0; i < token.groups.count; i++)
		FUZZ_CHECK(token.groups.item[i] >= token.pool &&
		    token.groups.item[i] < token.pool + token.used);
}

static void
tenant_metadata(const struct in_force *f, const uint8_t *data, size_t len)
{
	char url[IPC_FETCH_URL_MAX_BYTES + 1] = "";
	const struct dk_part document = { data, len };
	const char *why = NULL;
	bool ok = metadata_parse(&document, f->policy, &f->issuers.item[0].info, url, &why);

	FUZZ_CHECK(ok == (why == NULL));
	FUZZ_CHECK(!ok ||
	    (strncmp(url, SERVER "/", strlen(SERVER "/")) == 0 && strstr(url, "/" ID) != NULL));
}

static void
tenant_body(const uint8_t *data, size_t len)
{
	uint8_t value[DKE_VALUE_MAX_BYTES];
	size_t got = 0;

	if (dke_body_parse(data, len, value, &got))
		FUZZ_CHECK(got >= 1 && got <= sizeof(value));
}

static void
of_tenant(unsigned what, const uint8_t *data, size_t len)
{
	static struct in_force *f;

	if (!f)
		f = prepare_tenant();
	if (what == 0)
		tenant_token(f, data, len);
	else if (what == 1)
		tenant_metadata(f, data, len);
	else
		tenant_body(data, len);
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
	if (data[0] >= 128)
		of_tenant(data[0] % 3, exact, len - 1);
	else if (data[0] % 3 == 0)
		key_set(exact, len - 1);
	else if (data[0] % 3 == 1)
		(void)verify(f, exact, len - 1);
	else if (len > 1)
		signed_payload(f, exact, len - 1);
	free(exact);
	return 0;
}
