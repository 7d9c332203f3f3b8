/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/claim.h"

#include "ipc/dke.h"

/* A claim that is not here has no place. */
static const uint16_t native[IPC_CLAIMS] = {
	[IPC_CLAIM_CERTIFICATE] = IPC_CLAIM_CERTIFICATE_MAX_BYTES,
	[IPC_CLAIM_TOKEN] = IPC_CLAIM_TOKEN_MAX_BYTES,
	[IPC_CLAIM_TOKEN_DIGEST] = IPC_CLAIM_TOKEN_DIGEST_BYTES,
	[IPC_CLAIM_APPROVALS] = IPC_CLAIM_APPROVALS_MAX_BYTES,
};

static const uint16_t dke[IPC_CLAIMS] = {
	[IPC_CLAIM_CERTIFICATE] = IPC_CLAIM_CERTIFICATE_MAX_BYTES,
	[IPC_CLAIM_TOKEN] = IPC_DKE_TOKEN_MAX_BYTES,
	[IPC_CLAIM_FRONT] = IPC_DKE_FRONT_MAX_BYTES,
};

static const uint16_t shortest[IPC_CLAIMS] = {
	[IPC_CLAIM_CERTIFICATE] = 1,
	[IPC_CLAIM_TOKEN] = 1,
	[IPC_CLAIM_TOKEN_DIGEST] = IPC_CLAIM_TOKEN_DIGEST_BYTES,
	[IPC_CLAIM_APPROVALS] = 1,
	[IPC_CLAIM_FRONT] = IPC_DKE_FRONT_MIN_BYTES,
};

static bool
read_claims(struct dk_reader_buf *rd, const uint16_t *longest, struct ipc_claims *ret)
{
	struct ipc_claims claims = { .of = { { NULL, 0 } } };
	unsigned count = dk_rd_u8(rd), last = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned kind = dk_rd_u8(rd);
		size_t len = dk_rd_u16(rd);
		const uint8_t *bytes = dk_rd_bytes(rd, len);

		if (!bytes || kind <= last || kind >= IPC_CLAIMS || len < shortest[kind] ||
		    len > longest[kind])
			return false;
		claims.of[kind] = (struct dk_part){ bytes, len };
		last = kind;
	}
	*ret = claims;
	return !rd->failed;
}

bool
ipc_claims_read(struct dk_reader_buf *rd, struct ipc_claims *ret)
{
	return read_claims(rd, native, ret);
}

bool
ipc_dke_claims_read(struct dk_reader_buf *rd, struct ipc_claims *ret)
{
	return read_claims(rd, dke, ret);
}

void
ipc_claim_head(unsigned kind, size_t len, uint8_t ret[IPC_CLAIM_HEAD_BYTES])
{
	ret[0] = (uint8_t)kind;
	ret[1] = (uint8_t)(len >> 8);
	ret[2] = (uint8_t)len;
}
