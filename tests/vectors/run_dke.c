/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs what keyd does of spec/vectors/ms-dke: unwrapping, public keys, records. Each key is also
 * taken through the forms in which it is kept, and each value through the way of an HSM.
 *
 * usage: run_dke KEYS FOLDER
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/base64.h"
#include "crypto/crypto.h"
#include "crypto/dke.h"
#include "crypto/evp.h"
#include "folder.h"
#include "log/record.h"
#include "native/code.h"
#include "native_vector.h"

#define KEYS_MAX 8

static const char *folder;
static unsigned ran;
static struct {
	char name[32];
	struct dk_dke_key *key;
} keys[KEYS_MAX];

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	printf("FAIL %s\n", what);
	exit(1);
}

/* As it was imported, kept and taken from there again. */
static struct dk_dke_key *
load(const char *name)
{
	uint8_t der[DK_PKEY_PRIVATE_MAX_BYTES];
	size_t len, der_len = sizeof(der);
	struct dk_dke_key *read = NULL, *again = NULL;
	char path[512], text[8192];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s.pem", folder, name);
	file = fopen(path, "rb");
	must(file != NULL, path);
	len = fread(text, 1, sizeof(text), file);
	(void)fclose(file);
	must(dk_dke_import(text, len, &read) == DK_OK, path);
	must(dk_dke_private_bytes(read, der, &der_len) == DK_OK, path);
	must(dk_dke_from_private(der, der_len, &again) == DK_OK, path);
	must(memcmp(dk_dke_id(read), dk_dke_id(again), 32) == 0, path);
	dk_dke_free(read);
	return again;
}

static const struct dk_dke_key *
key_of(const struct vector *v)
{
	const char *name = need(v, "key");
	unsigned i = 0;

	while (i < KEYS_MAX && keys[i].key && strcmp(keys[i].name, name) != 0)
		i++;
	must(i < KEYS_MAX, "too many keys");
	if (!keys[i].key) {
		folder_copy(keys[i].name, sizeof(keys[i].name), name);
		keys[i].key = load(name);
	}
	return keys[i].key;
}

/* The private operation alone, as an HSM has it. */
static dk_err
by_hsm(const struct dk_dke_key *key, const struct dk_part *value, struct dk_dke_plain *plain)
{
	uint8_t der[DK_PKEY_PRIVATE_MAX_BYTES], number[DK_DKE_MAX_BYTES], em[DK_DKE_MAX_BYTES];
	size_t der_len = sizeof(der), spki_len, n;
	struct dk_dke_key *pub = NULL;
	EVP_PKEY *evp = NULL;
	const uint8_t *spki = dk_dke_spki(key, &spki_len);
	bool fits;
	dk_err err;

	must(dk_dke_from_spki(spki, spki_len, &pub) == DK_OK, "public half");
	must(dk_dke_unwrap(pub, value->data, value->len, plain) == DK_ERR_KEY_NEED_PRIVATE,
	    "a public key does not unwrap");
	must(dk_dke_private_bytes(key, der, &der_len) == DK_OK, "private half");
	must(dk_evp_rsa_from_pkcs8(der, der_len, &evp) == DK_OK, "private half");
	(void)dk_dke_modulus(pub, &n);
	must(dk_dke_number(pub, value->data, value->len, number, &fits) == DK_OK, "number");
	must(dk_evp_rsa_power(evp, number, em, n) == DK_OK, "power");
	err = dk_dke_decode(pub, em, n, fits, plain);
	EVP_PKEY_free(evp);
	dk_dke_free(pub);
	return err;
}

static bool
same_plain(const struct vector *v, dk_err err, const struct dk_dke_plain *plain)
{
	const char *got = err == DK_OK ? "success" : err == DK_ERR_STANZA_AUTH ? "value" : "error";

	if (!folder_same(v->path, "expect", got, need(v, "expect")))
		return false;
	if (err != DK_OK)
		return true;
	const struct dk_part want = part(v, "plain");

	return plain->len == want.len && memcmp(plain->bytes, want.data, want.len) == 0;
}

