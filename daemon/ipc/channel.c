/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/secret.h"

#define HEAD_BYTES 24
#define PART_MAX_BYTES 61440
#define PACKET_MAX_BYTES 65536
#define GATHER_MAX 32
/* Where the head says that another part follows in the same packet. */
#define MORE_OFFSET 12
/* Packets taken in one go, so that one peer cannot starve the others. */
#define RECEIVE_PACKETS_MAX 256

/* One part with its head. */
struct ipc_out {
	struct ipc_out *next;
	size_t len;
	uint8_t bytes[];
};

void
ipc_channel_init(struct ipc_channel *channel, int fd, enum ipc_process self, enum ipc_process peer,
    ipc_handler handler, void *ctx)
{
	int flags = fcntl(fd, F_GETFL);

	*channel = (struct ipc_channel){
		.fd = fd, .self = self, .peer = peer, .handler = handler, .ctx = ctx
	};
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		channel->fd = -1;
}

static void
drop_first(struct ipc_channel *channel)
{
	struct ipc_out *out = channel->out_first;

	channel->out_first = out->next;
	if (!channel->out_first)
		channel->out_last = NULL;
	channel->out_bytes -= out->len;
	dk_wipe(out->bytes, out->len);
	free(out);
}

void
ipc_channel_close(struct ipc_channel *channel)
{
	while (channel->out_first)
		drop_first(channel);
	if (channel->in)
		dk_wipe(channel->in, channel->in_cap);
	free(channel->in);
	channel->in = NULL;
	channel->in_cap = 0;
	if (channel->fd >= 0)
		(void)close(channel->fd);
	channel->fd = -1;
}

/* Copies len bytes from the parts of the caller, which are walked once over all of ours. */
struct walk {
	const struct dk_part *parts;
	size_t part;
	size_t pos;
};

static void
take(struct walk *walk, uint8_t *out, size_t len)
{
	while (len > 0) {
		const struct dk_part *p = &walk->parts[walk->part];
		size_t n = p->len - walk->pos;

		if (n > len)
			n = len;
		if (n > 0)
			memcpy(out, (const uint8_t *)p->data + walk->pos, n);
		out += n;
		len -= n;
		walk->pos += n;
		if (walk->pos == p->len) {
			walk->part++;
			walk->pos = 0;
		}
	}
}

static bool
queue_part(struct ipc_channel *channel, unsigned type, uint64_t id, size_t total, size_t offset,
    size_t len, struct walk *walk)
{
	struct ipc_out *out = malloc(sizeof(*out) + HEAD_BYTES + len);
	struct dk_writer_buf wr;

	if (!out)
		return false;
	out->next = NULL;
	out->len = HEAD_BYTES + len;
	dk_wr_init(&wr, out->bytes, out->len);
	dk_wr_u16(&wr, (uint16_t)type);
	dk_wr_u16(&wr, 0);
	dk_wr_u32(&wr, (uint32_t)total);
	dk_wr_u32(&wr, (uint32_t)offset);
	dk_wr_u32(&wr, 0);
	dk_wr_u64(&wr, id);
	take(walk, out->bytes + HEAD_BYTES, len);
	if (channel->out_last)
		channel->out_last->next = out;
	else
		channel->out_first = out;
	channel->out_last = out;
	channel->out_bytes += out->len;
	return true;
}

bool
ipc_send(
    struct ipc_channel *channel, unsigned type, uint64_t id, const struct dk_part *parts, size_t n)
{
	struct walk walk = { .parts = parts };
	size_t total = 0, offset = 0;

	for (size_t i = 0; i < n; i++)
		total += parts[i].len;
	if (channel->fd < 0 || (int64_t)total > ipc_longest(type, channel->self, channel->peer))
		return false;
	do {
		size_t len = total - offset < PART_MAX_BYTES ? total - offset : PART_MAX_BYTES;

		if (!queue_part(channel, type, id, total, offset, len, &walk)) {
			/* Half a message would garble the next one. */
			ipc_channel_close(channel);
			return false;
		}
		offset += len;
	} while (offset < total);
	if (!channel->gather || ++channel->gathered >= GATHER_MAX)
		ipc_flush(channel);
	return channel->fd >= 0;
}

static void
set_more(struct ipc_out *out, bool more)
{
	struct dk_writer_buf wr;

	dk_wr_init(&wr, out->bytes + MORE_OFFSET, 4);
	dk_wr_u32(&wr, more ? (uint32_t)(out->len - HEAD_BYTES + 1) : 0);
}

/* As many parts as one packet takes; at least one. */
static unsigned
gather(struct ipc_channel *channel, struct iovec vec[GATHER_MAX])
{
	struct ipc_out *out = channel->out_first;
	size_t bytes = 0;
	unsigned n = 0;

	do {
		bytes += out->len;
		vec[n++] = (struct iovec){ out->bytes, out->len };
		set_more(
		    out, n < GATHER_MAX && out->next && bytes + out->next->len <= PACKET_MAX_BYTES);
		out = out->next;
	} while (out && n < GATHER_MAX && bytes + out->len <= PACKET_MAX_BYTES);
	return n;
}

