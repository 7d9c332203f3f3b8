/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doublekey-witness: a witness of logs, spec/witness.md. `doublekey log witness` runs it.
 *
 *   http.c -> request.c: layout -> judge.c: checks, cosignature -> state.c: on disk
 *          <------------------------------------------------------ answer
 *
 * One thread: what is checked is checked against the state that is written next (W1), and
 * nothing is handed out before it is on disk (W2).
 */
#ifndef DK_WITNESS_H
#define DK_WITNESS_H

#include "log/checkpoint.h"
#include "log/merkle.h"
#include "log/quorum.h"

#define WITNESS_BODY_MAX_BYTES (65536 + 4096)
#define WITNESS_HASHES_MAX 63
#define WITNESS_HEAD_MAX_BYTES 8192
#define WITNESS_TOLD_PER_S 10
/* Of what is kept: a text, a line of each key, ours. */
#define WITNESS_NOTE_MAX_BYTES \
	(DK_CHECKPOINT_MAX_BYTES + 1 + (DK_QUORUM_LOGS_MAX + 1) * DK_NOTE_LINE_MAX_BYTES)
#define WITNESS_PATH_BYTES 96
#define WITNESS_LOGS_FILE "logs"
#define WITNESS_KEY_FILE "witness.key"

/* A log, with what was cosigned of it last. */
struct witness_log {
	const char *origin;
	char hex[2 * 32 + 1]; /* of SHA-256 of the origin */
	bool seen;
	struct dk_checkpoint newest; /* size 0 and no meaning of the root unless seen */
	size_t note_len;             /* as in the file; 0 unless seen */
	char note[WITNESS_NOTE_MAX_BYTES];
};

struct witness {
	struct dk_note_key key;
	struct dk_secret32 seed;
	struct dk_ed25519 *signer;
	struct dk_quorum logs; /* its log lines */
	unsigned log_count;
	struct witness_log log[DK_QUORUM_LOGS_MAX];
};

/* request.c: borrowed from the body. False: another layout. */
struct witness_request {
	uint64_t old;
	unsigned hash_count;
	uint8_t hashes[WITNESS_HASHES_MAX * DK_HASH_BYTES];
	struct dk_note note;
	const char *origin;
	size_t origin_len;
	struct dk_checkpoint checkpoint;
};
bool witness_request_parse(const char *body, size_t len, struct witness_request *ret);

/* judge.c: up to the state on disk, which is not touched. */
struct witness_verdict {
	unsigned status;         /* of HTTP; 200: line is the answer once next is on disk */
	struct witness_log *log; /* NULL: unknown */
	bool same;               /* the tree is the newest one: nothing to write */
	bool two_trees;          /* the request proves it */
	struct dk_checkpoint next;
	size_t note_len;
	char note[WITNESS_NOTE_MAX_BYTES];
	size_t line_len;
	char line[DK_NOTE_LINE_MAX_BYTES + 1];
};
void witness_judge(struct witness *witness, const struct witness_request *request, uint64_t now,
    struct witness_verdict *ret);

/* state.c; the working directory is the witness's folder. What fails was told. */
bool witness_key_read(struct witness *ret);
/* The file must not be there. */
bool witness_key_write(const struct witness *witness);
bool witness_logs_read(struct witness *witness);
bool witness_state_read(struct witness *witness);
/* What the verdict says becomes the newest, on disk and here. False: neither is. */
bool witness_state_write(const struct witness_verdict *verdict);
/* The first proof stays. */
void witness_refused_keep(const struct witness_log *log, const char *body, size_t len);

/* init.c: a new folder. The exit status. */
int witness_init(const char *dir, const char *name, char *const *vkeys, unsigned n);

/* http.c: witness_listen() opens all that it needs, witness_serve() goes on until SIGTERM or
 * SIGINT and returns the exit status. */
struct witness_tls {
	const char *certificate; /* NULL: none */
	const char *key;
};
/* Before the working directory changes. False: told. */
bool witness_tls_read(const struct witness_tls *tls);
void witness_listen(struct witness *witness, int listener);
int witness_serve(void);

#endif
