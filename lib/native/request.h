/* SPDX-License-Identifier: Apache-2.0 */
/* Signed requests, spec/key-service.md section 3. */
#ifndef DK_NATIVE_REQUEST_H
#define DK_NATIVE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/crypto.h"
#include "doublekey/error.h"

#define DK_URL_MAX_BYTES 255
#define DK_NONCE_BYTES 16
#define DK_TOKEN_MAX_BYTES 8192
#define DK_REQUEST_AGE_MAX_S 300
#define DK_REQUEST_AHEAD_MAX_S 60
#define DK_SIGNATURE_BASE_MAX_BYTES 1024
#define DK_SIGNATURE_INPUT_MAX_BYTES 256

struct dk_request_signature {
	uint64_t created;
	uint8_t nonce[DK_NONCE_BYTES];
	uint8_t key_id[32];
	bool has_token; /* section 3.1 */
	uint8_t token_digest[32];
	uint8_t signature[DK_SIGNATURE_BYTES];
};

/* The text behind "dk=" in Signature-Input; returns false if it does not fit. */
DK_MUST_USE bool dk_signature_params(const struct dk_request_signature *sig,
    char ret_text[DK_SIGNATURE_INPUT_MAX_BYTES]);
/* The whole header in its one form; false for any other. Fills all but
 * signature and token_digest. */
DK_MUST_USE bool dk_signature_input_parse(const char *header, struct dk_request_signature *sig);

/* ret_base is NUL-terminated. */
DK_MUST_USE dk_err dk_signature_base(const struct dk_request_signature *sig, const char *base_url,
    const char *path, const uint8_t body_sha256[32], char ret_base[DK_SIGNATURE_BASE_MAX_BYTES],
    size_t *ret_len);
DK_MUST_USE dk_err dk_request_digest(const char *base, size_t len, uint8_t ret_digest[32]);

/* "https://HOST:PORT" in lower case, a port from 1 to 65535, nothing behind it. */
bool dk_base_url_valid(const char *url);
bool dk_service_key_name_valid(const char *name, size_t len);
bool dk_user_name_valid(const char *name, size_t len);

#endif
