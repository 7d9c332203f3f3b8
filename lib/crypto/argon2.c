/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/argon2.h"

#include <dlfcn.h>
#include <string.h>

#include <argon2.h>

#define LIBRARY "libargon2.so.1"

bool
dk_argon2_valid(const struct dk_argon2 *params)
{
	return params->passes >= 1 && params->passes <= DK_ARGON2_PASSES_MAX &&
	    params->lanes >= 1 && params->lanes <= DK_ARGON2_LANES_MAX &&
	    params->memory_kib >= DK_ARGON2_LANE_MIN_KIB * params->lanes &&
	    params->memory_kib <= DK_ARGON2_MEMORY_MAX_KIB;
}

static dk_err
err_of(int result)
{
	switch (result) {
	case ARGON2_OK:
		return DK_OK;
	case ARGON2_MEMORY_ALLOCATION_ERROR:
		return DK_ERR_NOMEM;
	default:
		return DK_ERR_CRYPTO;
	}
}

/*
 * Lanes decide the result, threads only the time. One thread for all lanes: when
 * libargon2 cannot start one of several, it returns while the others still write
 * to the memory and read the context, and cannot be asked to wait for them.
 */
static dk_err
run(__typeof__(argon2id_ctx) *hash, const struct dk_argon2 *params, const uint8_t *passphrase,
    size_t len, struct dk_secret32 *ret_key)
{
	struct dk_argon2 copy = *params;
	dk_auto_secret32 key = { { 0 } };
	/* libargon2 wants pointers to non-const; without ARGON2_FLAG_CLEAR_* it
	 * writes to neither passphrase nor salt. */
	argon2_context context = {
		.out = key.bytes,
		.outlen = sizeof(key.bytes),
		.pwd = (uint8_t *)(uintptr_t)passphrase,
		.pwdlen = (uint32_t)len,
		.salt = copy.salt,
		.saltlen = sizeof(copy.salt),
		.t_cost = params->passes,
		.m_cost = params->memory_kib,
		.lanes = params->lanes,
		.threads = 1,
		.version = ARGON2_VERSION_13,
		.flags = ARGON2_DEFAULT_FLAGS,
	};
	int result = hash(&context);

	if (result == ARGON2_OK)
		*ret_key = key;
	return err_of(result);
}

dk_err
dk_argon2id(const struct dk_argon2 *params, const uint8_t *passphrase, size_t len,
    struct dk_secret32 *ret_key)
{
	__typeof__(argon2id_ctx) *hash;
	void *library;
	void *symbol;
	dk_err err;

	if (!dk_argon2_valid(params) || len > UINT32_MAX)
		return DK_ERR_ARGUMENT;
	library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return DK_ERR_LIBRARY;
	symbol = dlsym(library, "argon2id_ctx");
	if (!symbol) {
		(void)dlclose(library);
		return DK_ERR_LIBRARY;
	}
	memcpy(&hash, &symbol, sizeof(hash));
	err = run(hash, params, passphrase, len, ret_key);
	(void)dlclose(library);
	return err;
}
