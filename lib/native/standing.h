/* SPDX-License-Identifier: Apache-2.0 */
/* Approvals that stand, spec/key-service.md section 6.2 and spec/profiles/ms-dke.md section
 * 7.3. */
#ifndef DK_NATIVE_STANDING_H
#define DK_NATIVE_STANDING_H

#include "base/bytes.h"
#include "log/record.h"
#include "native/request.h"

#define DK_STANDING_PATH "/v1/approvals"
#define DK_STANDING_BODY_MAX_BYTES 4096
#define DK_STANDING_REASON_MAX_BYTES 200
#define DK_STANDING_NAME_MAX_BYTES 64 /* of a key and of a rule */
#define DK_STANDING_NEEDED_MAX 8
#define DK_STANDING_HOURS_MAX 8784
#define DK_STANDING_ASKED_MAX 1024
#define DK_STANDING_ANSWER_BYTES (4 + 8 + 8 + 1)
/* Of the answer to DKN1: its head, and each. */
#define DK_STANDING_LIST_HEAD_BYTES 6
#define DK_STANDING_ASKED_MAX_BYTES                                                                \
	(1 + 32 + 8 + 3 + 4 + 3 + DK_LOG_PERSON_MAX_BYTES + 2 * DK_STANDING_NAME_MAX_BYTES)

enum dk_scope { DK_SCOPE_DOCUMENT = 1, DK_SCOPE_KEY = 2, DK_SCOPE_EITHER = 3 };

/* An approval. */
struct dk_standing {
	enum dk_scope scope; /* document or key */
	uint8_t document[32];
	unsigned needed;
	uint32_t hours;
	char person[DK_LOG_PERSON_MAX_BYTES + 1];
	char key[DK_STANDING_NAME_MAX_BYTES + 1];
	char rule[DK_STANDING_NAME_MAX_BYTES + 1];
	char reason[DK_STANDING_REASON_MAX_BYTES + 1]; /* empty: none */
};

/* Whether the body asks what is asked for. */
bool dk_standing_is_list(const uint8_t *body, size_t len);
/* DK_ERR_SERVICE_MALFORMED_REQUEST: another layout. */
DK_MUST_USE dk_err dk_standing_parse(const uint8_t *body, size_t len, struct dk_standing *ret);
void dk_standing_write(struct dk_writer_buf *wr, const struct dk_standing *standing);
/* What approvals of one document or key for one person have alike. key: DKE name; document:
 * 32 bytes, not looked at for DK_SCOPE_KEY. */
DK_MUST_USE dk_err dk_standing_name(enum dk_scope scope, const uint8_t *document, const char *key,
    const char *person, uint8_t ret_name[32]);

/* What is asked for. */
struct dk_standing_asked {
	enum dk_scope scopes; /* that the rule takes */
	uint8_t document[32];
	uint64_t time; /* of the last request, seconds since 1970 */
	unsigned needed;
	unsigned standing; /* so many there are */
	bool mine;         /* one of them is of the user who asks */
	uint32_t hours;
	char person[DK_LOG_PERSON_MAX_BYTES + 1];
	char key[DK_STANDING_NAME_MAX_BYTES + 1];
	char rule[DK_STANDING_NAME_MAX_BYTES + 1];
};
void dk_standing_asked_write(struct dk_writer_buf *wr, const struct dk_standing_asked *asked);
/* The answer to DKN1. ret: room for DK_STANDING_ASKED_MAX. DK_ERR_SERVICE_REPLY. */
DK_MUST_USE dk_err dk_standing_list_parse(
    const uint8_t *bytes, size_t len, struct dk_standing_asked *ret, size_t *ret_n);

/* The answer to an approval. */
struct dk_standing_answer {
	uint64_t index; /* of its record */
	uint64_t until; /* seconds since 1970 */
	unsigned standing;
};
void dk_standing_answer_write(struct dk_writer_buf *wr, const struct dk_standing_answer *answer);
/* DK_ERR_SERVICE_REPLY. */
DK_MUST_USE dk_err dk_standing_answer_parse(
    const uint8_t *bytes, size_t len, struct dk_standing_answer *ret);

#endif
