/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>

#include "doublekey/doublekey.h"

const char *
dk_crypto_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}
