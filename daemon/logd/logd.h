/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logd: the only user of the store.
 *
 *   batch_append -> batch -> batch_commit: nonce, entry, nodes, checkpoint, COMMIT
 *                              -> APPENDED to keyd, for each its proof
 *   every second: tiles.c begins to write what the store has and the files have
 *   not, a file or few after each commit
 *
 * Entries that came in one round of messages share one transaction.
 *
 * A store that is shared belongs to a cluster (spec/cluster.md): there, each batch begins
 * where the log is, whoever went on with it.
 */
#ifndef DK_LOGD_H
#define DK_LOGD_H

#include "ipc/child.h"
#include "log/checkpoint.h"
#include "logd/cosign.h"
#include "logd/tree.h"
#include "native/code.h"

#define LOGD_FD_KEYD 4
#define LOGD_FD_HTTPD 5
#define LOGD_FD_WITNESSES 6 /* struct ipc_witnesses */
#define LOGD_FD_STORE 7 /* URI of the database; not there: the store is a file */
#define LOGD_BATCH_MAX 1024
#define LOGD_HEARTBEAT_S 60
#define LOGD_NONCE_LIFE_S 4000
#define TILES_PATH_MAX_BYTES 128
#define TILES_FOLDERS_MAX 8
#define LOGD_KEY_FILE "log.key"
#define LOGD_DB_FILE "log.db"
#define LOGD_KEY_MAX_BYTES 1024

struct batch_entry {
	bool own;     /* of logd itself: nobody waits for it */
	bool refused; /* of another generation or policy: not of the transaction */
	uint64_t generation;
	unsigned policy_rule;
	uint8_t policy[32];
	uint64_t id;
	unsigned code;
	uint64_t index;
	uint64_t created;
	uint8_t device[32];
	uint8_t nonce[16];
	uint64_t until; /* of a token; 0: a request */
	bool quorum; /* acknowledged when the quorum has cosigned */
	struct store_use *use; /* NULL: without a nonce */
	uint8_t leaf[DK_LEAF_BYTES];
	unsigned charge_count;
	struct store_charge charge[IPC_CHARGES_MAX];
	size_t record_len;
	uint8_t *record;
};

/* The files, and how far they are on the way to a newer tree. */
#define TILES_LEVELS 7 /* of 256 hashes each; a tree has fewer than 2^56 entries */

struct tiles {
	uint64_t size; /* of the tree that they show */
	bool busy;
	uint64_t to;    /* size of the tree that they will show */
	unsigned level; /* next one to write: level and index; of level 0, tile or bundle */
	uint64_t index;
	bool bundle;
	unsigned folder_count; /* with names in them that are not synced */
	char folder[TILES_FOLDERS_MAX][TILES_PATH_MAX_BYTES];
	size_t len; /* of the checkpoint for it */
	char text[DK_CHECKPOINT_MAX_BYTES];
	size_t shown; /* length of the one that stands there */
	uint64_t old[TILES_LEVELS]; /* of each level: no partial tile below this index */
};

struct erase;

struct logd {
	struct ipc_child child;
	struct ipc_channel *keyd;
	struct ipc_channel *httpd;
	struct store *store;
	struct tree tree;
	struct dk_log_signer signer;
	unsigned batch_count;
	struct batch_entry batch[LOGD_BATCH_MAX];
	struct store_use use[LOGD_BATCH_MAX];
	struct store_budgets budgets;
	struct store_head head; /* of a shared store, as this node saw it last */
	uint64_t told_generation;
	bool has_policy; /* this node's */
	uint8_t policy[32];
	uint8_t told_policy[32];        /* another one's, as the parent knows */
	const char *const *store_files; /* that a connection to it reads */
	uint64_t not_before_s; /* requests made before are replays, as far as anybody knows */
	uint64_t tokens_from_s; /* what it was at the start: of tokens made before, a backup that was
				 * restored since may not know the use */
	uint64_t last_entry_s;
	uint64_t tiles_s;
	struct tiles tiles;
	struct cosign cosign;
	struct erase *erase;   /* under way, or NULL */
	uint64_t checkpoint_s; /* when the last one was signed */
	bool failed;           /* of the last commit, so that it is said once */
};

