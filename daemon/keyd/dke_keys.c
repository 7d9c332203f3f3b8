/* SPDX-License-Identifier: Apache-2.0 */
/* The public halves that httpd answers with, and keys that a canary freezes. */
#include <stdlib.h>
#include <string.h>

#include "ipc/dke.h"
#include "keyd/keyd.h"

_Static_assert(STATE_KEYS_MAX <= IPC_DKE_KEYS_MAX, "room for each key");

#define KEY_MAX_BYTES (2 * (1 + IPC_DKE_NAME_MAX_BYTES) + 2 + DK_DKE_MAX_BYTES)

static int
by_name(const void *a, const void *b)
{
	const struct service_key *const *x = a, *const *y = b;

	return strcmp((*x)->dke_name, (*y)->dke_name);
}

static void
put_text(struct dk_writer_buf *wr, const char *text)
{
	dk_wr_u8(wr, (uint8_t)strlen(text));
	dk_wr_bytes(wr, text, strlen(text));
}

static void
put_key(struct dk_writer_buf *wr, const struct service_key *key)
{
	const struct key_version *v = state_dke_published(key);
	size_t len;
	const uint8_t *modulus = dk_dke_modulus(v->dke, &len);

	put_text(wr, key->dke_name);
	put_text(wr, v->dke_id);
	dk_wr_u16(wr, (uint16_t)len);
	dk_wr_bytes(wr, modulus, len);
}

static void
send_keys(struct keyd *keyd)
{
	const size_t cap = 2 + (size_t)keyd->state.key_count * KEY_MAX_BYTES;
	const struct service_key *published[STATE_KEYS_MAX];
	struct dk_part part = { malloc(cap), 0 };
	struct dk_writer_buf wr;
	unsigned n = 0;

	if (!part.data)
		say_fatal("no memory");
	for (unsigned i = 0; i < keyd->state.key_count; i++)
		if (keyd->state.key[i]->dke_name[0] && state_dke_published(keyd->state.key[i]))
			published[n++] = keyd->state.key[i];
	qsort(published, n, sizeof(published[0]), by_name);
	dk_wr_init(&wr, (uint8_t *)(uintptr_t)part.data, cap);
	dk_wr_u16(&wr, (uint16_t)n);
	for (unsigned i = 0; i < n; i++)
		put_key(&wr, published[i]);
	part.len = wr.len;
	if (wr.failed || !ipc_send(keyd->httpd, IPC_DKE_KEYS, 0, &part, 1))
		say(SAY_ERROR, "httpd cannot be told of the keys");
	free((void *)(uintptr_t)part.data);
}

/* Where nodes share the state, a change that is not shared yet may be taken back. */
void
keyd_tell_dke_keys(struct keyd *keyd)
{
	if (!keyd->anchored || keyd_share_busy(keyd) ||
	    (keyd->dke_told && keyd->dke_changes == keyd->changes))
		return;
	keyd->dke_told = true;
	keyd->dke_changes = keyd->changes;
	send_keys(keyd);
}

/* ---- canaries ---- */

void
keyd_canary(struct keyd *keyd, struct service_key *key, uint64_t index)
{
	if (key->frozen || key->canary)
		return;
	keyd_state_lock(keyd);
	key->canary_index = index;
	key->canary = true;
	/* What was judged before and is not recorded yet is judged anew. */
	keyd->changes++;
	keyd_state_unlock(keyd);
}

struct freeze {
	char name[DK_SERVICE_NAME_MAX_BYTES + 1];
};

static void
frozen(struct keyd *keyd, bool ok, void *ctx)
{
	(void)ok; /* else the key is still marked, and is frozen in the next round */
	free(ctx);
	keyd_act_end(keyd);
}

static void
freeze_logged(struct keyd *keyd, unsigned code, const struct dk_receipt *receipt, void *ctx)
{
	struct freeze *f = ctx;
	struct service_key *key = state_key_by_name(&keyd->state, f->name);

	if (code != DK_CODE_OK || !key) {
		if (code == IPC_CODE_STALE)
			keyd_share_look(keyd);
		frozen(keyd, false, f);
		return;
	}
	key->frozen = true;
	key->canary = false;
	say(SAY_WARNING, "canary: a canary document of the key %s was asked for; it is frozen",
	    key->name);
	keyd_commit(keyd, receipt->index, receipt->leaf, frozen, f);
}

static void
freeze(struct keyd *keyd, const struct service_key *key)
{
	struct freeze *f = calloc(1, sizeof(*f));
	struct dk_log_event event;

	if (!f)
		return;
	memcpy(f->name, key->name, sizeof(f->name));
	keyd_event(&event, DK_LOG_FROZEN, DK_LOG_DKE, DK_CODE_OK);
	memcpy(event.key_name, key->name, sizeof(f->name));
	keyd_add_factor(&event, DK_FACTOR_DENIAL, IPC_KEYD, key->canary_index);
	event.generation = keyd->state.generation + 1;
	keyd_act_begin(keyd);
	keyd_log(keyd, &event, NULL, freeze_logged, f);
}

void
keyd_freeze_canaries(struct keyd *keyd)
{
	for (unsigned i = 0; i < keyd->state.key_count; i++)
		if (keyd->state.key[i]->canary && !keyd->acting && !keyd_share_busy(keyd)) {
			freeze(keyd, keyd->state.key[i]);
			return; /* one act at a time */
		}
}
