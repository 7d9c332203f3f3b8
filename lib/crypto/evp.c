/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/evp.h"

#include <stdatomic.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>

/*
 * Each slot is filled by whoever comes first; who loses the race frees its own.
 * Unlike a once-initialiser this can be tried again after a failure.
 */
static _Atomic(EVP_MD *) md_slot[2];
static _Atomic(EVP_CIPHER *) gcm_slot;
static _Atomic(EVP_MAC_CTX *) hmac_slot[2];
static _Atomic(EVP_PKEY *) curve_slot[2];

/* Things that take long to make and serve one user at a time; none of them is a secret. */
#define SPARES 64 /* as many as requests under way have, about */
struct spare {
	_Atomic(void *) slot[SPARES];
};
static struct spare public_spare[2];
static struct spare keygen_spare[2];

/* NULL: there is none. */
static void *
spare_take(struct spare *spare)
{
	for (unsigned i = 0; i < SPARES; i++) {
		void *found = atomic_load(&spare->slot[i]);

		if (found != NULL && (found = atomic_exchange(&spare->slot[i], NULL)) != NULL)
			return found;
	}
	return NULL;
}

/* False: there are enough. */
static bool
spare_put(struct spare *spare, void *thing)
{
	for (unsigned i = 0; i < SPARES; i++) {
		void *none = NULL;

		if (atomic_load(&spare->slot[i]) == NULL &&
		    atomic_compare_exchange_strong(&spare->slot[i], &none, thing))
			return true;
	}
	return false;
}

bool
dk_evp_ready(void)
{
	return OSSL_LIB_CTX_get0_global_default() != NULL;
}

EVP_MD *
dk_evp_md(enum dk_hash hash)
{
	_Atomic(EVP_MD *) *slot = &md_slot[hash == DK_SHA384];
	EVP_MD *found = atomic_load(slot);
	EVP_MD *made;

	if (found != NULL || !dk_evp_ready())
		return found;
	made = EVP_MD_fetch(NULL, hash == DK_SHA384 ? "SHA384" : "SHA256", NULL);
	if (made == NULL || atomic_compare_exchange_strong(slot, &found, made))
		return made;
	EVP_MD_free(made);
	return found;
}

EVP_CIPHER *
dk_evp_gcm(void)
{
	EVP_CIPHER *found = atomic_load(&gcm_slot);
	EVP_CIPHER *made;

	if (found != NULL || !dk_evp_ready())
		return found;
	made = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	if (made == NULL || atomic_compare_exchange_strong(&gcm_slot, &found, made))
		return made;
	EVP_CIPHER_free(made);
	return found;
}

static EVP_MAC_CTX *
hmac_new(enum dk_hash hash)
{
	char sha256[] = "SHA256";
	char sha384[] = "SHA384";
	OSSL_PARAM params[2];
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;

	EVP_MAC_free(mac);
	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_MAC_PARAM_DIGEST, hash == DK_SHA384 ? sha384 : sha256, 0);
	params[1] = OSSL_PARAM_construct_end();
	if (ctx != NULL && EVP_MAC_CTX_set_params(ctx, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

const EVP_MAC_CTX *
dk_evp_hmac(enum dk_hash hash)
{
	_Atomic(EVP_MAC_CTX *) *slot = &hmac_slot[hash == DK_SHA384];
	EVP_MAC_CTX *found = atomic_load(slot);
	EVP_MAC_CTX *made;

	if (found != NULL || !dk_evp_ready())
		return found;
	made = hmac_new(hash);
	if (made == NULL || atomic_compare_exchange_strong(slot, &found, made))
		return made;
	EVP_MAC_CTX_free(made);
	return found;
}

static EVP_PKEY *
curve_new(enum dk_key_type type)
{
	char p256[] = "P-256";
	char p384[] = "P-384";
	OSSL_PARAM params[2];
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *curve = NULL;

	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_PKEY_PARAM_GROUP_NAME, type == DK_KEY_P384 ? p384 : p256, 0);
	params[1] = OSSL_PARAM_construct_end();
	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &curve, EVP_PKEY_KEY_PARAMETERS, params);
	EVP_PKEY_CTX_free(ctx);
	return curve;
}

