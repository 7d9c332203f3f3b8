/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the provider module at its first use. */
#include <pthread.h>
#include <string.h>

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

dk_err
dk_key_provider_open(
    const char *ref, dk_side side, const struct dk_key_options *options, struct dk_key **ret)
{
	static const char *const schemes[] = { "awskms", "azurekv", "gcpkms", "pkcs11", "vault" };
	char scheme[DK_KEY_SCHEME_BYTES];
	bool known = false;

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
	return module->key_open(ref, side, options, ret);
}
