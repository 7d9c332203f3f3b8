/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions that an enrolled device opens for its user (spec/profiles/ms-dke-pages.md section
 * 5.1): bodies of POST /v1/presence. Who asks is in the signature around them (request.h).
 */
#ifndef DK_NATIVE_PRESENCE_H
#define DK_NATIVE_PRESENCE_H

#include "log/record.h"

#define DK_PRESENCE_PATH "/v1/presence"
#define DK_PRESENCE_BYTES (4 + 1 + 16)
#define DK_PRESENCE_ANSWER_MAX_BYTES (4 + 8 + 8 + 16 + 1 + DK_LOG_PERSON_MAX_BYTES)

enum dk_presence {
	DK_PRESENCE_OPEN = 1,
	DK_PRESENCE_CLOSE = 2,
	DK_PRESENCE_STATUS = 3,
};
struct dk_presence_request {
	enum dk_presence what;
	uint8_t address[16]; /* as the answer to DK_PRESENCE_STATUS has it; of that: zeros */
};
void dk_presence_write(
    const struct dk_presence_request *request, uint8_t ret_body[DK_PRESENCE_BYTES]);
/* DK_ERR_SERVICE_MALFORMED_REQUEST. */
DK_MUST_USE dk_err dk_presence_parse(
    const uint8_t *body, size_t len, struct dk_presence_request *ret_request);

struct dk_presence_answer {
	uint64_t index;      /* of its record; 0: there is none */
	uint64_t until;      /* seconds since 1970; 0: no session */
	uint8_t address[16]; /* as in records */
	char person[DK_LOG_PERSON_MAX_BYTES + 1];
};
/* ret_bytes has DK_PRESENCE_ANSWER_MAX_BYTES; returns the length. */
size_t dk_presence_answer_write(const struct dk_presence_answer *answer, uint8_t *ret_bytes);
/* DK_ERR_SERVICE_REPLY. */
DK_MUST_USE dk_err dk_presence_answer_parse(
    const uint8_t *bytes, size_t len, struct dk_presence_answer *ret_answer);

#endif
