/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed state that nodes share, spec/cluster.md section 4. What is in it, keyd knows alone. */
#include <stdlib.h>

#include "base/bytes.h"
#include "ipc/payload.h"
#include "logd/logd.h"

bool
state_take(struct logd *logd, const struct ipc_message *message)
{
	uint64_t from, kept = 0;
	uint8_t head[2 + 8], *sealed = NULL;
	unsigned code = DK_CODE_OK;
	struct dk_writer_buf wr;
	size_t len = 0;

	if (!ipc_number_read(message, 8, &from))
		return false;
	batch_commit(logd);
	if (!store_is_shared(logd->store))
		code = DK_CODE_NOT_FOUND;
	else if (!store_get_sealed(logd->store, &kept, &sealed, &len)) {
		code = DK_CODE_UNAVAILABLE;
		logd_failed(logd);
	}
	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u16(&wr, (uint16_t)code);
	if (code == DK_CODE_OK)
		dk_wr_u64(&wr, kept);
	const struct dk_part parts[] = { { head, wr.len }, { sealed, kept >= from ? len : 0 } };
	(void)ipc_send(logd->keyd, IPC_STATE_TAKEN, message->id, parts, 2);
	free(sealed);
	return true;
}

bool
state_put(struct logd *logd, const struct ipc_message *message)
{
	struct ipc_state_put put;
	unsigned code = DK_CODE_OK;
	bool taken = false;

	if (!ipc_state_put_read(message, &put))
		return false;
	batch_commit(logd);
	if (!store_is_shared(logd->store))
		code = DK_CODE_NOT_FOUND;
	else if (!store_put_sealed(
		     logd->store, put.generation, put.sealed.data, put.sealed.len, &taken))
		code = DK_CODE_UNAVAILABLE;
	else if (!taken)
		code = IPC_CODE_STALE;
	const uint8_t answer[2] = { (uint8_t)(code >> 8), (uint8_t)code };
	const struct dk_part part = { answer, sizeof(answer) };
	(void)ipc_send(logd->keyd, IPC_STATE_PUT_DONE, message->id, &part, 1);
	return true;
}
