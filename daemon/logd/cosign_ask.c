/* SPDX-License-Identifier: Apache-2.0 */
/* What one witness is asked, and what its answer is worth. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto/base64.h"
#include "logd/logd.h"

/* ---- asking ---- */

/* Body of add-checkpoint; 0: it cannot be made. */
static size_t
body(struct logd *logd, uint64_t from, char text[IPC_POST_BODY_MAX_BYTES])
{
	uint8_t hashes[DK_CONSISTENCY_HASHES_MAX * DK_HASH_BYTES];
	const struct cosign_point *round = &logd->cosign.round;
	char line[DK_BASE64_CHARS(DK_HASH_BYTES) + 1];
	unsigned n = 0;
	size_t len;
	int w;

	w = snprintf(text, IPC_POST_BODY_MAX_BYTES, "old %" PRIu64 "\n", from);
	if (w <= 0 || !tree_consistency(&logd->tree, from, round->size, hashes, &n))
		return 0;
	len = (size_t)w;
	for (unsigned i = 0; i < n; i++) {
		if (dk_base64_encode(hashes + (size_t)i * DK_HASH_BYTES, DK_HASH_BYTES, line,
			sizeof(line)) != DK_OK)
			return 0;
		w = snprintf(text + len, IPC_POST_BODY_MAX_BYTES - len, "%s\n", line);
		if (w <= 0 || (size_t)w >= IPC_POST_BODY_MAX_BYTES - len)
			return 0;
		len += (size_t)w;
	}
	if (round->len + 1 > IPC_POST_BODY_MAX_BYTES - len)
		return 0;
	text[len++] = '\n';
	memcpy(text + len, round->text, round->len);
	return len + round->len;
}

static void
failed(struct cosigner *w, unsigned result, unsigned status)
{
	w->moved = false;
	w->state.failures++;
	w->state.result = (uint8_t)result;
	w->state.status = (uint16_t)status;
	w->delay_ms = w->delay_ms == 0 ? COSIGN_DELAY_FIRST_MS : 2 * w->delay_ms;
	if (w->delay_ms > COSIGN_DELAY_LAST_MS)
		w->delay_ms = COSIGN_DELAY_LAST_MS;
	w->next_ms = ipc_clock_ms() + w->delay_ms;
	if (!w->ill)
		say(SAY_WARNING, "witness %s does not cosign: %s%s%.0u", w->state.name,
		    ipc_fetch_result_name(result), status > 0 ? ", HTTP " : "", status);
	w->ill = true;
}

void
cosign_ask(struct logd *logd, unsigned number)
{
	static char text[IPC_POST_BODY_MAX_BYTES];
	struct cosign *c = &logd->cosign;
	struct cosigner *w = &c->of[number];
	const uint8_t head = (uint8_t)number;
	const size_t len = body(logd, w->known, text);
	const struct dk_part parts[] = { { &head, 1 }, { text, len } };

	w->asked = c->round.size;
	w->ask_id = ++c->next_id;
	if (len == 0 || !ipc_send(&logd->child.channel[0], IPC_WITNESS_ASK, w->ask_id, parts, 2)) {
		w->ask_id = 0;
		failed(w, IPC_FETCH_TRANSFER, 0);
	}
}

/* ---- the answer ---- */

/* The line of this witness among those of the answer, which must hold under the round. */
static bool
take_line(struct logd *logd, unsigned number, const struct dk_part *bytes)
{
	struct cosign *c = &logd->cosign;
	const struct dk_note_key *key = &c->quorum.witness[number].key;
	char text[DK_CHECKPOINT_MAX_BYTES + DK_CHECKPOINT_MAX_BYTES];
	size_t at = 0, begin = 0;
	struct dk_note_line line;
	struct dk_note_seen seen;
	struct dk_note note;

	if (bytes->len > DK_CHECKPOINT_MAX_BYTES)
		return false;
	memcpy(text, c->round.text, c->round.len);
	memcpy(text + c->round.len, bytes->data, bytes->len);
	if (dk_note_parse(text, c->round.len + bytes->len, &note) != DK_OK ||
	    dk_note_verify(&note, key, &seen) != DK_OK || seen.count == 0)
		return false;
	for (; dk_note_next(&note, &at, &line); begin = at)
		if (line.name_len == strlen(key->name) &&
		    memcmp(line.name, key->name, line.name_len) == 0 &&
		    memcmp(line.id, key->id, sizeof(line.id)) == 0)
			break;
	if (at - begin > DK_NOTE_LINE_MAX_BYTES)
		return false;
	memcpy(c->line[number], note.lines + begin, at - begin);
	c->line_len[number] = at - begin;
	c->of[number].state.time = seen.time;
	return true;
}

static void
cosigned(struct logd *logd, unsigned number, const struct dk_part *bytes)
{
	struct cosign *c = &logd->cosign;
	struct cosigner *w = &c->of[number];
	const bool of_round = w->asked == c->round.size;

	/* Behind a round that is over, only its word counts, of how far it is. */
	if (of_round && !take_line(logd, number, bytes)) {
		failed(w, IPC_FETCH_REFUSED, 200);
		return;
	}
	if (w->ill)
		say(SAY_INFO, "witness %s cosigns again", w->state.name);
	w->ill = w->moved = false;
	w->delay_ms = 0;
	w->known = w->asked;
	w->state.result = IPC_FETCH_OK;
	w->state.status = 200;
	if (!of_round)
		return;
	w->state.size = w->asked;
	cosign_took(logd, number);
}

/* 409: it has another tree than was thought; a larger one than ours is a log that went back. */
static void
conflict(struct logd *logd, struct cosigner *w, const struct dk_part *bytes)
{
	const char *text = bytes->data;
	uint64_t size;

	if (bytes->len < 2 || text[bytes->len - 1] != '\n' ||
	    !dk_log_number_parse(text, bytes->len - 1, &size) || size == w->known) {
		failed(w, IPC_FETCH_REFUSED, 409);
		return;
	}
	if (size > logd->tree.size && (!shared_look(logd) || size > logd->tree.size)) {
		if (!w->ill)
			say(SAY_ERROR,
			    "log-rolled-back: witness %s has cosigned %" PRIu64
			    " entries of this log, which has %" PRIu64,
			    w->state.name, size, logd->tree.size);
		failed(w, IPC_FETCH_REFUSED, 409);
		return;
	}
	w->known = size;
	/* Once, it has only seen more than was thought. */
	if (w->moved)
		failed(w, IPC_FETCH_REFUSED, 409);
	w->moved = true;
}

bool
cosign_on_answer(struct logd *logd, const struct ipc_message *message)
{
	struct cosign *c = &logd->cosign;
	struct ipc_fetched answer;
	unsigned number = 0;

	if (!ipc_fetched_read(message->data, message->len, &answer))
		return false;
	while (number < c->quorum.witness_count &&
	    (c->of[number].ask_id == 0 || c->of[number].ask_id != message->id))
		number++;
	if (number == c->quorum.witness_count)
		return false;
	c->of[number].ask_id = 0;
	if (answer.result != IPC_FETCH_OK)
		failed(&c->of[number], answer.result, answer.status);
	else if (answer.status == 200)
		cosigned(logd, number, &answer.bytes);
	else if (answer.status == 409)
		conflict(logd, &c->of[number], &answer.bytes);
	else {
		if (answer.status == 422 && !c->of[number].ill)
			say(SAY_ERROR, "witness %s finds this log not consistent with what it has",
			    c->of[number].state.name);
		failed(&c->of[number], IPC_FETCH_STATUS, answer.status);
	}
	return true;
}
