/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/witness.h"

#include <string.h>
#include <unistd.h>

/* The bytes of the descriptor; -1: it cannot be read, or is too long. Two processes have it,
 * and so one place in it. */
static ssize_t
read_all(int fd, uint8_t bytes[IPC_WITNESSES_MAX_BYTES + 1])
{
	size_t len = 0;
	ssize_t n = -1;

	while (len <= IPC_WITNESSES_MAX_BYTES &&
	    (n = pread(fd, bytes + len, IPC_WITNESSES_MAX_BYTES + 1 - len, (off_t)len)) > 0)
		len += (size_t)n;
	(void)close(fd);
	return n < 0 || len > IPC_WITNESSES_MAX_BYTES ? -1 : (ssize_t)len;
}

bool
ipc_witnesses_take(int fd, struct ipc_witnesses *ret, struct dk_quorum *ret_quorum)
{
	static uint8_t bytes[IPC_WITNESSES_MAX_BYTES + 1];
	ssize_t n = read_all(fd, bytes);
	unsigned line;

	*ret = (struct ipc_witnesses){ .mode = DK_LOG_PROMPT };
	memset(ret_quorum, 0, sizeof(*ret_quorum));
	if (n == 0)
		return true;
	if (n < 3)
		return false;
	ret->wait_s = bytes[0];
	ret->mode = bytes[1];
	ret->len = (size_t)n - 2;
	memcpy(ret->text, bytes + 2, ret->len);
	return (ret->mode == DK_LOG_PROMPT || ret->mode == DK_LOG_STRICT) &&
	    dk_quorum_parse(ret->text, ret->len, ret_quorum, &line) == DK_OK &&
	    (ret->mode == DK_LOG_PROMPT || ret_quorum->quorum != DK_QUORUM_NONE);
}

size_t
ipc_witnesses_write(const struct ipc_witnesses *witnesses, uint8_t *ret)
{
	if (witnesses->len == 0)
		return 0;
	ret[0] = witnesses->wait_s;
	ret[1] = witnesses->mode;
	memcpy(ret + 2, witnesses->text, witnesses->len);
	return 2 + witnesses->len;
}

bool
ipc_witness_ask_read(const void *data, size_t len, struct ipc_witness_ask *ret)
{
	struct dk_reader_buf rd;

	dk_rd_init(&rd, data, len);
	ret->number = dk_rd_u8(&rd);
	ret->body.len = dk_rd_left(&rd);
	ret->body.data = dk_rd_bytes(&rd, ret->body.len);
	return !rd.failed && ret->body.len > 0 && ret->body.len <= IPC_POST_BODY_MAX_BYTES;
}

static bool
read_one(struct dk_reader_buf *rd, struct ipc_witness_of *w)
{
	size_t len = dk_rd_u8(rd);
	const uint8_t *name = dk_rd_bytes(rd, len);

	w->size = dk_rd_u64(rd);
	w->time = dk_rd_u64(rd);
	w->failures = dk_rd_u64(rd);
	w->result = dk_rd_u8(rd);
	w->status = dk_rd_u16(rd);
	if (rd->failed || len == 0 || len > DK_QUORUM_NAME_MAX_BYTES || memchr(name, '\0', len) ||
	    (w->result > IPC_FETCH_TRANSFER && w->result != IPC_FETCH_REFUSED))
		return false;
	memcpy(w->name, name, len);
	return true;
}

bool
ipc_witness_state_read(const void *data, size_t len, struct ipc_witness_state *ret)
{
	struct dk_reader_buf rd;

	dk_rd_init(&rd, data, len);
	*ret = (struct ipc_witness_state){ .size = dk_rd_u64(&rd) };
	ret->time = dk_rd_u64(&rd);
	ret->count = dk_rd_u8(&rd);
	if (rd.failed || ret->count > DK_QUORUM_WITNESSES_MAX)
		return false;
	for (unsigned i = 0; i < ret->count; i++)
		if (!read_one(&rd, &ret->of[i]))
			return false;
	return dk_rd_left(&rd) == 0;
}

size_t
ipc_witness_state_write(const struct ipc_witness_state *state, uint8_t *ret)
{
	struct dk_writer_buf wr;

	dk_wr_init(&wr, ret, IPC_WITNESS_STATE_MAX_BYTES);
	dk_wr_u64(&wr, state->size);
	dk_wr_u64(&wr, state->time);
	dk_wr_u8(&wr, (uint8_t)state->count);
	for (unsigned i = 0; i < state->count; i++) {
		const struct ipc_witness_of *w = &state->of[i];

		dk_wr_u8(&wr, (uint8_t)strlen(w->name));
		dk_wr_bytes(&wr, w->name, strlen(w->name));
		dk_wr_u64(&wr, w->size);
		dk_wr_u64(&wr, w->time);
		dk_wr_u64(&wr, w->failures);
		dk_wr_u8(&wr, w->result);
		dk_wr_u16(&wr, w->status);
	}
	return wr.len;
}
