/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "fetchd/fetchd.h"
#include "ipc/child.h"
#include "sandbox/sandbox.h"

struct fetchd {
	struct ipc_child child;
	struct ipc_channel *parent;
};

static void
on_done(void *ctx, const struct fetch_done *done)
{
	struct fetchd *fetchd = ctx;
	const uint8_t head[3] = { (uint8_t)done->result, (uint8_t)(done->status >> 8),
		(uint8_t)done->status };
	const struct dk_part parts[] = { { head, sizeof(head) }, { done->body, done->len } };

	(void)ipc_send(fetchd->parent, IPC_FETCHED, done->id, parts, done->len > 0 ? 2 : 1);
}

/* With other files for the resolver than the sandbox lets it read, nothing can be
 * fetched: the parent starts another fetchd, and asks it. */
static void
end_if_resolver_changed(struct fetchd *fetchd)
{
	if (fetch_under_way() > 0 || directory_under_way() > 0 || !resolver_changed())
		return;
	say(SAY_INFO, "the files of the resolver are others now: starting anew");
	fetchd->child.stopping = true;
}

static bool
on_parent(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	struct fetchd *fetchd = ctx;
	struct ipc_fetch what;

	if (message->type == IPC_DIRECTORY) {
		end_if_resolver_changed(fetchd);
		return fetchd->child.stopping ||
		    directory_begin(message->id, message->data, message->len);
	}
	if (message->type != IPC_FETCH && message->type != IPC_POST)
		return ipc_child_parent_message(&fetchd->child, channel, message);
	if (!(message->type == IPC_POST ? ipc_post_read(message->data, message->len, &what)
					: ipc_fetch_read(message->data, message->len, &what)))
		return false;
	end_if_resolver_changed(fetchd);
	return fetchd->child.stopping || fetch_begin(message->id, &what);
}

int
main(void)
{
	static struct fetchd fetchd;

	ipc_child_begin(&fetchd.child, IPC_FETCHD);
	fetchd.parent = ipc_child_add(&fetchd.child, IPC_FD_PARENT, IPC_PARENT, on_parent, &fetchd);
	/* libldap: no file of settings, no variable counts. */
	if (setenv("LDAPNOINIT", "1", 1) != 0 || !fetch_start(on_done, &fetchd) ||
	    !directory_start(on_done, &fetchd))
		say_fatal("libcurl does not do what it must");
	resolver_start();
	fetchd.child.protections |= sandbox_enter_fetch(sandbox_resolver_files);
	ipc_child_ready(&fetchd.child);
	while (!fetchd.child.stopping && fetchd.child.channel[0].fd >= 0) {
		fetch_wait(fetchd.parent->fd, ipc_wants_write(fetchd.parent), directory_fd());
		directory_finish();
		if (!ipc_child_round(&fetchd.child, 0))
			say_fatal("poll failed");
	}
	/* Threads may be in the midst of what exit() takes down. */
	if (directory_under_way() > 0)
		_exit(0);
	fetch_stop();
	return 0;
}
