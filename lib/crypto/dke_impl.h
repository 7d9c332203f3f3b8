/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by dke.c and dke_import.c. */
#ifndef DK_CRYPTO_DKE_IMPL_H
#define DK_CRYPTO_DKE_IMPL_H

#include <openssl/evp.h>

#include "crypto/dke.h"

/* The key pair, tried once. Takes evp, also on error. */
DK_MUST_USE dk_err dk_dke_take(EVP_PKEY *evp, struct dk_dke_key **ret);

#endif
