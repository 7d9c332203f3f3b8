/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 of RFC 4648 section 4, one encoding for one content. */
#ifndef DK_CRYPTO_BASE64_H
#define DK_CRYPTO_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "doublekey/error.h"

#define DK_BASE64_CHARS(len) (((len) + 2) / 3 * 4)

/* Room for DK_BASE64_CHARS(len) characters and a NUL; len at most 1 MiB. */
DK_MUST_USE dk_err dk_base64_encode(const uint8_t *data, size_t len, char *out, size_t cap);

/*
 * Decode exactly what dk_base64_encode() would write: no whitespace, padding
 * where it belongs, unused bits zero. DK_ERR_TEXT: anything else, and more than
 * cap bytes. out may be secret; what is used in between is wiped.
 */
DK_MUST_USE dk_err dk_base64_decode(const char *text, size_t len, uint8_t *out, size_t cap,
    size_t *ret_len);

/* The same two in the alphabet of RFC 4648 section 5, without padding. */
DK_MUST_USE dk_err dk_base64url_encode(const uint8_t *data, size_t len, char *out, size_t cap);
DK_MUST_USE dk_err dk_base64url_decode(const char *text, size_t len, uint8_t *out, size_t cap,
    size_t *ret_len);

#endif
