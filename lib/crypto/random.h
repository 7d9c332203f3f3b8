/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DK_CRYPTO_RANDOM_H
#define DK_CRYPTO_RANDOM_H

#include <stddef.h>

#include "doublekey/error.h"

/*
 * len bytes of OpenSSL's generator for private values.
 *
 * Errors:  DK_ERR_RANDOM  no entropy, or the generator failed; out is all zero
 */
DK_MUST_USE dk_err dk_random(void *out, size_t len);

#endif
