/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the provider module at its first use. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/module.h"
#include "provider/provider.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const struct provider_module *module;

static void
load(void)
{
	const struct provider_module *found =
	    dk_module_symbol("libdoublekey-provider.so", PROVIDER_SYMBOL);

	if (found && found->abi == PROVIDER_ABI)
		module = found;
}

/* What only wraps to a public half needs its system no more: *key becomes one as from a
 * file. It is made here, since a module has a library of its own in it. */
static dk_err
keep_public(struct dk_key **key)
{
	struct dk_key *old = *key;
	struct dk_pkey *pkey = NULL;
	size_t len;
	const uint8_t *spki = module->public_half(old, &len);
	dk_err err;

	if (!spki)
		return DK_OK;
	err = dk_pkey_from_spki(spki, len, &pkey);
	if (err == DK_OK)
		err = dk_key_local_new(old->side, old->custodian, (uint64_t)time(NULL), pkey, key);
	if (err != DK_OK)
		dk_pkey_free(pkey);
	else
		dk_key_free(old);
	return err;
}

dk_err
dk_key_provider_open(
    const char *ref, dk_side side, const struct dk_key_options *options, struct dk_key **ret)
{
	static const char *const schemes[] = { "awskms", "azurekv", "gcpkms", "pkcs11", "vault" };
	char scheme[DK_KEY_SCHEME_BYTES];
	struct dk_key *key = NULL;
	bool known = false;
	dk_err err;

	/* No system signs for creators. */
	if (!dk_key_ref_scheme(ref, scheme) || side == DK_SIDE_CREATOR)
		return DK_ERR_KEY_SCHEME;
	/* A misspelt scheme is told as such, also where the module is missing. */
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		known = known || strcmp(scheme, schemes[i]) == 0;
	if (!known)
		return DK_ERR_KEY_SCHEME;
	if (pthread_once(&once, load) != 0 || !module)
		return DK_ERR_LIBRARY;
	err = module->key_open(ref, side, options, &key);
	if (err == DK_OK && options && options->public_only) {
		err = keep_public(&key);
		if (err != DK_OK)
			dk_key_free(key);
	}
	if (err == DK_OK)
		*ret = key;
	return err;
}

dk_err
dk_bucket_open(const char *url, dk_note_fn note, void *ctx, struct dk_bucket **ret)
{
	if (pthread_once(&once, load) != 0 || !module)
		return DK_ERR_LIBRARY;
	return module->bucket_open(url, note, ctx, ret);
}

void
dk_bucket_close(struct dk_bucket *bucket)
{
	if (bucket)
		module->bucket_close(bucket);
}

const char *
dk_bucket_root(const struct dk_bucket *bucket)
{
	return module->bucket_root(bucket);
}

dk_err
dk_bucket_list(struct dk_bucket *bucket, const struct dk_bucket_page **ret)
{
	return module->bucket_list(bucket, ret);
}

dk_err
dk_bucket_read(struct dk_bucket *bucket, const char *name, size_t name_len, uint8_t *block,
    struct dk_bucket_head *ret)
{
	return module->bucket_read(bucket, name, name_len, block, ret);
}
