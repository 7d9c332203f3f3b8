/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "base/bytes.h"

uint64_t
ipc_now(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) != 0 || ts.tv_sec < 0)
		return 0;
	return (uint64_t)ts.tv_sec;
}

uint64_t
ipc_clock_ms(void)
{
	struct timespec ts = { 0, 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void
ipc_child_begin(struct ipc_child *child, enum ipc_process self)
{
	const struct rlimit none = { 0, 0 };

	*child = (struct ipc_child){ .self = self, .tick_ms = 1000, .wake_fd = -1 };
	say_as(ipc_process_name(self));
	(void)signal(SIGPIPE, SIG_IGN);
	/* A terminal's ^C goes to the whole group; the parent decides when to end. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	/* An orphaned child must not go on holding keys. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		child->protections |= IPC_NO_NEW_PRIVS;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
		child->protections |= IPC_NOT_DUMPABLE;
	if (setrlimit(RLIMIT_CORE, &none) == 0)
		child->protections |= IPC_NO_CORE;
}

struct ipc_channel *
ipc_child_add(
    struct ipc_child *child, int fd, enum ipc_process peer, ipc_handler handler, void *ctx)
{
	struct ipc_channel *channel = &child->channel[child->count++];

	ipc_channel_init(channel, fd, child->self, peer, handler, ctx);
	return channel;
}

bool
ipc_child_parent_message(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	struct ipc_child *child = ctx;

	(void)channel;
	if (message->type == IPC_STOP)
		child->stopping = true;
	else if (message->type == IPC_GO)
		child->go = true;
	else
		return false;
	return true;
}

void
ipc_child_ready(struct ipc_child *child)
{
	uint8_t payload[4];
	const struct dk_part part = { payload, sizeof(payload) };
	struct dk_writer_buf wr;

	dk_wr_init(&wr, payload, sizeof(payload));
	dk_wr_u32(&wr, child->protections);
	if (!ipc_send(&child->channel[0], IPC_READY, 0, &part, 1))
		say_fatal("the parent is gone");
}

void
ipc_child_violation(struct ipc_child *child, struct ipc_channel *channel)
{
	uint8_t payload[3];
	const struct dk_part part = { payload, sizeof(payload) };
	struct dk_writer_buf wr;

	say(SAY_ERROR, "%s sent a message that breaks the rules (type %04x)",
	    ipc_process_name(channel->peer), channel->violation_type);
	dk_wr_init(&wr, payload, sizeof(payload));
	dk_wr_u8(&wr, (uint8_t)channel->peer);
	dk_wr_u16(&wr, (uint16_t)channel->violation_type);
	(void)ipc_send(&child->channel[0], IPC_VIOLATION, 0, &part, 1);
}

/* A peer that is gone is the parent's affair: it starts the set anew. */
static void
serve(struct ipc_child *child, struct ipc_channel *channel, short revents)
{
	if (revents & POLLOUT)
		ipc_flush(channel);
	if (!(revents & (POLLIN | POLLHUP | POLLERR)) || channel->violated)
		return;
	if (ipc_receive(channel))
		return;
	if (channel->violated)
		ipc_child_violation(child, channel);
	else
		ipc_channel_close(channel);
	if (channel->peer == IPC_PARENT)
		child->stopping = true;
}

bool
ipc_child_round(struct ipc_child *child, int timeout_ms)
{
	struct pollfd fds[IPC_CHANNELS_MAX + 1];
	int n;

	for (unsigned i = 0; i < child->count; i++) {
		struct ipc_channel *c = &child->channel[i];

		fds[i] = (struct pollfd){ .fd = c->violated ? -1 : c->fd };
		fds[i].events = (short)(POLLIN | (ipc_wants_write(c) ? POLLOUT : 0));
	}
	fds[child->count] = (struct pollfd){ .fd = child->wake_fd, .events = POLLIN };
	n = poll(fds, child->count + 1, timeout_ms);
	if (n < 0 && errno != EINTR)
		return false;
	for (unsigned i = 0; n > 0 && i < child->count; i++)
		if (fds[i].revents)
			serve(child, &child->channel[i], fds[i].revents);
	return true;
}

void
ipc_child_flush(struct ipc_child *child)
{
	for (unsigned i = 0; i < child->count; i++)
		ipc_flush(&child->channel[i]);
}

void
ipc_child_gather(struct ipc_child *child)
{
	for (unsigned i = 0; i < child->count; i++)
		child->channel[i].gather = true;
}

void
ipc_child_run(struct ipc_child *child)
{
	/* A channel is closed by a failed send, too, and then nobody is waited for on it. */
	while (!child->stopping && child->channel[0].fd >= 0) {
		if (!ipc_child_round(child, child->tick_ms))
			say_fatal("poll failed");
		if (child->idle)
			child->idle(child->idle_ctx);
		ipc_child_flush(child);
	}
}
