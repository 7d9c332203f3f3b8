/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds of cosignatures, and what waits for them. */
#include <stdlib.h>
#include <string.h>

#include "logd/logd.h"

void
cosign_start(struct logd *logd)
{
	struct cosign *c = &logd->cosign;

	if (!ipc_witnesses_take(LOGD_FD_WITNESSES, &c->conf, &c->quorum))
		say_fatal("the policy of the witnesses cannot be used");
	for (unsigned i = 0; i < c->quorum.node_count; i++) {
		const struct dk_quorum_node *node = &c->quorum.node[i];

		if (node->needed == 0)
			memcpy(c->of[node->witness].state.name, node->name, sizeof(node->name));
	}
	c->done_ms = ipc_clock_ms();
}

/* ---- what waits ---- */

static void
answer_first(struct logd *logd, unsigned code)
{
	struct cosign *c = &logd->cosign;
	struct cosign_wait *w = c->first;

	c->first = w->next;
	if (!c->first)
		c->last = NULL;
	batch_acknowledge(logd, w->id, code, w->index, &c->done);
	free(w);
}

/* keyd has no more under way than it may have. */
void
cosign_wait(struct logd *logd, uint64_t id, uint64_t index)
{
	struct cosign *c = &logd->cosign;
	struct cosign_wait *w = malloc(sizeof(*w));

	if (!w)
		say_fatal("no memory");
	*w = (struct cosign_wait){
		.id = id, .index = index, .deadline_ms = ipc_clock_ms() + c->conf.wait_s * 1000u
	};
	if (c->last)
		c->last->next = w;
	else
		c->first = w;
	c->last = w;
}

/* They come in the order of the log, and wait equally long. */
static void
expire(struct logd *logd, uint64_t now)
{
	struct cosign *c = &logd->cosign;

	while (c->first && c->first->deadline_ms <= now)
		answer_first(logd, DK_CODE_QUORUM);
}

/* ---- the round ---- */

/* The checkpoint of the round with all lines that there are. */
static void
finish(struct logd *logd)
{
	struct cosign *c = &logd->cosign;
	struct cosign_point *done = &c->done;

	*done = c->round;
	for (unsigned i = 0; i < c->quorum.witness_count; i++) {
		if (!(c->have >> i & 1) || c->line_len[i] > sizeof(done->text) - done->len)
			continue;
		memcpy(done->text + done->len, c->line[i], c->line_len[i]);
		done->len += c->line_len[i];
	}
}

void
cosign_took(struct logd *logd, unsigned number)
{
	struct cosign *c = &logd->cosign;

	c->have |= (uint32_t)1 << number;
	if (!dk_quorum_reached(&c->quorum, c->have))
		return;
	finish(logd);
	if (!c->open)
		return;
	c->open = false;
	c->done_ms = ipc_clock_ms();
	c->done_s = ipc_now();
	while (c->first && c->first->index < c->done.size)
		answer_first(logd, DK_CODE_OK);
}

/* Somebody is asked for this very tree, and may still answer. */
static bool
is_asked(const struct cosign *c)
{
	for (unsigned i = 0; i < c->quorum.witness_count; i++)
		if (c->of[i].ask_id != 0 && c->of[i].asked == c->round.size)
			return true;
	return false;
}

static bool
wants_round(const struct logd *logd, uint64_t now)
{
	const struct cosign *c = &logd->cosign;

	if (logd->tree.size == c->round.size || (c->open && is_asked(c)))
		return false;
	return c->first || now >= c->begun_ms + COSIGN_PAUSE_MS;
}

static void
begin_round(struct logd *logd, uint64_t now)
{
	struct cosign *c = &logd->cosign;
	struct cosign_point newest;

	if (!checkpoint_newest(logd, &newest) || newest.size == c->round.size)
		return;
	c->round = newest;
	c->have = 0;
	c->open = true;
	c->begun_ms = now;
}

void
cosign_step(struct logd *logd)
{
	struct cosign *c = &logd->cosign;
	const uint64_t now = ipc_clock_ms();

	expire(logd, now);
	if (c->quorum.witness_count == 0 || (logd->failed && store_is_shared(logd->store)))
		return;
	if (wants_round(logd, now))
		begin_round(logd, now);
	for (unsigned i = 0; i < c->quorum.witness_count && c->round.size > 0; i++) {
		const struct cosigner *w = &c->of[i];

		if (w->ask_id == 0 && !(c->have >> i & 1) && w->next_ms <= now &&
		    w->known <= c->round.size)
			cosign_ask(logd, i);
	}
}

int
cosign_tick_ms(const struct logd *logd)
{
	const struct cosign *c = &logd->cosign;

	return c->first ? COSIGN_DELAY_FIRST_MS : 1000;
}

/* ---- what others see ---- */

/* A log whose witnesses are away is still a log, and silence would be worse. */
const struct cosign_point *
cosign_shown(const struct logd *logd)
{
	const struct cosign *c = &logd->cosign;

	if (c->quorum.witness_count == 0 || logd->tiles.size == 0 ||
	    ipc_clock_ms() >= c->done_ms + COSIGN_SHOW_MS)
		return c->done.size > 0 && c->done.size == logd->tree.size ? &c->done : NULL;
	return &c->done;
}

void
cosign_tell(struct logd *logd)
{
	const struct cosign *c = &logd->cosign;
	uint8_t payload[IPC_WITNESS_STATE_MAX_BYTES];
	struct dk_part part = { payload, 0 };
	static struct ipc_witness_state state;

	if (c->quorum.witness_count == 0)
		return;
	state.size = c->done.size;
	state.time = c->done_s;
	state.count = c->quorum.witness_count;
	for (unsigned i = 0; i < state.count; i++)
		state.of[i] = c->of[i].state;
	part.len = ipc_witness_state_write(&state, payload);
	(void)ipc_send(&logd->child.channel[0], IPC_WITNESS_STATE, 0, &part, 1);
	(void)ipc_send(logd->httpd, IPC_WITNESS_GAUGES, 0, &part, 1);
}
