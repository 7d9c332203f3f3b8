/* SPDX-License-Identifier: Apache-2.0 */
/* Keys whose private part, if there is one, is in this process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/header.h"
#include "format/key_file.h"
#include "format/key_impl.h"
#include "format/stanza.h"

static dk_err
local_wrap(const struct dk_key *key, const struct dk_wrap_context *context,
    const struct dk_secret32 *share, uint8_t *body, size_t *ret_len)
{
	return dk_stanza_wrap(key->impl, context->side, context->core_digest, share, body, ret_len);
}

static dk_err
unwrap_one(const struct dk_key *key, const struct dk_unwrap *request)
{
	const struct dk_header *header = request->header;
	const uint8_t *block = request->block;
	const struct dk_part core = { block, header->core_len };
	uint8_t core_digest[DK_SHA384_BYTES];
	const struct dk_set *set;
	const struct dk_stanza *stanza;
	dk_err err;

	if (request->side != DK_SIDE_CUSTOMER && request->side != DK_SIDE_PROVIDER)
		return DK_ERR_ARGUMENT;
	set = &header->set[request->side - 1];
	if (request->stanza >= set->stanza_count)
		return DK_ERR_ARGUMENT;
	stanza = &set->stanza[request->stanza];
	err = dk_sha384(&core, 1, core_digest);
	if (err != DK_OK)
		return err;
	return dk_stanza_unwrap(key->impl, request->side, core_digest, stanza->type,
	    block + stanza->key_id, block + stanza->body, stanza->body_len, request->share);
}

static dk_err
local_unwrap(const struct dk_key *key, struct dk_unwrap *requests, size_t n)
{
	for (size_t i = 0; i < n; i++)
		requests[i].err = unwrap_one(key, &requests[i]);
	return DK_OK;
}

static dk_err
local_sign(const struct dk_key *key, const struct dk_part *parts, size_t n,
    uint8_t ret_sig[DK_SIGNATURE_BYTES])
{
	if (!key->has_private)
		return DK_ERR_KEY_NEED_PRIVATE;
	return dk_ecdsa_sign(key->impl, parts, n, ret_sig);
}

static dk_err
local_verify(const struct dk_key *key, const struct dk_part *parts, size_t n,
    const uint8_t sig[DK_SIGNATURE_BYTES])
{
	return dk_ecdsa_verify(key->impl, parts, n, sig);
}

static void
local_free(struct dk_key *key)
{
	dk_pkey_free(key->impl);
	free(key);
}

static const struct dk_key_ops side_ops = {
	.wrap = local_wrap,
	.unwrap = local_unwrap,
	.free = local_free,
};

static const struct dk_key_ops creator_ops = {
	.sign = local_sign,
	.verify = local_verify,
	.free = local_free,
};

/* It opens exports (log/export.h), and no share. */
static const struct dk_key_ops auditor_ops = {
	.free = local_free,
};

dk_err
dk_key_name_type(struct dk_key *key, const struct dk_pkey *pkey)
{
	static const char *const names[] = { [DK_KEY_P256] = "p256", [DK_KEY_P384] = "p384" };
	enum dk_key_type type = dk_pkey_type(pkey);
	int n;

	if (type == DK_KEY_RSA)
		n = snprintf(
		    key->type_name, sizeof(key->type_name), "rsa%u", 8 * dk_pkey_rsa_bytes(pkey));
	else if (type == DK_KEY_P256 || type == DK_KEY_P384)
		n = snprintf(key->type_name, sizeof(key->type_name), "%s", names[type]);
	else
		return DK_ERR_KEY_TYPE;
	return n > 0 && (size_t)n < sizeof(key->type_name) ? DK_OK : DK_ERR_KEY_TYPE;
}

dk_err
dk_key_local_new(dk_side side, const uint8_t custodian[DK_CUSTODIAN_BYTES], uint64_t created,
    struct dk_pkey *pkey, struct dk_key **ret)
{
	struct dk_key *key;
	dk_err err;

	if (!dk_key_type_for(dk_pkey_type(pkey), side))
		return DK_ERR_KEY_TYPE;
	key = calloc(1, sizeof(*key));
	if (!key)
		return DK_ERR_NOMEM;
	err = dk_key_name_type(key, pkey);
	if (err != DK_OK) {
		free(key);
		return err;
	}
	key->ops = side == DK_SIDE_CREATOR ? &creator_ops
	    : side == DK_SIDE_AUDITOR      ? &auditor_ops
					   : &side_ops;
	key->side = side;
	key->stanza_type = dk_stanza_type_of(pkey);
	memcpy(key->id, dk_pkey_id(pkey), DK_KEY_ID_BYTES);
	dk_hex(key->id, DK_KEY_ID_BYTES, key->id_hex);
	memcpy(key->custodian, custodian, DK_CUSTODIAN_BYTES);
	memcpy(key->custodian_text, custodian, DK_CUSTODIAN_BYTES); /* one longer, and zero */
	key->created = created;
	key->has_private = dk_pkey_has_private(pkey);
	key->impl = pkey;
	*ret = key;
	return DK_OK;
}

const struct dk_pkey *
dk_key_local_pkey(const struct dk_key *key)
{
	return key->ops->free == local_free ? key->impl : NULL;
}
