/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/base64.h"
#include "load.h"

#define POINT_OFFSET 6

void
fail(const char *what)
{
	(void)fprintf(stderr, "load: %s\n", what);
	exit(1);
}

static uint8_t *
read_file(const char *name, size_t *ret_len)
{
	FILE *file = fopen(name, "rb");
	uint8_t *data;
	long len;

	if (!file || fseek(file, 0, SEEK_END) != 0 || (len = ftell(file)) <= 0)
		fail("an input file cannot be read");
	rewind(file);
	data = malloc((size_t)len);
	if (!data || fread(data, 1, (size_t)len, file) != (size_t)len)
		fail("an input file cannot be read");
	(void)fclose(file);
	*ret_len = (size_t)len;
	return data;
}

/* u16 length, SubjectPublicKeyInfo, scalar: the file of the client. */
static struct dk_pkey *
read_device(const char *name)
{
	struct dk_pkey *key = NULL;
	size_t len, spki_len;
	uint8_t *data = read_file(name, &len);

	spki_len = len > 2 ? (size_t)data[0] << 8 | data[1] : len;
	if (spki_len + 2 >= len ||
	    dk_pkey_from_private(DK_KEY_P256, data + 2, spki_len, data + 2 + spki_len,
		len - 2 - spki_len, &key) != DK_OK)
		fail("that is no device key");
	free(data);
	return key;
}

void
maker_init(struct maker *maker, const struct options *options)
{
	*maker = (struct maker){ .options = options };
	if (options->raw) {
		maker->body = read_file(options->raw, &maker->body_len);
		return;
	}
	maker->device = read_device(options->device);
	maker->body = read_file(options->body, &maker->body_len);
	maker->shared_at = DK_RELEASE_HEAD_BYTES;
	if (maker->body_len <= DK_RELEASE_HEAD_BYTES)
		fail("that is no body of a request");
	maker->objects = (unsigned)maker->body[DK_RELEASE_HEAD_BYTES - 2] << 8 |
	    maker->body[DK_RELEASE_HEAD_BYTES - 1];
}

static void
text64(const uint8_t *bytes, size_t len, char out[96])
{
	if (dk_base64_encode(bytes, len, out, 96) != DK_OK)
		fail("base64");
}

static void
sign(struct maker *maker, struct request *request, struct dk_request_signature *sig,
    const uint8_t hash[32])
{
	char base[DK_SIGNATURE_BASE_MAX_BYTES];
	struct dk_part part = { base, 0 };

	if (dk_signature_base(sig, maker->options->url, DK_RELEASE_PATH, hash, base, &part.len) !=
		DK_OK ||
	    dk_request_digest(base, part.len, request->digest) != DK_OK ||
	    dk_ecdsa_sign(maker->device, &part, 1, sig->signature) != DK_OK)
		fail("a request cannot be signed");
}

/* A new ephemeral key, nonce and signature; nobody keeps the private half. */
void
maker_make(struct maker *maker, struct request *ret)
{
	struct dk_request_signature sig = { .created = (uint64_t)time(NULL) };
	char digest[96], signature[96], params[DK_SIGNATURE_INPUT_MAX_BYTES];
	dk_auto_pkey *key = NULL;
	struct dk_part body;
	uint8_t hash[32];
	size_t len;
	int n;

	if (maker->options->raw) {
		ret->head_len = 0;
		return;
	}
	if (dk_pkey_generate(DK_KEY_P256, 0, &key) != DK_OK ||
	    dk_random(sig.nonce, sizeof(sig.nonce)) != DK_OK)
		fail("libcrypto does not do what it must");
	memcpy(maker->body + POINT_OFFSET, dk_pkey_recipient(key, &len), DK_P256_POINT_BYTES);
	memcpy(sig.key_id, dk_pkey_id(maker->device), sizeof(sig.key_id));
	body = (struct dk_part){ maker->body, maker->body_len };
	if (dk_sha256(&body, 1, hash) != DK_OK || !dk_signature_params(&sig, params))
		fail("a request cannot be signed");
	sign(maker, ret, &sig, hash);
	text64(hash, sizeof(hash), digest);
	text64(sig.signature, sizeof(sig.signature), signature);
	n = snprintf((char *)ret->head, LOAD_HEAD_MAX_BYTES,
	    "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/doublekey\r\n"
	    "Content-Length: %zu\r\nContent-Digest: sha-256=:%s:\r\n"
	    "Signature-Input: dk=%s\r\nSignature: dk=:%s:\r\n\r\n",
	    DK_RELEASE_PATH, maker->options->url + strlen("https://"), maker->body_len, digest,
	    params, signature);
	if (n < 0 || (size_t)n + DK_RELEASE_HEAD_BYTES > LOAD_HEAD_MAX_BYTES)
		fail("a head is too long");
	memcpy(ret->head + n, maker->body, DK_RELEASE_HEAD_BYTES);
	ret->head_len = (size_t)n + DK_RELEASE_HEAD_BYTES;
}
