/* SPDX-License-Identifier: Apache-2.0 */
/* What keyd asks of tokend. Each question has one answer, or keyd ends: a tokend
 * that is gone ends the set of processes. */
#include <stdlib.h>
#include <string.h>

#include "ipc/payload.h"
#include "keyd/keyd.h"

struct token_wait {
	struct token_wait *next;
	uint64_t id;
	token_fn done;
	void *ctx;
	unsigned index;
};

static bool
ask(struct keyd *keyd, unsigned message, unsigned type, const uint8_t id[STATE_TOKEN_ID_BYTES],
    const void *rest, size_t len, uint64_t number)
{
	const uint8_t head[2] = { (uint8_t)(type >> 8), (uint8_t)type };
	const struct dk_part parts[] = { { head, 2 }, { id, STATE_TOKEN_ID_BYTES }, { rest, len } };

	return keyd->tokend && ipc_send(keyd->tokend, message, number, parts, 3);
}

static bool
ask_and_wait(struct keyd *keyd, unsigned message, unsigned type,
    const uint8_t id[STATE_TOKEN_ID_BYTES], const void *rest, size_t len,
    const struct token_wait *wait)
{
	struct token_wait *w = malloc(sizeof(*w));

	if (!w)
		return false;
	*w = *wait;
	w->id = ++keyd->next_id;
	if (!ask(keyd, message, type, id, rest, len, w->id)) {
		free(w);
		return false;
	}
	w->next = keyd->token_waits;
	keyd->token_waits = w;
	return true;
}

bool
keyd_token_make(struct keyd *keyd, unsigned type, const uint8_t id[STATE_TOKEN_ID_BYTES],
    const char *uri, token_fn done, void *ctx)
{
	const struct token_wait wait = { .done = done, .ctx = ctx };

	return ask_and_wait(keyd, IPC_TOKEN_MAKE, type, id, uri, strlen(uri), &wait);
}

bool
keyd_token_use(struct keyd *keyd, const struct key_version *version, const uint8_t *in, size_t len,
    token_fn done, void *ctx, unsigned index)
{
	const struct token_wait wait = { .done = done, .ctx = ctx, .index = index };

	return ask_and_wait(keyd, IPC_TOKEN_USE, version->type, version->token_id, in, len, &wait);
}

static void
destroyed(
    struct keyd *keyd, void *ctx, unsigned index, unsigned code, const uint8_t *out, size_t len)
{
	(void)keyd;
	(void)ctx;
	(void)index;
	(void)out;
	(void)len;
	if (code != DK_CODE_OK)
		say(SAY_ERROR, "%s: a destroyed key is still in the HSM; remove it there",
		    dk_code_name(code));
}

void
keyd_token_destroy(struct keyd *keyd, const struct key_version *version)
{
	const struct token_wait wait = { .done = destroyed };

	if (!ask_and_wait(
		keyd, IPC_TOKEN_DESTROY, version->type, version->token_id, NULL, 0, &wait))
		destroyed(keyd, NULL, 0, DK_CODE_HSM, NULL, 0);
}

bool
keyd_on_token(struct keyd *keyd, const struct ipc_message *message)
{
	struct token_wait **link = &keyd->token_waits, *w;
	struct ipc_coded done;

	if (!ipc_coded_read(message, &done) || (done.code != DK_CODE_OK && done.rest.len > 0))
		return false;
	while (*link && (*link)->id != message->id)
		link = &(*link)->next;
	w = *link;
	if (!w)
		return false;
	*link = w->next;
	w->done(keyd, w->ctx, w->index, done.code, done.rest.data, done.rest.len);
	free(w);
	return true;
}
