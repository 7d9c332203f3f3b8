/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cosignatures of witnesses, spec/log.md section 17.
 *
 *   round: the newest checkpoint -> each witness that is free -> a line of each
 *     quorum reached -> done: what waits for it is acknowledged, the files may show it
 *     nobody is asked any more, and there is a newer checkpoint -> the next round
 *
 * A witness that does not answer holds up nobody else: it is asked for the round of then,
 * when it is back. Whatever comes from outside is only taken if its signature holds.
 */
#ifndef DK_LOGD_COSIGN_H
#define DK_LOGD_COSIGN_H

#include "ipc/channel.h"
#include "ipc/witness.h"
#include "log/checkpoint.h"

#define COSIGN_PAUSE_MS 1000 /* between rounds that nobody waits for */
#define COSIGN_DELAY_FIRST_MS 100
#define COSIGN_DELAY_LAST_MS 10000
#define COSIGN_SHOW_MS 5000 /* then the files go on without */

struct logd;

/* A checkpoint, with whatever lines. */
struct cosign_point {
	uint64_t size;
	size_t len;
	char text[DK_CHECKPOINT_MAX_BYTES];
};

struct cosigner {
	uint64_t ask_id; /* 0: it is not asked now */
	uint64_t asked;  /* size of the tree that it is asked for */
	uint64_t known;  /* of the newest one that it has, by its own word */
	uint64_t next_ms, delay_ms;
	bool ill;   /* that was told */
	bool moved; /* its last answer was that it has another tree */
	struct ipc_witness_of state;
};

struct cosign_wait {
	struct cosign_wait *next;
	uint64_t id, index;
	uint64_t deadline_ms;
};

struct cosign {
	struct ipc_witnesses conf;
	struct dk_quorum quorum; /* its witnesses have the numbers of the arrays here */
	struct cosigner of[DK_QUORUM_WITNESSES_MAX];
	/* the round */
	bool open; /* the quorum is not reached */
	uint64_t begun_ms;
	struct cosign_point round; /* size 0: there was none */
	uint32_t have;
	size_t line_len[DK_QUORUM_WITNESSES_MAX];
	char line[DK_QUORUM_WITNESSES_MAX][DK_NOTE_LINE_MAX_BYTES + 1];
	/* the newest one with a quorum */
	struct cosign_point done; /* size 0: none since the start */
	uint64_t done_ms, done_s;
	/* oldest first */
	struct cosign_wait *first, *last;
	uint64_t next_id;
};

/* cosign.c */
void cosign_start(struct logd *logd);
/* An entry that is durable, to be acknowledged with a cosigned checkpoint. */
void cosign_wait(struct logd *logd, uint64_t id, uint64_t index);
/* In each round of messages: who is to be asked, and who has waited too long. */
void cosign_step(struct logd *logd);
int cosign_tick_ms(const struct logd *logd);
/* What the files are to show; NULL: the newest one, as it is. */
const struct cosign_point *cosign_shown(const struct logd *logd);
void cosign_tell(struct logd *logd);
/* A line of this witness for the round holds. */
void cosign_took(struct logd *logd, unsigned number);

/* cosign_ask.c: one witness. */
void cosign_ask(struct logd *logd, unsigned number);
/* WITNESS_ANSWER. False: nobody asked, or not its layout. */
bool cosign_on_answer(struct logd *logd, const struct ipc_message *message);

#endif
