/* SPDX-License-Identifier: Apache-2.0 */
/* The strict ground under tokens and key sets, spec/policy.md section 6.3: what
 * libraries of JSON and JOSE would let pass is refused before they see it. */
#ifndef DK_AUTHD_JOSE_H
#define DK_AUTHD_JOSE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOSE_DEPTH_MAX 8

/* base64url without padding, in its one encoding; false for anything else, and
 * for more than cap bytes. */
bool jose_decode(const char *text, size_t len, uint8_t *out, size_t cap, size_t *ret_len);

/* A JSON object, not too deep, each member once, nothing behind it. NULL: none. */
json_t *jose_object(const uint8_t *text, size_t len);
json_t *jose_object_within(const uint8_t *text, size_t len, unsigned depth);

/* A text member of min to max bytes that dk_text_valid() accepts, or NULL. */
const char *jose_text(const json_t *object, const char *name, size_t min, size_t max);

#endif
