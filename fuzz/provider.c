/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of systems that hold keys, and of those who give tokens for them. Transport and
 * clock are replaced; everything behind them is what the module has. The first byte says
 * which system and credentials, the second whether only to encrypt; then answers in the
 * order in which they are given: u8 status, u8 and u16 lengths, header, body. Behind the
 * last one no system is in reach.
 */
#define CURL_DISABLE_TYPECHECK
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "provider/turn.h"

#define SECRET "s3cret-0f-th1s-harness"
#define MANY 0x80 /* in a status: the body comes 64 times */
#define CORE_BYTES 191
#define BODY (CORE_BYTES + DK_KEY_ID_BYTES)

/* ---- the transport ---- */

struct provider_net {
	bool out;
};

static struct {
	const uint8_t *all, *at, *end; /* answers */
	size_t len;
	uint64_t now_us;
	long status;
	size_t (*on_body)(char *, size_t, size_t, void *);
	size_t (*on_header)(char *, size_t, size_t, void *);
	void *ctx;
	struct provider_net net;
} fake;

extern const struct provider_module dk_provider_module;

uint64_t
turn_now_us(void)
{
	return fake.now_us;
}

void
turn_sleep_us(uint64_t us)
{
	fake.now_us += us;
}

dk_err
turn_open(const char *scheme, const struct provider_conf *conf, struct provider_net **ret)
{
	(void)scheme;
	(void)conf;
	*ret = &fake.net;
	return DK_OK;
}

void
turn_close(struct provider_net *net)
{
	(void)net;
}

CURL *
turn_begin(struct provider_net *net)
{
	return net;
}

void
turn_end(struct provider_net *net, CURL *curl)
{
	FUZZ_CHECK((void *)net == (void *)curl);
}

void
turn_outage(struct provider_net *net, bool is_out)
{
	net->out = is_out;
}

bool
turn_is_out(struct provider_net *net)
{
	return net->out;
}

#undef curl_easy_setopt
#undef curl_easy_getinfo

CURLcode
curl_easy_setopt(CURL *curl, CURLoption option, ...)
{
	va_list args;

	(void)curl;
	va_start(args, option);
	if (option == CURLOPT_WRITEFUNCTION)
		fake.on_body = va_arg(args, size_t(*)(char *, size_t, size_t, void *));
	else if (option == CURLOPT_HEADERFUNCTION)
		fake.on_header = va_arg(args, size_t(*)(char *, size_t, size_t, void *));
	else if (option == CURLOPT_WRITEDATA)
		fake.ctx = va_arg(args, void *);
	va_end(args);
	return CURLE_OK;
}

CURLcode
curl_easy_getinfo(CURL *curl, CURLINFO info, ...)
{
	va_list args;

	(void)curl;
	FUZZ_CHECK(info == CURLINFO_RESPONSE_CODE || info == CURLINFO_CONTENT_LENGTH_DOWNLOAD_T);
	va_start(args, info);
	if (info == CURLINFO_RESPONSE_CODE)
		*va_arg(args, long *) = fake.status;
	else
		*va_arg(args, curl_off_t *) = -1;
	va_end(args);
	return CURLE_OK;
}

static size_t
take(size_t len, const uint8_t **ret)
{
	size_t left = (size_t)(fake.end - fake.at);

	*ret = fake.at;
	len = len < left ? len : left;
	fake.at += len;
	return len;
}

CURLcode
curl_easy_perform(CURL *curl)
{
	static const long statuses[] = { 200, 204, 302, 400, 401, 403, 404, 408, 409, 410, 429, 500,
		503, 100 };
	const uint8_t *head, *header, *body;
	size_t header_len, body_len;

	(void)curl;
	fake.now_us += 1000000;
	if (take(4, &head) < 4)
		return CURLE_COULDNT_CONNECT;
	header_len = take(head[1], &header);
	body_len = take((size_t)head[2] << 8 | head[3], &body);
	fake.status = statuses[(head[0] & ~MANY) % (sizeof(statuses) / sizeof(statuses[0]))];
	(void)fake.on_header((char *)(uintptr_t)header, 1, header_len, fake.ctx);
	for (unsigned i = 0; i < (head[0] & MANY ? 64 : 1) && body_len > 0; i++)
		if (fake.on_body((char *)(uintptr_t)body, 1, body_len, fake.ctx) != body_len)
			return CURLE_WRITE_ERROR;
	return CURLE_OK;
}

