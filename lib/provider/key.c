/* SPDX-License-Identifier: Apache-2.0 */
/* A key that another system holds, as a struct dk_key. */
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "format/schedule.h"
#include "format/stanza.h"
#include "provider/provider.h"
#include "provider/s3.h"
#include "provider/turn.h"

void
provider_note(const struct provider_key *key, const char *format, ...)
{
	char text[512];
	va_list args;

	if (!key->note)
		return;
	va_start(args, format);
	if (vsnprintf(text, sizeof(text), format, args) < 0)
		text[0] = '\0';
	va_end(args);
	/* It may have come from the other side, and goes to a terminal. */
	for (char *c = text; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			*c = '?';
	if (text[0])
		key->note(key->note_ctx, key->ref, text);
}

dk_err
provider_custodian(struct provider_key *key, const char *text)
{
	const char *colon = strchr(text, ':');
	int head = colon ? (int)(colon - text) + 1 : 0;
	const struct dk_part part = { text + head, strlen(text + head) };
	uint8_t field[DK_CUSTODIAN_BYTES], digest[32];
	char hex[65];
	dk_err err;

	if (dk_custodian_from_string(text, field)) {
		(void)snprintf(key->custodian, sizeof(key->custodian), "%s", text);
		return DK_OK;
	}
	err = dk_sha256(&part, 1, digest);
	if (err != DK_OK)
		return err;
	dk_hex(digest, sizeof(digest), hex);
	(void)snprintf(
	    key->custodian, sizeof(key->custodian), "%.*s%.32s", head < 16 ? head : 0, text, hex);
	return dk_custodian_from_string(key->custodian, field) ? DK_OK : DK_ERR_PROVIDER_REFERENCE;
}

dk_err
provider_add_version(struct provider_key *key, const char *name, struct dk_pkey *pkey)
{
	struct provider_version *version = &key->version[key->version_count];
	int n;

	if (key->version_count == PROVIDER_VERSIONS_MAX)
		return DK_ERR_PROVIDER_ANSWER;
	n = snprintf(version->name, sizeof(version->name), "%s", name);
	if (n < 0 || (size_t)n >= sizeof(version->name))
		return DK_ERR_PROVIDER_ANSWER;
	version->pkey = pkey;
	key->version_count++;
	return DK_OK;
}

const struct provider_version *
provider_version(const struct provider_key *key, const uint8_t id[DK_KEY_ID_BYTES])
{
	for (size_t i = 0; i < key->version_count; i++)
		if (memcmp(dk_pkey_id(key->version[i].pkey), id, DK_KEY_ID_BYTES) == 0)
			return &key->version[i];
	return NULL;
}

/* At most max bytes of 0x21 to 0x7e. */
static bool
is_plain(const char *text, size_t max)
{
	size_t len = strlen(text);

	if (len > max)
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x21 || text[i] > 0x7e)
			return false;
	return true;
}

/* ---- wrap ---- */

static dk_err
wrap_kms(struct provider_key *key, const struct dk_wrap_context *context,
    const struct dk_secret32 *share, uint8_t *body, size_t *ret_len)
{
	struct provider_blob blob = { .len = 0 };
	struct dk_writer_buf wr;
	dk_err err;

	err = key->system->wrap(key, context->core_digest, share, &blob);
	if (err != DK_OK)
		return err;
	/* Other keys of this side shall open the object, whatever a system answers: with
	 * this in its header no reader would take it. */
	if (blob.len < 1 || blob.len > DK_KMS_BLOB_MAX_BYTES ||
	    !is_plain(blob.version, DK_KMS_VERSION_MAX_BYTES))
		return DK_ERR_PROVIDER_ANSWER;
	dk_wr_init(&wr, body, DK_STANZA_BODY_MAX_BYTES);
	dk_wr_u16(&wr, (uint16_t)strlen(key->name));
	dk_wr_bytes(&wr, key->name, strlen(key->name));
	dk_wr_u8(&wr, (uint8_t)strlen(blob.version));
	dk_wr_bytes(&wr, blob.version, strlen(blob.version));
	dk_wr_bytes(&wr, blob.bytes, blob.len);
	*ret_len = wr.len;
	return wr.failed ? DK_ERR_HEADER_TOO_LARGE : DK_OK;
}

static dk_err
key_wrap(const struct dk_key *dk, const struct dk_wrap_context *context,
    const struct dk_secret32 *share, uint8_t *body, size_t *ret_len)
{
	struct provider_key *key = dk->impl;

	if (key->version_count == 0)
		return wrap_kms(key, context, share, body, ret_len);
	return dk_stanza_wrap(
	    key->version[0].pkey, context->side, context->core_digest, share, body, ret_len);
}

/* ---- unwrap ---- */

static dk_err
unwrap_kms(struct provider_key *key, const uint8_t *core_digest, const uint8_t *body, size_t len,
    struct dk_secret32 *ret_share)
{
	struct provider_blob blob = { .len = 0 };
	struct dk_reader_buf rd;
	const uint8_t *p;
	size_t n;

