/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/evp.h"

#define FILE_BUFFER_BYTES (256u * 1024)

static int
digest_parts(
    EVP_MD_CTX *ctx, enum dk_hash hash, const struct dk_part *parts, size_t n, uint8_t *out)
{
	EVP_MD *md = dk_evp_md(hash);

	if (ctx == NULL || md == NULL || EVP_DigestInit_ex2(ctx, md, NULL) != 1)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) != 1)
			return 0;
	}
	return EVP_DigestFinal_ex(ctx, out, NULL);
}

static dk_err
digest(enum dk_hash hash, const struct dk_part *parts, size_t n, uint8_t *out)
{
	uint8_t sum[DK_SHA384_BYTES];
	EVP_MD_CTX *ctx;
	int ok;

	if (n > DK_PARTS_MAX)
		return DK_ERR_ARGUMENT;
	ctx = EVP_MD_CTX_new();
	ok = digest_parts(ctx, hash, parts, n, sum);
	EVP_MD_CTX_free(ctx);
	if (ok == 1)
		memcpy(out, sum, dk_hash_bytes(hash));
	/* What was hashed may be a secret, and then so is the sum. */
	dk_wipe(sum, sizeof(sum));
	return ok == 1 ? DK_OK : dk_evp_error();
}

dk_err
dk_sha256(const struct dk_part *parts, size_t n, uint8_t out[DK_SHA256_BYTES])
{
	return digest(DK_SHA256, parts, n, out);
}

void
dk_sha256_begin(struct dk_sha256_run *run)
{
	EVP_MD *md = dk_evp_md(DK_SHA256);

	run->ctx = EVP_MD_CTX_new();
	if (run->ctx && (!md || EVP_DigestInit_ex2(run->ctx, md, NULL) != 1))
		dk_sha256_drop(run);
}

dk_err
dk_sha256_add(struct dk_sha256_run *run, const void *data, size_t len)
{
	return run->ctx && EVP_DigestUpdate(run->ctx, data, len) == 1 ? DK_OK : dk_evp_error();
}

dk_err
dk_sha256_end(struct dk_sha256_run *run, uint8_t out[DK_SHA256_BYTES])
{
	bool ok = run->ctx && EVP_DigestFinal_ex(run->ctx, out, NULL) == 1;

	dk_sha256_drop(run);
	return ok ? DK_OK : dk_evp_error();
}

void
dk_sha256_drop(struct dk_sha256_run *run)
{
	EVP_MD_CTX_free(run->ctx);
	run->ctx = NULL;
}

dk_err
dk_sha384(const struct dk_part *parts, size_t n, uint8_t out[DK_SHA384_BYTES])
{
	return digest(DK_SHA384, parts, n, out);
}

static dk_err
update_file(EVP_MD_CTX *ctx, int fd, uint8_t *buffer)
{
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, buffer, FILE_BUFFER_BYTES, at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return DK_ERR_READ;
		if (EVP_DigestUpdate(ctx, buffer, (size_t)n) != 1)
			return dk_evp_error();
		at += n;
	}
	return DK_OK;
}

dk_err
dk_sha256_file(int fd, uint8_t out[DK_SHA256_BYTES])
{
	uint8_t *buffer = malloc(FILE_BUFFER_BYTES);
	EVP_MD *md = dk_evp_md(DK_SHA256);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	dk_err err = DK_OK;

	if (!buffer)
		err = DK_ERR_NOMEM;
	else if (!ctx || !md || EVP_DigestInit_ex2(ctx, md, NULL) != 1)
		err = dk_evp_error();
	if (err == DK_OK)
		err = update_file(ctx, fd, buffer);
	if (err == DK_OK && EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		err = dk_evp_error();
	EVP_MD_CTX_free(ctx);
	free(buffer);
	return err;
}

/* Contexts of the scopes that are open in this thread, made on first use. */
static _Thread_local struct {
	unsigned depth;
	EVP_MAC_CTX *ctx[2];
} scope;

struct dk_hmac_scope
dk_hmac_scope_open(void)
{
	scope.depth++;
	return (struct dk_hmac_scope){ 0 };
}

void
dk_hmac_scope_close(struct dk_hmac_scope *unused)
{
	(void)unused;
	if (--scope.depth > 0)
		return;
	for (unsigned i = 0; i < 2; i++) {
		EVP_MAC_CTX_free(scope.ctx[i]);
		scope.ctx[i] = NULL;
	}
}

static EVP_MAC_CTX *
hmac_take(enum dk_hash hash)
{
	EVP_MAC_CTX **kept = &scope.ctx[hash == DK_SHA384];
	const EVP_MAC_CTX *template;
	EVP_MAC_CTX *ctx;

	if (*kept != NULL)
		return *kept;
	template = dk_evp_hmac(hash);
	ctx = template != NULL ? EVP_MAC_CTX_dup(template) : NULL;
	if (scope.depth > 0)
		*kept = ctx;
	return ctx;
}

static void
hmac_give(EVP_MAC_CTX *ctx)
{
	if (scope.depth == 0)
		EVP_MAC_CTX_free(ctx);
}

static int
hmac_parts(EVP_MAC_CTX *ctx, const uint8_t *key, size_t key_len, const struct dk_part *parts,
    size_t n, uint8_t *out)
{
	size_t len;

	if (EVP_MAC_init(ctx, key, key_len, NULL) != 1)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (EVP_MAC_update(ctx, parts[i].data, parts[i].len) != 1)
			return 0;
	}
	return EVP_MAC_final(ctx, out, &len, DK_SHA384_BYTES);
}

dk_err
dk_evp_hmac_parts(enum dk_hash hash, const uint8_t *key, size_t key_len,
    const struct dk_part *parts, size_t n, struct dk_secret48 *ret_mac)
{
	dk_auto_secret48 mac = { { 0 } };
	static const uint8_t zero[DK_SHA384_BYTES];
	EVP_MAC_CTX *ctx = hmac_take(hash);
	int ok = 0;

	if (ctx != NULL && key != NULL)
		ok = hmac_parts(ctx, key, key_len, parts, n, mac.bytes);
	else if (ctx != NULL)
		ok = hmac_parts(ctx, zero, dk_hash_bytes(hash), parts, n, mac.bytes);
	hmac_give(ctx);
	if (ok != 1)
		return dk_evp_error();
	*ret_mac = mac;
	return DK_OK;
}

dk_err
dk_hmac_sha384(const struct dk_secret48 *key, const struct dk_part *parts, size_t n,
    uint8_t out[DK_SHA384_BYTES])
{
	dk_auto_secret48 mac = { { 0 } };
	dk_err err;

	if (n > DK_PARTS_MAX)
		return DK_ERR_ARGUMENT;
	err = dk_evp_hmac_parts(DK_SHA384, key->bytes, sizeof(key->bytes), parts, n, &mac);
	if (err != DK_OK)
		return err;
	memcpy(out, mac.bytes, DK_SHA384_BYTES);
	return DK_OK;
}