/* ---- systems and credentials ---- */

#define AWS "awskms:arn:aws:kms:eu-central-1:111122223333:"
#define GCP "gcpkms:projects/p/locations/l/keyRings/r/cryptoKeys/k"
#define FILES 4
#define FEDERATED                                                                                  \
	"{\"type\": \"external_account\", \"audience\": \"a\", \"subject_token_type\": \"t\", "    \
	"\"token_url\": \"https://sts\", \"credential_source\": "

static char files[FILES][32];
static const char *const variables[] = { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
	"AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AZURE_TENANT_ID", "AZURE_CLIENT_ID",
	"AZURE_CLIENT_SECRET", "GOOGLE_APPLICATION_CREDENTIALS", "VAULT_TOKEN", "VAULT_ROLE_ID",
	"VAULT_SECRET_ID", NULL };

static const struct way {
	const char *ref;
	const char *set[7]; /* name, value, ...; NULL ends */
} ways[] = {
	{ AWS "key/k", { "AWS_ACCESS_KEY_ID", "id", "AWS_SECRET_ACCESS_KEY", SECRET } },
	{ AWS "alias/a", { "AWS_ACCESS_KEY_ID", "id", "AWS_SECRET_ACCESS_KEY", SECRET } },
	{ AWS "key/k",
	    { "AWS_ROLE_ARN", "arn:aws:iam::1:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE", files[0] } },
	{ AWS "key/k", { NULL } },
	{ "azurekv:https://v.vault.azure.net/keys/k",
	    { "AZURE_TENANT_ID", "t", "AZURE_CLIENT_ID", "c", "AZURE_CLIENT_SECRET", SECRET } },
	{ "azurekv:https://v.vault.azure.net/keys/k/1", { NULL } },
	{ GCP, { "GOOGLE_APPLICATION_CREDENTIALS", files[1] } },
	{ GCP "/cryptoKeyVersions/1", { "GOOGLE_APPLICATION_CREDENTIALS", files[1] } },
	{ GCP, { NULL } },
	{ "vault:https://v:8200/transit/keys/k", { "VAULT_TOKEN", SECRET } },
	{ "vault:https://v:8200/transit/keys/k",
	    { "VAULT_ROLE_ID", "r", "VAULT_SECRET_ID", SECRET } },
	{ GCP, { "GOOGLE_APPLICATION_CREDENTIALS", files[2] } },
	{ GCP, { "GOOGLE_APPLICATION_CREDENTIALS", files[3] } },
};

static void
make_file(char path[32], const char *text)
{
	int fd = memfd_create("fuzz", 0);

	FUZZ_CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	(void)snprintf(path, 32, "/proc/self/fd/%d", fd);
}

static void
set_up(const struct way *way)
{
	char text[512];

	if (!files[0][0]) {
		make_file(files[0], SECRET);
		make_file(files[1],
		    "{\"type\": \"authorized_user\", \"client_id\": \"c\", \"client_secret\": "
		    "\"" SECRET "\", \"refresh_token\": \"" SECRET "\"}");
		(void)snprintf(text, sizeof(text),
		    FEDERATED "{\"file\": \"%s\"}, \"service_account_impersonation_url\": "
			      "\"https://iam\"}",
		    files[0]);
		make_file(files[2], text);
		make_file(files[3],
		    FEDERATED "{\"url\": \"https://issuer\", \"format\": {\"type\": "
			      "\"json\", \"subject_token_field_name\": \"v\"}}}");
		FUZZ_CHECK(setenv("HOME", "/nonexistent", 1) == 0);
		FUZZ_CHECK(setenv("XDG_CONFIG_HOME", "/nonexistent", 1) == 0);
	}
	for (size_t i = 0; variables[i]; i++)
		FUZZ_CHECK(unsetenv(variables[i]) == 0);
	for (size_t i = 0; way->set[i]; i += 2)
		FUZZ_CHECK(setenv(way->set[i], way->set[i + 1], 1) == 0);
}

/* ---- what must hold ---- */

