/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/fetch.h"

#include <string.h>

const char *
ipc_fetch_result_name(enum ipc_fetch_result result)
{
	static const char *const names[] = { "ok", "resolve", "connect", "tls", "time-out",
		"status", "content-type", "too-large", "transfer", "ca", "refused",
		"password-file" };

	return result < IPC_FETCH_RESULTS ? names[result] : "?";
}

static struct dk_part
take(struct dk_reader_buf *rd, size_t len)
{
	return (struct dk_part){ dk_rd_bytes(rd, len), len };
}

static bool
take_url(struct dk_reader_buf *rd, size_t max, char ret[UINT8_MAX + 1])
{
	struct dk_part url = take(rd, dk_rd_u8(rd));

	if (rd->failed || url.len == 0 || url.len > max || memchr(url.data, '\0', url.len))
		return false;
	memcpy(ret, url.data, url.len);
	ret[url.len] = '\0';
	return true;
}

bool
ipc_fetch_read(const void *data, size_t len, struct ipc_fetch *ret)
{
	struct dk_reader_buf rd;

	dk_rd_init(&rd, data, len);
	*ret = (struct ipc_fetch){ .post = false };
	if (!take_url(&rd, IPC_FETCH_URL_MAX_BYTES, ret->url))
		return false;
	ret->ca_pem = take(&rd, dk_rd_left(&rd));
	return !memchr(ret->ca_pem.data, '\0', ret->ca_pem.len);
}

bool
ipc_post_read(const void *data, size_t len, struct ipc_fetch *ret)
{
	struct dk_reader_buf rd;

	dk_rd_init(&rd, data, len);
	*ret = (struct ipc_fetch){ .post = true };
	if (!take_url(&rd, IPC_POST_URL_MAX_BYTES, ret->url))
		return false;
	ret->ca_pem = take(&rd, dk_rd_u32(&rd));
	ret->body = take(&rd, dk_rd_left(&rd));
	return !rd.failed && ret->body.len <= IPC_POST_BODY_MAX_BYTES &&
	    !memchr(ret->ca_pem.data, '\0', ret->ca_pem.len);
}

bool
ipc_fetched_read(const void *data, size_t len, struct ipc_fetched *ret)
{
	struct dk_reader_buf rd;

	dk_rd_init(&rd, data, len);
	ret->result = dk_rd_u8(&rd);
	ret->status = dk_rd_u16(&rd);
	ret->bytes = take(&rd, dk_rd_left(&rd));
	return !rd.failed && ret->result <= IPC_FETCH_TRANSFER &&
	    ret->bytes.len <= IPC_MEMBERS_MAX_BYTES &&
	    (ret->result == IPC_FETCH_OK || ret->bytes.len == 0);
}

static void
take_name(struct dk_reader_buf *rd, struct dk_part *ret)
{
	*ret = take(rd, dk_rd_u8(rd));
	if (ret->data &&
	    (ret->len == 0 || ret->len > IPC_ISSUER_MAX_BYTES || memchr(ret->data, '\0', ret->len)))
		rd->failed = true;
}

bool
ipc_key_set_read(const void *data, size_t len, struct ipc_key_set *ret)
{
	struct dk_reader_buf rd;
	const uint8_t *root;

	dk_rd_init(&rd, data, len);
	take_name(&rd, &ret->name);
	ret->fetched_s = dk_rd_u64(&rd);
	root = dk_rd_bytes(&rd, sizeof(ret->root));
	ret->bytes = take(&rd, dk_rd_left(&rd));
	if (rd.failed || ret->fetched_s == 0 || ret->bytes.len > IPC_MEMBERS_MAX_BYTES)
		return false;
	memcpy(ret->root, root, sizeof(ret->root));
	return true;
}

bool
ipc_key_sets_next(struct dk_reader_buf *rd, struct ipc_key_set *ret)
{
	size_t known;

	*ret = (struct ipc_key_set){ .fetched_s = 0 };
	take_name(rd, &ret->name);
	ret->fetched_s = dk_rd_u64(rd);
	ret->bytes = take(rd, dk_rd_u32(rd));
	known = dk_rd_u16(rd);
	ret->known = take(rd, known * IPC_KNOWN_KEY_BYTES);
	return !rd->failed && known <= IPC_KNOWN_KEYS_MAX;
}

void
ipc_key_sets_add(struct dk_writer_buf *wr, const struct ipc_key_set *set)
{
	dk_wr_u8(wr, (uint8_t)set->name.len);
	dk_wr_bytes(wr, set->name.data, set->name.len);
	dk_wr_u64(wr, set->fetched_s);
	dk_wr_u32(wr, (uint32_t)set->bytes.len);
	dk_wr_bytes(wr, set->bytes.data, set->bytes.len);
	dk_wr_u16(wr, (uint16_t)(set->known.len / IPC_KNOWN_KEY_BYTES));
	dk_wr_bytes(wr, set->known.data, set->known.len);
}

bool
ipc_named_read(const void *data, size_t len, struct ipc_named *ret)
{
	struct dk_reader_buf rd;

	dk_rd_init(&rd, data, len);
	take_name(&rd, &ret->name);
	ret->bytes = take(&rd, dk_rd_left(&rd));
	return !rd.failed && ret->name.len > 0;
}

bool
ipc_key_accept_read(const void *data, size_t len, struct ipc_key_accept *ret)
{
	struct dk_reader_buf rd;

	dk_rd_init(&rd, data, len);
	ret->uid = dk_rd_u32(&rd);
	take_name(&rd, &ret->name);
	ret->thumbprint = dk_rd_bytes(&rd, 32);
	return !rd.failed && ret->name.len > 0 && dk_rd_left(&rd) == 0;
}

bool
ipc_fetch_state_read(const void *data, size_t len, struct ipc_fetch_state *ret)
{
	struct dk_reader_buf rd;
	struct dk_part name;

	dk_rd_init(&rd, data, len);
	*ret = (struct ipc_fetch_state){ .restarts = dk_rd_u32(&rd) };
	ret->violations = dk_rd_u32(&rd);
	ret->count = dk_rd_u8(&rd);
	if (ret->count > IPC_ISSUERS_MAX)
		return false;
	for (unsigned i = 0; i < ret->count; i++) {
		take_name(&rd, &name);
		ret->issuer[i].fetched_s = dk_rd_u64(&rd);
		ret->issuer[i].failures = dk_rd_u64(&rd);
		ret->issuer[i].quarantine_s = dk_rd_u64(&rd);
		if (rd.failed)
			return false;
		memcpy(ret->issuer[i].name, name.data, name.len);
	}
	return !rd.failed && dk_rd_left(&rd) == 0;
}

size_t
ipc_fetch_state_write(const struct ipc_fetch_state *state, uint8_t *ret)
{
	struct dk_writer_buf wr;

	dk_wr_init(&wr, ret, IPC_FETCH_STATE_MAX_BYTES);
	dk_wr_u32(&wr, state->restarts);
	dk_wr_u32(&wr, state->violations);
	dk_wr_u8(&wr, (uint8_t)state->count);
	for (unsigned i = 0; i < state->count; i++) {
		dk_wr_u8(&wr, (uint8_t)strlen(state->issuer[i].name));
		dk_wr_bytes(&wr, state->issuer[i].name, strlen(state->issuer[i].name));
		dk_wr_u64(&wr, state->issuer[i].fetched_s);
		dk_wr_u64(&wr, state->issuer[i].failures);
		dk_wr_u64(&wr, state->issuer[i].quarantine_s);
	}
	return wr.len;
}
