/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets to messages. The input is a sequence of packets, `u16 length, bytes`; a byte
 * in front says who sends to whom, and when the handler refuses or closes. They go
 * through a real socket.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "ipc/channel.h"

static const enum ipc_process pairs[][2] = { { IPC_HTTPD, IPC_AUTHD }, { IPC_AUTHD, IPC_KEYD },
	{ IPC_KEYD, IPC_LOGD }, { IPC_LOGD, IPC_KEYD }, { IPC_KEYD, IPC_HTTPD },
	{ IPC_LOGD, IPC_HTTPD }, { IPC_PARENT, IPC_KEYD }, { IPC_KEYD, IPC_PARENT },
	{ IPC_PARENT, IPC_AUTHD }, { IPC_PARENT, IPC_HTTPD }, { IPC_TOKEND, IPC_KEYD },
	{ IPC_KEYD, IPC_TOKEND }, { IPC_PARENT, IPC_LOGD } };

struct taker {
	unsigned refuse_at, close_at; /* 0: never */
	unsigned messages;
	uint8_t sum;
};

static bool
take(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	struct taker *t = ctx;

	FUZZ_CHECK(
	    (int64_t)message->len <= ipc_longest(message->type, channel->peer, channel->self));
	for (size_t i = 0; i < message->len; i++)
		t->sum = (uint8_t)(t->sum + message->data[i]);
	t->messages++;
	if (t->messages == t->close_at)
		ipc_channel_close(channel);
	return t->messages != t->refuse_at;
}

/* Whether the channel still takes packets. */
static bool
send_one(struct ipc_channel *channel, int fd, const uint8_t *packet, size_t len)
{
	if (len > 0 && send(fd, packet, len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)len)
		return false;
	return ipc_receive(channel);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct taker taker = { .messages = 0 };
	const enum ipc_process *pair;
	struct ipc_channel channel;
	size_t at = 2, n;
	int fd[2];

	if (len < 2)
		return 0;
	pair = pairs[data[0] % (sizeof(pairs) / sizeof(pairs[0]))];
	taker.refuse_at = data[1] & 7;
	taker.close_at = data[1] >> 3 & 7;
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd) == 0);
	ipc_channel_init(&channel, fd[1], pair[1], pair[0], take, &taker);
	while (len - at > 2) {
		n = (size_t)data[at] << 8 | data[at + 1];
		at += 2;
		if (n > len - at)
			n = len - at;
		if (!send_one(&channel, fd[0], data + at, n))
			break;
		at += n;
	}
	/* After a violation nothing more is taken. */
	n = taker.messages;
	if (channel.violated) {
		(void)send(fd[0], "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		FUZZ_CHECK(!ipc_receive(&channel) && taker.messages == n);
	}
	ipc_channel_close(&channel);
	(void)close(fd[0]);
	return 0;
}
