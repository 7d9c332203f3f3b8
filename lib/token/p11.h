/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two operations of a private key in a PKCS #11 token that stanzas need. For the
 * processes that load a module: doublekeyd-tokend and doublekey-token.
 */
#ifndef DK_TOKEN_P11_H
#define DK_TOKEN_P11_H

#include <p11-kit/pkcs11.h>
#include <stddef.h>
#include <stdint.h>

#define DK_P11_OUT_MAX_BYTES 1200

/* The x coordinate of the product of the key and a point (CKM_ECDH1_DERIVE without KDF).
 * len: of the point, uncompressed; *ret_len: half of it. */
CK_RV dk_p11_derive(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
    const uint8_t *point, size_t len, uint8_t out[DK_P11_OUT_MAX_BYTES], size_t *ret_len);

/* The raw power (CKM_RSA_X_509); *ret_len is len. */
CK_RV dk_p11_power(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
    const uint8_t *in, size_t len, uint8_t out[DK_P11_OUT_MAX_BYTES], size_t *ret_len);

#endif