void
ipc_flush(struct ipc_channel *channel)
{
	channel->gathered = 0;
	while (channel->fd >= 0 && channel->out_first) {
		struct iovec vec[GATHER_MAX];
		unsigned parts = gather(channel, vec);
		ssize_t n = writev(channel->fd, vec, (int)parts); /* SIGPIPE is ignored */

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS))
			return;
		if (n < 0) {
			ipc_channel_close(channel);
			return;
		}
		for (unsigned i = 0; i < parts; i++)
			drop_first(channel);
	}
}

static bool
violation(struct ipc_channel *channel, unsigned type)
{
	channel->violated = true;
	channel->violation_type = type;
	return false;
}

/* The head of a new message: the table decides before memory is taken. */
static bool
begin(struct ipc_channel *channel, unsigned type, uint64_t id, size_t total)
{
	int64_t longest = ipc_longest(type, channel->peer, channel->self);
	uint8_t *grown;

	if (longest < 0 || (int64_t)total > longest)
		return false;
	if (total > channel->in_cap) {
		grown = malloc(total);
		if (!grown)
			return false;
		if (channel->in)
			dk_wipe(channel->in, channel->in_cap);
		free(channel->in);
		channel->in = grown;
		channel->in_cap = total;
	}
	channel->in_type = type;
	channel->in_id = id;
	channel->in_total = total;
	channel->in_len = 0;
	return true;
}

struct part {
	unsigned type;
	uint64_t id;
	size_t total;
	size_t offset;
	const uint8_t *data;
	size_t len;
};

/* The next part of a packet. */
static bool
read_part(struct dk_reader_buf *rd, struct part *ret)
{
	size_t more;
	bool zero;

	ret->type = dk_rd_u16(rd);
	zero = dk_rd_u16(rd) == 0;
	ret->total = dk_rd_u32(rd);
	ret->offset = dk_rd_u32(rd);
	more = dk_rd_u32(rd);
	ret->id = dk_rd_u64(rd);
	ret->len = more > 0 ? more - 1 : dk_rd_left(rd);
	ret->data = dk_rd_bytes(rd, ret->len);
	return !rd->failed && zero && (more > 0) == (dk_rd_left(rd) > 0) &&
	    ret->len <= PART_MAX_BYTES && (ret->len == 0) == (ret->total == 0);
}

static bool
take_part(struct ipc_channel *channel, const struct part *part)
{
	struct ipc_message message;
	bool ok;

	if (part->offset == 0
		? channel->in_len != 0 || !begin(channel, part->type, part->id, part->total)
		: channel->in_len != part->offset || part->type != channel->in_type ||
		    part->id != channel->in_id || part->total != channel->in_total)
		return violation(channel, part->type);
	if (part->len > channel->in_total - channel->in_len)
		return violation(channel, part->type);
	if (part->len > 0)
		memcpy(channel->in + channel->in_len, part->data, part->len);
	channel->in_len += part->len;
	if (channel->in_len < channel->in_total)
		return true;
	message = (struct ipc_message){ part->type, part->id, channel->in, channel->in_total };
	channel->in_len = 0;
	ok = channel->handler(channel->ctx, channel, &message);
	/* It may have been a share or a token. A channel that was closed has wiped it. */
	if (message.len > 0 && channel->in)
		dk_wipe(channel->in, message.len);
	return ok || violation(channel, part->type);
}

/* A handler may close the channel; then nothing more of it is taken. */
static bool
take_packet(struct ipc_channel *channel, const uint8_t *packet, size_t len)
{
	struct dk_reader_buf rd;
	struct part part;

	dk_rd_init(&rd, packet, len);
	do {
		if (!read_part(&rd, &part))
			return violation(channel, part.type);
		if (!take_part(channel, &part))
			return false;
	} while (dk_rd_left(&rd) > 0 && channel->fd >= 0);
	return true;
}

bool
ipc_receive(struct ipc_channel *channel)
{
	static uint8_t packet[PACKET_MAX_BYTES + 1];
	bool ok;

	for (unsigned i = 0; i < RECEIVE_PACKETS_MAX && channel->fd >= 0 && !channel->violated;
	     i++) {
		ssize_t n = recv(channel->fd, packet, sizeof(packet), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return true;
		if (n <= 0)
			return false;
		if ((size_t)n > PACKET_MAX_BYTES)
			return violation(channel, 0);
		ok = take_packet(channel, packet, (size_t)n);
		dk_wipe(packet, (size_t)n);
		if (!ok)
			return false;
	}
	return channel->fd >= 0 && !channel->violated;
}