	dk_rd_init(&rd, body, len);
	n = dk_rd_u16(&rd);
	p = dk_rd_bytes(&rd, n);
	/* The key id is that of our name already; what stands here must be it. */
	if (!p || n != strlen(key->name) || memcmp(p, key->name, n) != 0)
		return DK_ERR_STANZA_AUTH;
	n = dk_rd_u8(&rd);
	p = dk_rd_bytes(&rd, n);
	if (!p || n >= sizeof(blob.version))
		return DK_ERR_STANZA_AUTH;
	memcpy(blob.version, p, n);
	blob.len = dk_rd_left(&rd);
	p = dk_rd_bytes(&rd, blob.len);
	if (!p || blob.len < 1 || blob.len > sizeof(blob.bytes))
		return DK_ERR_STANZA_AUTH;
	memcpy(blob.bytes, p, blob.len);
	return key->system->unwrap(key, core_digest, &blob, ret_share);
}

static dk_err
unwrap_public(struct provider_key *key, dk_side side, const uint8_t *core_digest,
    const struct dk_stanza *stanza, const uint8_t *block, struct dk_secret32 *ret_share)
{
	const struct provider_version *version = provider_version(key, block + stanza->key_id);
	struct provider_secret secret = { .ecdh = { .len = 0 } };
	const uint8_t *body = block + stanza->body;
	size_t enc_len;
	dk_err err;

	if (!version ||
	    !dk_stanza_fits(
		version->pkey, stanza->type, block + stanza->key_id, stanza->body_len, &enc_len))
		return DK_ERR_STANZA_AUTH;
	err = key->system->private_op(key, version->pkey, body, enc_len, &secret);
	if (err == DK_OK && stanza->type == DK_STANZA_RSA_OAEP && secret.raw_len == 0)
		err = dk_stanza_unwrap_seed(version->pkey, side, core_digest, body,
		    stanza->body_len, &secret.seed, ret_share);
	else if (err == DK_OK && stanza->type == DK_STANZA_RSA_OAEP)
		err = dk_stanza_unwrap_raw(version->pkey, side, core_digest, body, stanza->body_len,
		    secret.raw, secret.raw_len, ret_share);
	else if (err == DK_OK)
		err = dk_stanza_unwrap_raw(version->pkey, side, core_digest, body, stanza->body_len,
		    secret.ecdh.bytes, secret.ecdh.len, ret_share);
	dk_wipe(&secret, sizeof(secret));
	return err;
}

static dk_err
unwrap_one(struct provider_key *key, const struct dk_unwrap *request)
{
	const struct dk_part core = { request->block, request->header->core_len };
	const struct dk_set *set = &request->header->set[request->side - 1];
	const struct dk_stanza *stanza = &set->stanza[request->stanza];
	uint8_t core_digest[DK_SHA384_BYTES];
	dk_err err;

	if (request->stanza >= set->stanza_count)
		return DK_ERR_ARGUMENT;
	err = dk_sha384(&core, 1, core_digest);
	if (err != DK_OK)
		return err;
	if (stanza->type == DK_STANZA_KMS)
		return key->version_count > 0
		    ? DK_ERR_STANZA_AUTH
		    : unwrap_kms(key, core_digest, request->block + stanza->body, stanza->body_len,
			  request->share);
	return unwrap_public(
	    key, request->side, core_digest, stanza, request->block, request->share);
}

struct batch {
	struct provider_key *key;
	struct dk_unwrap *requests;
	size_t n;
	atomic_size_t next;
};

static void *
work(void *ctx)
{
	struct batch *batch = ctx;
	size_t i;

	while ((i = atomic_fetch_add(&batch->next, 1)) < batch->n)
		batch->requests[i].err = unwrap_one(batch->key, &batch->requests[i]);
	return NULL;
}

/* The waiting is in parallel; how many requests are under way is for net.c to say. */
static dk_err
key_unwrap(const struct dk_key *dk, struct dk_unwrap *requests, size_t n)
{
	struct batch batch = { .key = dk->impl, .requests = requests, .n = n };
	pthread_t thread[128];
	size_t most = batch.key->conf.parallel, started = 0;

	if (most > sizeof(thread) / sizeof(thread[0]))
		most = sizeof(thread) / sizeof(thread[0]);
	while (started + 1 < most && started + 1 < n &&
	    pthread_create(&thread[started], NULL, work, &batch) == 0)
		started++;
	(void)work(&batch);
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(thread[i], NULL);
	return DK_OK;
}

static bool
key_opens(const struct dk_key *dk, const uint8_t id[DK_KEY_ID_BYTES],
    const uint8_t custodian[DK_CUSTODIAN_BYTES])
{
	(void)custodian;
	return provider_version(dk->impl, id) != NULL;
}

/* ---- life ---- */

static void
free_provider_key(struct provider_key *key)
{
	if (!key)
		return;
	if (key->system && key->system->close)
		key->system->close(key);
	for (size_t i = 0; i < key->version_count; i++)
		dk_pkey_free(key->version[i].pkey);
	turn_close(key->net);
	free(key);
}

