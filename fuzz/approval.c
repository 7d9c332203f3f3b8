/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Approvals, their files, claims between processes and what the log says of a
 * token. The first byte says which; what was read, written again, gives the same bytes.
 */
#include <string.h>

#include "fuzz.h"
#include "ipc/claim.h"
#include "log/record.h"
#include "native/approval.h"
#include "native/standing.h"

static void
same(const struct dk_writer_buf *wr, const uint8_t *data, size_t len)
{
	FUZZ_CHECK(!wr->failed && wr->len == len && memcmp(wr->data, data, len) == 0);
}

static void
approvals(const uint8_t *data, size_t len)
{
	uint8_t again[DK_APPROVALS_MAX_BYTES];
	struct dk_approvals a;
	struct dk_writer_buf wr;

	if (dk_approvals_parse(data, len, &a) != DK_OK)
		return;
	FUZZ_CHECK(a.count >= 1 && a.count <= DK_APPROVALS_MAX && a.reason[0] != '\0');
	dk_wr_init(&wr, again, sizeof(again));
	dk_approvals_write(&wr, &a);
	same(&wr, data, len);
}

static void
approval_file(const uint8_t *data, size_t len)
{
	uint8_t again[DK_APPROVAL_FILE_MAX_BYTES];
	struct dk_approval_file f;
	struct dk_writer_buf wr;

	if (dk_approval_file_parse(data, len, &f) != DK_OK)
		return;
	dk_wr_init(&wr, again, sizeof(again));
	dk_approval_file_write(&wr, &f);
	same(&wr, data, len);
}

static void
standing(const uint8_t *data, size_t len)
{
	uint8_t again[DK_STANDING_BODY_MAX_BYTES], name[32];
	struct dk_standing s;
	struct dk_writer_buf wr;

	if (dk_standing_parse(data, len, &s) != DK_OK)
		return;
	dk_wr_init(&wr, again, sizeof(again));
	dk_standing_write(&wr, &s);
	same(&wr, data, len);
	FUZZ_CHECK(dk_standing_name(s.scope, s.document, s.key, s.person, name) == DK_OK);
}

static void
standing_list(const uint8_t *data, size_t len)
{
	struct dk_standing_asked *asked = calloc(DK_STANDING_ASKED_MAX, sizeof(*asked));
	struct dk_writer_buf wr;
	uint8_t *again = malloc(len + 1);
	size_t n = 0;

	FUZZ_CHECK(asked != NULL && again != NULL);
	if (dk_standing_list_parse(data, len, asked, &n) == DK_OK) {
		dk_wr_init(&wr, again, len);
		dk_wr_bytes(&wr, "DKN2", 4);
		dk_wr_u16(&wr, (uint16_t)n);
		for (size_t i = 0; i < n; i++)
			dk_standing_asked_write(&wr, &asked[i]);
		same(&wr, data, len);
	}
	free(asked);
	free(again);
}

static void
request_file(const uint8_t *data, size_t len)
{
	struct dk_request_file f;
	struct dk_writer_buf wr;
	uint8_t digest[32], *again;

	if (dk_request_file_open(data, len, &f, digest) != DK_OK)
		return;
	FUZZ_CHECK(f.body >= data && f.body + f.body_len == data + len);
	again = malloc(len);
	FUZZ_CHECK(again != NULL);
	dk_wr_init(&wr, again, len);
	dk_request_file_write(&wr, &f);
	same(&wr, data, len);
	free(again);
}

static void
claims(const uint8_t *data, size_t len)
{
	struct ipc_claims c;
	struct dk_reader_buf rd;

	dk_rd_init(&rd, data, len);
	if (!ipc_claims_read(&rd, &c))
		return;
	FUZZ_CHECK(rd.pos <= len && c.of[0].len == 0);
	for (unsigned i = 0; i < IPC_CLAIMS; i++) {
		const uint8_t *bytes = c.of[i].data;

		FUZZ_CHECK((bytes == NULL) == (c.of[i].len == 0));
		FUZZ_CHECK(!bytes || (bytes > data && bytes + c.of[i].len <= data + rd.pos));
	}
}

static void
log_token(const uint8_t *data, size_t len)
{
	uint8_t again[DK_LOG_TOKEN_MAX_BYTES];
	struct dk_log_token token;

	if (!dk_log_token_parse(data, len, &token))
		return;
	FUZZ_CHECK(dk_log_token_write(&token, again) == len && memcmp(again, data, len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const fuzz_way ways[] = { approvals, approval_file, request_file, claims, log_token,
		standing, standing_list };

	fuzz_one_of(ways, sizeof(ways) / sizeof(ways[0]), data, len);
	return 0;
}