/* What is told can be shown, and has no secret that the answers do not have. */
static void
on_note(void *ctx, const char *ref, const char *text)
{
	(void)ctx;
	(void)ref;
	for (const char *c = text; *c; c++)
		FUZZ_CHECK(*c >= 0x20 && *c <= 0x7e);
	FUZZ_CHECK(!strstr(text, SECRET) ||
	    memmem(fake.all, fake.len, SECRET, sizeof(SECRET) - 1) != NULL);
}

static bool
is_expected(dk_err err)
{
	return err == DK_OK || dk_err_category(err) == DK_CAT_PROVIDER;
}

/* The stanza in a header as small as the module needs it. */
static void
unwrap(const struct dk_key *key, uint8_t *block, size_t body_len)
{
	static const uint8_t none[DK_SHARE_BYTES];
	static struct dk_header header;
	struct dk_secret32 share = { { 0 } };
	struct dk_set *set = &header.set[DK_SIDE_PROVIDER - 1];
	struct dk_unwrap request = {
		.block = block, .header = &header, .side = DK_SIDE_PROVIDER, .share = &share
	};

	header.core_len = CORE_BYTES;
	set->stanza_count = 1;
	set->stanza[0].type = key->stanza_type;
	set->stanza[0].key_id = CORE_BYTES;
	set->stanza[0].body = BODY;
	set->stanza[0].body_len = (uint16_t)body_len;
	FUZZ_CHECK(key->ops->unwrap(key, &request, 1) == DK_OK);
	FUZZ_CHECK(is_expected(request.err) || request.err == DK_ERR_STANZA_AUTH);
	if (request.err != DK_OK)
		FUZZ_CHECK(memcmp(share.bytes, none, sizeof(none)) == 0);
	/* What opens a key with a public half is bound to the object: nobody guesses it. */
	FUZZ_CHECK(request.err != DK_OK || key->stanza_type == DK_STANZA_KMS);
}

static void
use(const struct dk_key *key)
{
	static uint8_t block[BODY + DK_STANZA_BODY_MAX_BYTES];
	static const struct dk_secret32 share = { { 7 } };
	const struct dk_part core = { block, CORE_BYTES };
	uint8_t digest[DK_SHA384_BYTES];
	const struct dk_wrap_context context = { DK_SIDE_PROVIDER, digest };
	size_t len = 0, name;
	dk_err err;

	FUZZ_CHECK(dk_sha384(&core, 1, digest) == DK_OK);
	memcpy(block + CORE_BYTES, key->id, DK_KEY_ID_BYTES);
	err = key->ops->wrap(key, &context, &share, block + BODY, &len);
	FUZZ_CHECK(is_expected(err));
	if (err != DK_OK)
		return;
	FUZZ_CHECK(len > 0 && len <= DK_STANZA_BODY_MAX_BYTES);
	if (key->stanza_type == DK_STANZA_KMS) {
		name = (size_t)block[BODY] << 8 | block[BODY + 1];
		FUZZ_CHECK(name > 0 && name <= DK_KMS_NAME_MAX_BYTES && name + 3 < len);
		for (size_t i = 0; i < name; i++)
			FUZZ_CHECK(block[BODY + 2 + i] >= 0x21 && block[BODY + 2 + i] <= 0x7e);
		FUZZ_CHECK(block[BODY + 2 + name] <= DK_KMS_VERSION_MAX_BYTES);
	}
	unwrap(key, block, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dk_key_options options = { .note = on_note };
	const struct way *way;
	struct dk_key *key = NULL;
	uint8_t *exact;
	dk_err err;

	if (len < 2)
		return 0;
	way = &ways[data[0] % (sizeof(ways) / sizeof(ways[0]))];
	set_up(way);
	options.public_only = data[1] & 1;
	exact = fuzz_exact(data + 2, len - 2);
	memset(&fake, 0, sizeof(fake));
	fake.all = fake.at = exact;
	fake.len = len - 2;
	fake.end = exact + fake.len;
	err = dk_provider_module.key_open(way->ref, DK_SIDE_PROVIDER, &options, &key);
	FUZZ_CHECK(is_expected(err) && (err == DK_OK) == (key != NULL));
	if (key) {
		use(key);
		key->ops->free(key);
	}
	free(exact);
	return 0;
}
