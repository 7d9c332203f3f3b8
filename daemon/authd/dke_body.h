/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an unwrapping, spec/profiles/ms-dke.md section 3.2 step 2. */
#ifndef DK_AUTHD_DKE_BODY_H
#define DK_AUTHD_DKE_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DKE_BODY_DEPTH_MAX 4
#define DKE_VALUE_MAX_BYTES 1024

/* False: malformed-request. */
bool dke_body_parse(
    const uint8_t *body, size_t len, uint8_t ret_value[DKE_VALUE_MAX_BYTES], size_t *ret_len);

#endif
