/* SPDX-License-Identifier: Apache-2.0 */
#include "native/presence.h"

#include <string.h>

#include "base/bytes.h"

#define BODY "DKP1"
#define ANSWER "DKP2"
#define MAGIC_BYTES 4

void
dk_presence_write(const struct dk_presence_request *request, uint8_t ret_body[DK_PRESENCE_BYTES])
{
	memcpy(ret_body, BODY, MAGIC_BYTES);
	ret_body[MAGIC_BYTES] = (uint8_t)request->what;
	memcpy(ret_body + MAGIC_BYTES + 1, request->address, sizeof(request->address));
}

dk_err
dk_presence_parse(const uint8_t *body, size_t len, struct dk_presence_request *ret_request)
{
	static const uint8_t nowhere[sizeof(ret_request->address)];
	struct dk_presence_request r;

	if (len != DK_PRESENCE_BYTES || memcmp(body, BODY, MAGIC_BYTES) != 0)
		return DK_ERR_SERVICE_MALFORMED_REQUEST;
	r.what = body[MAGIC_BYTES];
	memcpy(r.address, body + MAGIC_BYTES + 1, sizeof(r.address));
	if (r.what < DK_PRESENCE_OPEN || r.what > DK_PRESENCE_STATUS ||
	    (r.what == DK_PRESENCE_STATUS) != (memcmp(r.address, nowhere, sizeof(nowhere)) == 0))
		return DK_ERR_SERVICE_MALFORMED_REQUEST;
	*ret_request = r;
	return DK_OK;
}

size_t
dk_presence_answer_write(const struct dk_presence_answer *answer, uint8_t *ret_bytes)
{
	struct dk_writer_buf wr;

	dk_wr_init(&wr, ret_bytes, DK_PRESENCE_ANSWER_MAX_BYTES);
	dk_wr_bytes(&wr, ANSWER, MAGIC_BYTES);
	dk_wr_u64(&wr, answer->index);
	dk_wr_u64(&wr, answer->until);
	dk_wr_bytes(&wr, answer->address, sizeof(answer->address));
	dk_wr_u8(&wr, (uint8_t)strlen(answer->person));
	dk_wr_bytes(&wr, answer->person, strlen(answer->person));
	return wr.len;
}

dk_err
dk_presence_answer_parse(const uint8_t *bytes, size_t len, struct dk_presence_answer *ret_answer)
{
	struct dk_presence_answer a;
	const uint8_t *magic, *address, *person;
	struct dk_reader_buf rd;
	size_t person_len;

	dk_rd_init(&rd, bytes, len);
	magic = dk_rd_bytes(&rd, MAGIC_BYTES);
	a.index = dk_rd_u64(&rd);
	a.until = dk_rd_u64(&rd);
	address = dk_rd_bytes(&rd, sizeof(a.address));
	person_len = dk_rd_u8(&rd);
	person = dk_rd_bytes(&rd, person_len);
	if (!magic || memcmp(magic, ANSWER, MAGIC_BYTES) != 0 || !address || !person ||
	    dk_rd_left(&rd) > 0 || !dk_log_person_valid(person, person_len))
		return DK_ERR_SERVICE_REPLY;
	memcpy(a.address, address, sizeof(a.address));
	memcpy(a.person, person, person_len);
	a.person[person_len] = '\0';
	*ret_answer = a;
	return DK_OK;
}
