/* SPDX-License-Identifier: Apache-2.0 */
/* What a request shows besides its device's signature, spec/ipc.md section 3. */
#ifndef DK_IPC_CLAIM_H
#define DK_IPC_CLAIM_H

#include <stdbool.h>

#include "base/bytes.h"
#include "crypto/hash.h"

enum ipc_claim {
	IPC_CLAIM_CERTIFICATE = 1,
	IPC_CLAIM_TOKEN = 2,
	IPC_CLAIM_TOKEN_DIGEST = 3,
	IPC_CLAIM_APPROVALS = 4,
	IPC_CLAIM_FRONT = 5, /* in DKE_DECRYPT alone */
	IPC_CLAIMS = 6,
};

#define IPC_CLAIM_HEAD_BYTES 3
#define IPC_CLAIM_CERTIFICATE_MAX_BYTES 8192
#define IPC_CLAIM_TOKEN_MAX_BYTES 8192
#define IPC_CLAIM_TOKEN_DIGEST_BYTES 32
#define IPC_CLAIM_APPROVALS_MAX_BYTES 1093

enum ipc_certificate_state { IPC_CERTIFICATE_HOLDS = 1, IPC_CERTIFICATE_FAILS = 2 };

/* By kind; length 0: not shown. Borrowed. */
struct ipc_claims {
	struct dk_part of[IPC_CLAIMS];
};

/* Count and claims. False: not this layout. */
bool ipc_claims_read(struct dk_reader_buf *rd, struct ipc_claims *ret);
/* The same in DKE_DECRYPT, where others have their place. */
bool ipc_dke_claims_read(struct dk_reader_buf *rd, struct ipc_claims *ret);
/* The head of one claim; its bytes follow as a part of the message. */
void ipc_claim_head(unsigned kind, size_t len, uint8_t ret[IPC_CLAIM_HEAD_BYTES]);

#endif
