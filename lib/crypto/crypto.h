/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the project needs of cryptography, composed from OpenSSL's EVP; one
 * header a noun. This is the only folder that includes OpenSSL's headers;
 * callers see byte arrays and struct dk_pkey.
 *
 * All functions are safe from several threads on different objects; a struct
 * dk_pkey is immutable after it is made and may be shared. Outputs are
 * untouched on error unless said otherwise. DK_ERR_CRYPTO means that libcrypto
 * failed for a reason other than the input, DK_ERR_NOMEM that it was out of
 * memory. No function leaves anything in OpenSSL's error queue.
 */
#ifndef DK_CRYPTO_H
#define DK_CRYPTO_H

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/hpke.h"
#include "crypto/pkey.h"
#include "crypto/random.h"
#include "crypto/rsa.h"
#include "crypto/sign.h"

#endif
