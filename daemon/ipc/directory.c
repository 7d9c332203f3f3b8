/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/directory.h"

#include <string.h>

static bool
take_text(struct dk_reader_buf *rd, struct dk_part *ret)
{
	size_t len = dk_rd_u8(rd);

	*ret = (struct dk_part){ dk_rd_bytes(rd, len), len };
	return !rd->failed && !memchr(ret->data, '\0', len);
}

static bool
take_groups(struct dk_reader_buf *rd, struct ipc_directory *d)
{
	d->groups = dk_rd_u8(rd);
	if (rd->failed || d->groups == 0 || d->groups > IPC_GROUPS_MAX)
		return false;
	for (unsigned i = 0; i < d->groups; i++)
		if (!take_text(rd, &d->group[i]) || d->group[i].len == 0)
			return false;
	return true;
}

bool
ipc_directory_read(const void *data, size_t len, struct ipc_directory *ret)
{
	struct dk_part *const texts[] = { &ret->url, &ret->bind_dn, &ret->password, &ret->base,
		&ret->attribute, &ret->member_of };
	struct dk_reader_buf rd;

	dk_rd_init(&rd, data, len);
	*ret = (struct ipc_directory){ .groups = 0 };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!take_text(&rd, texts[i]))
			return false;
	ret->nested = dk_rd_u8(&rd);
	ret->salt = dk_rd_bytes(&rd, IPC_SALT_BYTES);
	if (rd.failed || ret->nested >= IPC_NESTED || !take_groups(&rd, ret))
		return false;
	ret->ca_pem.len = dk_rd_left(&rd);
	ret->ca_pem.data = dk_rd_bytes(&rd, ret->ca_pem.len);
	/* A name without a password would be bound as nobody, with success. */
	return ret->url.len > 0 && ret->base.len > 0 && ret->attribute.len > 0 &&
	    ret->member_of.len > 0 && (ret->bind_dn.len > 0) == (ret->password.len > 0) &&
	    !memchr(ret->ca_pem.data, '\0', ret->ca_pem.len);
}

static void
put_text(struct dk_writer_buf *wr, const struct dk_part *text)
{
	dk_wr_u8(wr, (uint8_t)text->len);
	dk_wr_bytes(wr, text->data, text->len);
}

void
ipc_directory_write(const struct ipc_directory *d, struct dk_writer_buf *wr)
{
	put_text(wr, &d->url);
	put_text(wr, &d->bind_dn);
	put_text(wr, &d->password);
	put_text(wr, &d->base);
	put_text(wr, &d->attribute);
	put_text(wr, &d->member_of);
	dk_wr_u8(wr, (uint8_t)d->nested);
	dk_wr_bytes(wr, d->salt, IPC_SALT_BYTES);
	dk_wr_u8(wr, (uint8_t)d->groups);
	for (unsigned i = 0; i < d->groups; i++)
		put_text(wr, &d->group[i]);
}

bool
ipc_member(const uint8_t salt[IPC_SALT_BYTES], const void *value, size_t len,
    uint8_t ret[IPC_MEMBER_BYTES])
{
	uint8_t lower[IPC_MEMBER_VALUE_MAX_BYTES], digest[32];
	const uint8_t *bytes = value;
	const struct dk_part parts[] = { { salt, IPC_SALT_BYTES }, { lower, len } };

	if (len == 0 || len > sizeof(lower))
		return false;
	for (size_t i = 0; i < len; i++)
		lower[i] = bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] | 0x20 : bytes[i];
	if (dk_sha256(parts, 2, digest) != DK_OK)
		return false;
	memcpy(ret, digest, IPC_MEMBER_BYTES);
	return true;
}