/* key.c: spec of the file is the code; both ends are here. */
bool log_key_write(int fd, const struct dk_log_signer *signer);
bool log_key_read(int fd, struct dk_log_signer *ret_signer);
/* What a log is, wherever it is kept: SHA-256 over its public keys and its origin. */
bool log_key_id(const struct dk_log_signer *signer, uint8_t ret_id[DK_SHA256_BYTES]);
/* That of the macs of spec/cluster.md section 2.1, which all nodes have. */
bool log_key_head(const struct dk_log_signer *signer, struct dk_secret48 *ret_key);

/* main.c: the store does not take entries, or does again; told once. */
void logd_failed(struct logd *logd);

/* database.c, or no_database.c, which does nothing: opens the store that descriptor 6 names. */
void logd_open_database(struct logd *logd);

/* shared.c: all of it does nothing where the store is not shared. */
/* The log as it is: at the beginning of a batch, and (look) between two. */
bool shared_take(struct logd *logd, const struct store_head *head);
bool shared_look(struct logd *logd);
/* Marks the entries that must not be of this batch. How many. */
unsigned shared_refuse(struct logd *logd);
/* The entry changes what others are judged by: nothing is in a batch behind it. */
bool shared_is_last(const struct logd *logd, const struct batch_entry *e);
/* Whether what this node judges by is what the others do. */
bool shared_agrees(const struct logd *logd);
/* Where the log will be when this batch is committed; and that it was. */
bool shared_next(struct logd *logd, struct store_head *head);
void shared_keep(struct logd *logd, const struct store_head *head);
/* The batch was given up: the tree as it was before. False: the store is not shared. */
bool shared_back(struct logd *logd);
/* Whether an entry of logd itself is still wanted. */
bool shared_wants(const struct logd *logd, unsigned class_);
/* In each round. */
void shared_step(struct logd *logd);

/* tiles.c */
/* The newest one of the store, of a tree that is here; false: it cannot be read. */
bool checkpoint_newest(struct logd *logd, struct cosign_point *ret);
bool tiles_load(struct logd *logd);
/* The files are to show the tree of now; nothing if they are under way to another one. */
bool tiles_begin(struct logd *logd);
/* The next file or sync, if tiles.busy; the checkpoint is the last one. False: not written, and
 * given up until tiles_begin(). */
bool tiles_step(struct logd *logd);
/* tiles_old.c: partial ones that full ones have taken the place of, some at a time. */
void tiles_remove_old(struct logd *logd);
/* Bytes behind /log/; false if there is no such file. */
bool tiles_read(const char *path, uint8_t *out, size_t cap, size_t *ret_len);

/* batch.c: APPEND, acknowledged when its batch is committed. False: not its layout. */
bool batch_append(struct logd *logd, const struct ipc_message *message);
/* An entry that logd makes itself: begun, heartbeat. */
void batch_append_own(struct logd *logd, unsigned class_);
void batch_commit(struct logd *logd);
/* The entry is durable, or the code says why it is not; proof and checkpoint are of this one. */
void batch_acknowledge(struct logd *logd, uint64_t id, unsigned code, uint64_t index,
    const struct cosign_point *point);

/* erase.c: ERASE, answered when the last step is done. False: not its layout, or not the
 * time for it. */
bool erase_begin(struct logd *logd, const struct ipc_message *message);
/* The next entries, if logd->erase. */
void erase_step(struct logd *logd);
/* state.c: the sealed state that nodes share, STATE_TAKE and STATE_PUT of keyd. */
bool state_take(struct logd *logd, const struct ipc_message *message);
bool state_put(struct logd *logd, const struct ipc_message *message);

/* read.c: RECORDS of the parent, ANCHOR and ENTRIES of keyd, READ of httpd. False: not its layout. */
bool read_records(struct logd *logd, const struct ipc_message *message);
bool read_anchor(struct logd *logd, const struct ipc_message *message);
bool read_data(struct logd *logd, const struct ipc_message *message);

#endif