static bool
unwrap(const struct vector *v)
{
	dk_auto_dke_plain plain = { .len = 0 }, other = { .len = 0 };
	const struct dk_part value = part(v, "value");
	const struct dk_dke_key *key = key_of(v);

	return same_plain(v, dk_dke_unwrap(key, value.data, value.len, &plain), &plain) &&
	    same_plain(v, by_hsm(key, &value, &other), &other);
}

static bool
public_key(const struct vector *v)
{
	char text[DK_BASE64_CHARS(DK_DKE_MAX_BYTES) + 1];
	const struct dk_part body = part(v, "body");
	size_t len;
	const uint8_t *modulus = dk_dke_modulus(key_of(v), &len);

	return dk_base64_encode(modulus, len, text, sizeof(text)) == DK_OK &&
	    memmem(body.data, body.len, text, strlen(text)) != NULL;
}

static bool
record(struct vector *v)
{
	const struct dk_part value = part(v, "value"), token = part(v, "token");
	const struct dk_part want = part(v, "object");
	uint8_t document[32], digest[32], key_id[32], leaf[DK_LEAF_BYTES], bytes[4096];
	struct dk_log_object object;
	struct dk_log_event event = { .class_ = DK_LOG_DENIAL,
		.time = 1,
		.front = DK_LOG_DKE,
		.object_count = 1,
		.objects = &object };
	size_t len;

	need_hex(v, "key-id", key_id, sizeof(key_id));
	if (dk_sha256(&value, 1, document) != DK_OK || dk_sha256(&token, 1, digest) != DK_OK ||
	    dk_log_dke_request(need(v, "name"), need(v, "id"), document, digest, digest) != DK_OK)
		return false;
	found_hex(v, "request-digest", digest, sizeof(digest));
	dk_log_dke_object((unsigned)strtoul(need(v, "code"), NULL, 10), document, key_id, &object);
	return dk_record_encode(&event, bytes, sizeof(bytes), &len, leaf) == DK_OK &&
	    want.len == DK_LOG_OBJECT_BYTES && memmem(bytes, len, want.data, want.len) != NULL;
}

static bool
run(void *ctx, const char *path)
{
	struct vector *v = ctx;
	const char *kind;

	if (!native_vector_read(path, v))
		return false;
	kind = need(v, "kind");
	ran++;
	if (strcmp(kind, "unwrap") == 0)
		return unwrap(v);
	if (strcmp(kind, "public") == 0)
		return public_key(v);
	if (strcmp(kind, "record") == 0)
		return record(v) && !v->differs;
	ran--; /* another process's */
	return true;
}

/* The forms of a key in a file, and what is no such file. */
static void
forms(void)
{
	static const char no_key[] = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
	struct dk_dke_key *key = NULL;

	must(dk_dke_import("", 0, &key) == DK_ERR_KEY_INVALID, "empty");
	must(dk_dke_import("AAAA", 4, &key) == DK_ERR_KEY_INVALID, "base64 of no key");
	must(dk_dke_import("%", 1, &key) == DK_ERR_KEY_INVALID, "no base64");
	must(dk_dke_import(no_key, sizeof(no_key) - 1, &key) == DK_ERR_KEY_TYPE, "public");
	must(dk_dke_generate(1024, &key) == DK_ERR_ARGUMENT, "1,024 bits");
	must(dk_dke_generate(8192, &key) == DK_ERR_ARGUMENT, "8,192 bits");
}

int
main(int argc, char **argv)
{
	static struct vector vector;
	int rc;

	if (argc != 3)
		return 2;
	folder = argv[1];
	forms();
	rc = folder_run(argv[2], run, &vector);
	must(ran >= 72, "too few of them are of these kinds");
	for (unsigned i = 0; i < KEYS_MAX; i++)
		dk_dke_free(keys[i].key);
	return rc;
}
