/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a channel, spec/ipc.md section 2: packets to messages and back.
 *
 * A channel is not blocking. What cannot be sent at once is queued; what the
 * table does not allow is refused before anything is allocated for it.
 */
#ifndef DK_IPC_CHANNEL_H
#define DK_IPC_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/hash.h"
#include "ipc/message.h"

struct ipc_message {
	unsigned type;
	uint64_t id;
	const uint8_t *data;
	size_t len;
};

struct ipc_out;
struct ipc_channel;

/* False: the payload has not the layout of its type; a violation. */
typedef bool (*ipc_handler)(void *ctx, struct ipc_channel *channel,
    const struct ipc_message *message);

struct ipc_channel {
	int fd; /* -1: closed */
	enum ipc_process self;
	enum ipc_process peer;
	ipc_handler handler;
	void *ctx;
	bool violated; /* nothing more is taken from it */
	unsigned violation_type;
	/* message that is coming in */
	uint8_t *in;
	size_t in_cap;
	size_t in_len;
	size_t in_total;
	unsigned in_type;
	uint64_t in_id;
	/* packets that wait to go out */
	struct ipc_out *out_first;
	struct ipc_out *out_last;
	size_t out_bytes;
	/* ipc_send() queues so many before it sends; the owner flushes after each round */
	bool gather;
	unsigned gathered;
};

void ipc_channel_init(struct ipc_channel *channel, int fd, enum ipc_process self,
    enum ipc_process peer, ipc_handler handler, void *ctx);
void ipc_channel_close(struct ipc_channel *channel);

/* Queue a message of up to DK_PARTS_MAX parts, and send it if the channel does not gather;
 * false if the channel is closed, memory is short or the table does not allow it. */
bool ipc_send(struct ipc_channel *channel, unsigned type, uint64_t id,
    const struct dk_part *parts, size_t n);

/* Take what has come; false if the peer closed its end or broke a rule. */
bool ipc_receive(struct ipc_channel *channel);
/* Send what is queued, as far as the socket takes it. */
void ipc_flush(struct ipc_channel *channel);
static inline bool
ipc_wants_write(const struct ipc_channel *channel)
{
	return channel->fd >= 0 && channel->out_first != NULL;
}

#endif
