/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One token behind one PKCS #11 module: three operations, each by any thread, and what can go
 * wrong with an HSM.
 */
#ifndef DK_TOKEND_TOKEN_H
#define DK_TOKEND_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tokend/session.h"

#define TOKEN_OUT_MAX_BYTES 1200

/* Types of stanzas, and those of TOKEN_MAKE for keys of spec/profiles/ms-dke.md. */
#define TOKEN_DKE_2048 0x8001u
#define TOKEN_DKE_3072 0x8002u
#define TOKEN_DKE_4096 0x8003u
bool token_type_known(unsigned type);

/* Codes of spec/key-service.md section 8. uri may be empty; else it must name
 * this token. *ret_len: length of the SubjectPublicKeyInfo at out. */
unsigned token_make(unsigned type, const uint8_t id[TOKEN_ID_BYTES], const char *uri,
    uint8_t out[TOKEN_OUT_MAX_BYTES], size_t *ret_len);
/* EC: the x coordinate of the product with a point; RSA: the raw power. */
unsigned token_use(unsigned type, const uint8_t id[TOKEN_ID_BYTES], const uint8_t *in, size_t len,
    uint8_t out[TOKEN_OUT_MAX_BYTES], size_t *ret_len);
unsigned token_destroy(const uint8_t id[TOKEN_ID_BYTES]);

#endif