EVP_PKEY *
dk_evp_curve(enum dk_key_type type)
{
	_Atomic(EVP_PKEY *) *slot = &curve_slot[type == DK_KEY_P384];
	EVP_PKEY *found = atomic_load(slot);
	EVP_PKEY *made;

	if (found != NULL || !dk_evp_ready())
		return found;
	made = curve_new(type);
	if (made == NULL || atomic_compare_exchange_strong(slot, &found, made))
		return made;
	EVP_PKEY_free(made);
	return found;
}

EVP_PKEY *
dk_evp_public_take(enum dk_key_type type)
{
	EVP_PKEY *key = spare_take(&public_spare[type == DK_KEY_P384]);
	EVP_PKEY *curve;

	if (key != NULL)
		return key;
	curve = dk_evp_curve(type);
	return curve != NULL ? EVP_PKEY_dup(curve) : NULL;
}

void
dk_evp_public_give(enum dk_key_type type, EVP_PKEY *key)
{
	if (key != NULL && !spare_put(&public_spare[type == DK_KEY_P384], key))
		EVP_PKEY_free(key);
}

EVP_PKEY_CTX *
dk_evp_keygen_take(enum dk_key_type type)
{
	EVP_PKEY_CTX *ctx = spare_take(&keygen_spare[type == DK_KEY_P384]);
	EVP_PKEY *curve;

	if (ctx != NULL)
		return ctx;
	curve = dk_evp_curve(type);
	ctx = curve != NULL ? EVP_PKEY_CTX_new_from_pkey(NULL, curve, NULL) : NULL;
	if (ctx != NULL && EVP_PKEY_keygen_init(ctx) != 1) {
		EVP_PKEY_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

void
dk_evp_keygen_give(enum dk_key_type type, EVP_PKEY_CTX *ctx)
{
	if (!spare_put(&keygen_spare[type == DK_KEY_P384], ctx))
		EVP_PKEY_CTX_free(ctx);
}

static int
use_init(EVP_PKEY_CTX *ctx, enum dk_evp_use use)
{
	if (use == DK_EVP_SIGN)
		return EVP_PKEY_sign_init(ctx);
	return use == DK_EVP_VERIFY ? EVP_PKEY_verify_init(ctx) : EVP_PKEY_derive_init(ctx);
}

/* Every key is made with calloc(); that it is constant is for what can be seen of it. */
static _Atomic(EVP_PKEY_CTX *) *
idle_of(const struct dk_pkey *key, enum dk_evp_use use)
{
	return &((struct dk_pkey *)key)->idle[use];
}

EVP_PKEY_CTX *
dk_evp_use_take(const struct dk_pkey *key, enum dk_evp_use use)
{
	EVP_PKEY_CTX *ctx = atomic_exchange(idle_of(key, use), NULL);

	if (ctx != NULL)
		return ctx;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->evp, NULL);
	if (ctx != NULL && use_init(ctx, use) != 1) {
		EVP_PKEY_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

void
dk_evp_use_give(const struct dk_pkey *key, enum dk_evp_use use, EVP_PKEY_CTX *ctx)
{
	EVP_PKEY_CTX *none = NULL;

	if (!atomic_compare_exchange_strong(idle_of(key, use), &none, ctx))
		EVP_PKEY_CTX_free(ctx);
}

dk_err
dk_evp_error(void)
{
	bool memory = false;
	unsigned long e;

	while ((e = ERR_get_error()) != 0)
		memory = memory || ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE;
	return memory ? DK_ERR_NOMEM : DK_ERR_CRYPTO;
}
