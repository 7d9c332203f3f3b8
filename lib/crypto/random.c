/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/random.h"

#include <openssl/err.h>
#include <openssl/rand.h>

#include "base/secret.h"
#include "crypto/evp.h"

dk_err
dk_random(void *out, size_t len)
{
	if (dk_evp_ready() && RAND_priv_bytes_ex(NULL, out, len, 0) == 1)
		return DK_OK;
	ERR_clear_error();
	dk_wipe(out, len);
	return DK_ERR_RANDOM;
}