static void
key_free(struct dk_key *dk)
{
	free_provider_key(dk->impl);
	free(dk);
}

static const struct dk_key_ops ops = {
	.wrap = key_wrap,
	.unwrap = key_unwrap,
	.many = true,
	.opens = key_opens,
	.free = key_free,
};

static const struct provider_system *
system_of(const char *ref)
{
	static const struct provider_system *const systems[] = { &provider_awskms,
		&provider_azurekv, &provider_gcpkms, &provider_pkcs11, &provider_vault };
	char scheme[DK_KEY_SCHEME_BYTES];

	if (!dk_key_ref_scheme(ref, scheme))
		return NULL;
	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++)
		if (strcmp(systems[i]->scheme, scheme) == 0)
			return systems[i];
	return NULL;
}

static dk_err
open_system(struct provider_key *key, const char *ref, const struct dk_key_options *options)
{
	dk_err err;

	key->system = system_of(ref);
	if (!key->system)
		return DK_ERR_KEY_SCHEME;
	if (!is_plain(ref, PROVIDER_REF_MAX_BYTES))
		return DK_ERR_PROVIDER_REFERENCE;
	(void)snprintf(key->ref, sizeof(key->ref), "%s", ref);
	key->public_only = options && options->public_only;
	key->note = options ? options->note : NULL;
	key->note_ctx = options ? options->note_ctx : NULL;
	err = provider_conf_read(key->system->scheme, &key->conf);
	if (err != DK_OK)
		return err;
	err = turn_open(key->system->scheme, &key->conf, &key->net);
	if (err != DK_OK)
		return err;
	return key->system->open(key, strchr(ref, ':') + 1);
}

/* "kms" or the type of the public half, and the key id. */
static dk_err
fill_identity(struct dk_key *dk, const struct provider_key *key)
{
	const struct dk_part name = { key->name, strlen(key->name) };
	uint8_t digest[32], info[DK_INFO_MAX_BYTES];
	const struct dk_part hashed = { digest, sizeof(digest) };
	struct dk_part whole = { info, 0 };
	dk_err err;

	if (key->version_count > 0) {
		dk->stanza_type = dk_stanza_type_of(key->version[0].pkey);
		memcpy(dk->id, dk_pkey_id(key->version[0].pkey), DK_KEY_ID_BYTES);
		return dk_key_name_type(dk, key->version[0].pkey);
	}
	if (name.len == 0)
		return DK_ERR_PROVIDER_REFERENCE;
	if (!is_plain(key->name, DK_KMS_NAME_MAX_BYTES))
		return DK_ERR_PROVIDER_ANSWER;
	dk->stanza_type = DK_STANZA_KMS;
	(void)snprintf(dk->type_name, sizeof(dk->type_name), "kms");
	err = dk_sha256(&name, 1, digest);
	if (err == DK_OK)
		err = dk_info("kms-key", &hashed, 1, info, &whole.len);
	return err == DK_OK ? dk_sha256(&whole, 1, dk->id) : err;
}

static dk_err
fill(struct dk_key *dk, struct provider_key *key, dk_side side)
{
	dk_err err;

	dk->ops = &ops;
	dk->side = side;
	dk->has_private = true;
	dk->impl = key;
	err = fill_identity(dk, key);
	if (err != DK_OK)
		return err;
	dk_hex(dk->id, DK_KEY_ID_BYTES, dk->id_hex);
	if (!dk_custodian_from_string(key->custodian, dk->custodian))
		return DK_ERR_PROVIDER_REFERENCE;
	memcpy(dk->custodian_text, dk->custodian, DK_CUSTODIAN_BYTES);
	return DK_OK;
}

static const uint8_t *
provider_public_half(const struct dk_key *dk, size_t *ret_len)
{
	const struct provider_key *key = dk->impl;

	return key->version_count > 0 ? dk_pkey_spki(key->version[0].pkey, ret_len) : NULL;
}

static dk_err
provider_key_open(
    const char *ref, dk_side side, const struct dk_key_options *options, struct dk_key **ret)
{
	struct provider_key *key = calloc(1, sizeof(*key));
	struct dk_key *dk = calloc(1, sizeof(*dk));
	dk_err err = key && dk ? DK_OK : DK_ERR_NOMEM;

	if (err == DK_OK)
		err = open_system(key, ref, options);
	if (err == DK_OK)
		err = fill(dk, key, side);
	if (err == DK_OK) {
		*ret = dk;
		return DK_OK;
	}
	free_provider_key(key);
	free(dk);
	return err;
}

__attribute__((visibility("default"))) extern const struct provider_module dk_provider_module;
const struct provider_module dk_provider_module = {
	.abi = PROVIDER_ABI,
	.key_open = provider_key_open,
	.public_half = provider_public_half,
	.bucket_open = s3_open,
	.bucket_close = s3_close,
	.bucket_root = s3_root,
	.bucket_list = s3_list,
	.bucket_read = s3_read,
};
