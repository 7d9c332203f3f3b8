/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokend URI: the only process that talks to an HSM, and it talks to nobody
 * else but keyd. It is told key ids and numbers, never objects or users. Threads call the
 * module, some at a time; the main thread receives and sends.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "ipc/child.h"
#include "ipc/payload.h"
#include "keyd/pool.h"
#include "keyd/sealed.h"
#include "native/code.h"
#include "sandbox/sandbox.h"
#include "tokend/token.h"

#define TOKEND_FD_KEYD 4
#define TOKEND_FD_PIN 5

/* So that each answer goes out at once, and none is waited for in the main thread. */
#define CALL_COST 16

struct tokend {
	struct ipc_child child;
	struct pool pool;
	struct ipc_channel *keyd;
	bool told; /* that the PIN was refused */
};

/* So that the parent gives it to no later tokend. */
static void
tell_refused(struct tokend *tokend)
{
	if (!sessions_pin_refused() || tokend->told)
		return;
	tokend->told = true;
	say(SAY_ERROR, "hsm-pin: the HSM does not take the PIN; it is not tried again");
	(void)ipc_send(&tokend->child.channel[0], IPC_PIN_REFUSED, 0, NULL, 0);
}

static void
answer(struct tokend *tokend, uint64_t id, unsigned code, const uint8_t *out, size_t len)
{
	const uint8_t head[2] = { (uint8_t)(code >> 8), (uint8_t)code };
	const struct dk_part parts[] = { { head, sizeof(head) }, { out, len } };

	tell_refused(tokend);
	(void)ipc_send(
	    tokend->keyd, IPC_TOKEN_DONE, id, parts, code == DK_CODE_OK && len > 0 ? 2 : 1);
}

/* A question of keyd, and its answer. */
struct call {
	struct work work; /* first: the threads see nothing else */
	struct ipc_message message;
	struct ipc_token asked; /* in bytes */
	unsigned code;
	size_t len;
	uint8_t out[TOKEN_OUT_MAX_BYTES];
	uint8_t bytes[];
};

static void
call_free(struct call *call)
{
	dk_wipe(call, sizeof(*call) + call->message.len);
	free(call);
}

static void
run(struct work *work)
{
	struct call *call = (struct call *)work;
	const struct ipc_token *asked = &call->asked;
	char uri[IPC_TOKEN_URI_MAX_BYTES + 1] = "";

	if (call->message.type == IPC_TOKEN_MAKE) {
		memcpy(uri, asked->rest.data, asked->rest.len);
		call->code = token_make(asked->type, asked->id, uri, call->out, &call->len);
	} else if (call->message.type == IPC_TOKEN_USE) {
		call->code = token_use(asked->type, asked->id, asked->rest.data, asked->rest.len,
		    call->out, &call->len);
	} else {
		call->code = token_destroy(asked->id);
	}
}

static void
done(struct work *work, void *owner)
{
	struct call *call = (struct call *)work;

	answer(owner, call->message.id, call->code, call->out, call->len);
	call_free(call);
}

static bool
is_question(const struct ipc_message *message, const struct ipc_token *asked)
{
	switch (message->type) {
	case IPC_TOKEN_MAKE:
		return asked->rest.len <= IPC_TOKEN_URI_MAX_BYTES;
	case IPC_TOKEN_USE:
		return asked->rest.len > 0;
	case IPC_TOKEN_DESTROY:
		return asked->rest.len == 0;
	default:
		return false;
	}
}

static bool
on_keyd(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	struct tokend *tokend = ctx;
	struct ipc_token asked;
	struct call *call;

	(void)channel;
	if (!ipc_token_read(message, &asked) || !token_type_known(asked.type) ||
	    !is_question(message, &asked))
		return false;
	call = calloc(1, sizeof(*call) + message->len);
	if (!call) {
		answer(tokend, message->id, DK_CODE_BUSY, NULL, 0);
		return true;
	}
	memcpy(call->bytes, message->data, message->len);
	call->message = *message;
	call->message.data = call->bytes;
	(void)ipc_token_read(&call->message, &call->asked);
	call->work = (struct work){ .cost = CALL_COST, .run = run, .done = done };
	pool_put(&tokend->pool, &call->work, false);
	return true;
}

static void
idle(void *ctx)
{
	struct tokend *tokend = ctx;

	pool_collect(&tokend->pool, tokend);
	pool_hand_over(&tokend->pool, tokend);
	if (tokend->keyd->fd < 0)
		tokend->child.stopping = true;
}

/* At the end: what is under way is waited for, and what waits is given up. */
static void
stop(struct tokend *tokend)
{
	struct work *work;

	pool_stop(&tokend->pool);
	while ((work = pool_left(&tokend->pool)))
		call_free((struct call *)work);
}

/* Calls at the same time: one for each core, and never only one, since one may take long. */
static unsigned
calls(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (cores < 2)
		return 2;
	return cores < TOKEN_SESSIONS_MAX ? (unsigned)cores : TOKEN_SESSIONS_MAX;
}

/* Before the system call filter, which takes hold of the threads too and lets none begin. */
static void
start(struct tokend *tokend, const char *folder, bool sockets)
{
	struct session *session;
	unsigned code = session_take(&session);

	if (code == DK_CODE_OK)
		session_give(session, false);
	tell_refused(tokend);
	if (code != DK_CODE_OK)
		say(SAY_ERROR, "%s: keys in the HSM cannot be used now", dk_code_name(code));
	tokend->child.protections |= sandbox_files(folder);
	if (!pool_start(&tokend->pool, calls()))
		say_fatal("no threads");
	tokend->child.wake_fd = tokend->pool.wake;
	tokend->child.protections |= sandbox_calls_token(sockets);
}

/* argv: URI, folder that the module may use or "", "sockets" or "". */
int
main(int argc, char **argv)
{
	auto_passphrase pin = { .len = 0 };
	static struct tokend tokend;

	ipc_child_begin(&tokend.child, IPC_TOKEND);
	(void)ipc_child_add(
	    &tokend.child, IPC_FD_PARENT, IPC_PARENT, ipc_child_parent_message, &tokend.child);
	tokend.keyd = ipc_child_add(&tokend.child, TOKEND_FD_KEYD, IPC_KEYD, on_keyd, &tokend);
	if (argc != 4)
		say_fatal("not to be started by hand");
	if (passphrase_read(TOKEND_FD_PIN, &pin) != DK_OK)
		pin.len = 0; /* none, or one that was refused before */
	(void)close(TOKEND_FD_PIN);
	if (pin.len > TOKEN_PIN_MAX_BYTES || !sessions_setup(argv[1], pin.bytes, pin.len, calls()))
		say_fatal("the HSM cannot be used");
	start(&tokend, argv[2][0] ? argv[2] : NULL, strcmp(argv[3], "sockets") == 0);
	tokend.child.idle = idle;
	tokend.child.idle_ctx = &tokend;
	ipc_child_ready(&tokend.child);
	ipc_child_gather(&tokend.child);
	ipc_child_run(&tokend.child);
	stop(&tokend);
	return 0;
}
