/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokend URI: the only process that talks to an HSM, and it talks to nobody
 * else but keyd. It is told key ids and numbers, never objects or users.
 */
#include <string.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "ipc/child.h"
#include "ipc/payload.h"
#include "keyd/sealed.h"
#include "native/code.h"
#include "sandbox/sandbox.h"
#include "tokend/token.h"

#define TOKEND_FD_KEYD 4
#define TOKEND_FD_PIN 5

struct tokend {
	struct ipc_child child;
	struct ipc_channel *keyd;
	bool told; /* that the PIN was refused */
};

/* So that the parent gives it to no later tokend. */
static void
tell_refused(struct tokend *tokend)
{
	if (!token_pin_refused() || tokend->told)
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

static bool
on_keyd(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	struct tokend *tokend = ctx;
	uint8_t out[TOKEN_OUT_MAX_BYTES];
	char uri[IPC_TOKEN_URI_MAX_BYTES + 1] = "";
	struct ipc_token asked;
	unsigned code;
	size_t len = 0, in_len;

	(void)channel;
	if (!ipc_token_read(message, &asked) || !token_type_known(asked.type))
		return false;
	in_len = asked.rest.len;
	if (message->type == IPC_TOKEN_MAKE && in_len <= IPC_TOKEN_URI_MAX_BYTES) {
		memcpy(uri, asked.rest.data, in_len);
		code = token_make(asked.type, asked.id, uri, out, &len);
	} else if (message->type == IPC_TOKEN_USE && in_len > 0) {
		code = token_use(asked.type, asked.id, asked.rest.data, in_len, out, &len);
	} else if (message->type == IPC_TOKEN_DESTROY && in_len == 0) {
		code = token_destroy(asked.id);
	} else {
		return false;
	}
	answer(tokend, message->id, code, out, len);
	dk_wipe(out, sizeof(out));
	return true;
}

static void
idle(void *ctx)
{
	struct tokend *tokend = ctx;

	if (tokend->keyd->fd < 0)
		tokend->child.stopping = true;
}

/* argv: URI, folder that the module may use or "", "sockets" or "". */
int
main(int argc, char **argv)
{
	auto_passphrase pin = { .len = 0 };
	static struct tokend tokend;
	unsigned code;

	ipc_child_begin(&tokend.child, IPC_TOKEND);
	(void)ipc_child_add(
	    &tokend.child, IPC_FD_PARENT, IPC_PARENT, ipc_child_parent_message, &tokend.child);
	tokend.keyd = ipc_child_add(&tokend.child, TOKEND_FD_KEYD, IPC_KEYD, on_keyd, &tokend);
	if (argc != 4)
		say_fatal("not to be started by hand");
	if (passphrase_read(TOKEND_FD_PIN, &pin) != DK_OK)
		pin.len = 0; /* none, or one that was refused before */
	(void)close(TOKEND_FD_PIN);
	if (pin.len > TOKEN_PIN_MAX_BYTES || !token_setup(argv[1], pin.bytes, pin.len))
		say_fatal("the HSM cannot be used");
	code = token_connect();
	tell_refused(&tokend);
	if (code != DK_CODE_OK)
		say(SAY_ERROR, "%s: keys in the HSM cannot be used now", dk_code_name(code));
	tokend.child.protections |=
	    sandbox_enter_token(argv[2][0] ? argv[2] : NULL, strcmp(argv[3], "sockets") == 0);
	tokend.child.idle = idle;
	tokend.child.idle_ctx = &tokend;
	ipc_child_ready(&tokend.child);
	ipc_child_run(&tokend.child);
	return 0;
}
