/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store as a database, for its files:
 *
 *   postgres_uri      what may stand in the URI
 *   postgres_connect  connection, session, statements
 *   postgres_round    one round: statements behind each other, then their results
 *   postgres_sql      the statements
 *   postgres_array    many values as one parameter
 *   postgres          a batch: begin, what it writes, commit
 *   postgres_head     where the log is, and who says so
 *   postgres_log, postgres_used, postgres_shared, postgres_erase   what it reads and writes
 *
 * Whatever goes wrong ends the connection: the server rolls back what was not committed,
 * and the next batch makes a new one.
 */
#ifndef DK_STORE_POSTGRES_IMPL_H
#define DK_STORE_POSTGRES_IMPL_H

#include <libpq-fe.h>

#include "crypto/hash.h"
#include "store/postgres.h"

#define PG_ROUND_MS 10000
#define PG_ARGS_MAX 9
/* What a batch holds back until then; a migration writes more than memory has. */
#define PG_FLUSH_BYTES (8u << 20)

enum pg_statement {
	PG_BEGIN,
	PG_COMMIT,
	PG_ROLLBACK,
	PG_LOCK,
	PG_LOOK,
	PG_USE,
	PG_GET_BUDGETS,
	PG_PUT_BUDGETS,
	PG_PUT_ENTRIES,
	PG_PUT_NODES,
	PG_PUT_ACTS,
	PG_MOVE_ON,
	PG_TELL,
	PG_GET_NODES,
	PG_READ,
	PG_READ_ACTS,
	PG_LAST_CHECKPOINT,
	PG_NOTE_FORGOTTEN,
	PG_FORGET_USED,
	PG_FORGET_BUDGETS,
	PG_PUT_RESTORED,
	PG_EACH_USED,
	PG_EACH_BUDGET,
	PG_GET_SEALED,
	PG_PUT_SEALED,
	PG_MOVE_SEALED,
	PG_SET_STATE,
	PG_ERASE,
	PG_PUT_ERASED,
	PG_ERASED,
	PG_STATEMENTS,
};
extern const char *const pg_sql[PG_STATEMENTS];
/* What is set in each session, and what is asked of the server there. */
extern const char pg_session[];
extern const char pg_schema[];

/* One parameter with many values, in the binary form of an array. */
struct pg_array {
	bool bytes; /* bytea[]; else bigint[] */
	uint8_t *data;
	size_t len, cap;
	uint32_t count;
};
bool pg_array_number(struct pg_array *a, uint64_t value);
bool pg_array_bytes(struct pg_array *a, const void *bytes, size_t len);
/* Ready to be sent. */
void pg_array_end(struct pg_array *a);
void pg_array_clear(struct pg_array *a);
void pg_array_free(struct pg_array *a);

struct pg_args {
	int n;
	const char *value[PG_ARGS_MAX];
	int length[PG_ARGS_MAX];
	uint8_t number[PG_ARGS_MAX][8];
};

struct postgres {
	struct store store; /* first: a store is one of these */
	struct store_uri *uri;
	struct store_log log;
	PGconn *conn; /* NULL: lost */
	uint64_t deadline_ms;
	uint64_t next_try_ms;
	bool committing;
	bool unsure;            /* a commit may be on one machine only */
	bool answered;          /* the last commit was, whatever the answer */
	bool any_state;         /* of a migration: the log need not be in force */
	bool making;            /* nor be there */
	bool filling;           /* of a migration to it: not with another connection */
	struct store_head head; /* at the beginning of the batch */
	/* what the batch writes */
	struct pg_array entry_index, entry_leaf, entry_record, act_index, node_place, node_hash;
	struct pg_array budget_id, budget[4];
	struct pg_array use_created, use_id; /* what it asks */
	size_t held;
	size_t checkpoint_len;
	char checkpoint[8192];
};

uint64_t pg_now_ms(void);

/* postgres_connect.c: true if there is a connection, a new one if need be. */
bool pg_ready(struct postgres *pg);
/* Ends it, with what went wrong (NULL: what libpq says). False, always. */
bool pg_lost(struct postgres *pg, const char *fault);
bool pg_connect(struct postgres *pg);
bool pg_prepare(struct postgres *pg);
/* One text of any number of statements; the last result, or NULL and the connection is ended. */
PGresult *pg_run_text(struct postgres *pg, const char *sql);

/* postgres_round.c. All of them end the connection when they return false or NULL. */
void pg_arg_number(struct pg_args *args, uint64_t value);
void pg_arg_bytes(struct pg_args *args, const void *bytes, size_t len);
void pg_arg_null(struct pg_args *args);
void pg_arg_array(struct pg_args *args, struct pg_array *a);
bool pg_send(struct postgres *pg, enum pg_statement which, const struct pg_args *args);
bool pg_sent(struct postgres *pg);
/* The result of the next statement; PQclear() it. */
PGresult *pg_result(struct postgres *pg);
/* That of one which gives no rows. */
bool pg_done(struct postgres *pg);
/* That of a COMMIT: false also if it was none after all. */
bool pg_committed(struct postgres *pg);
/* All results were taken. */
bool pg_end(struct postgres *pg);
/* One result by itself; NULL: none, which is no failure after the last one. */
PGresult *pg_take(struct postgres *pg);
/* A round of one statement. */
PGresult *pg_ask(struct postgres *pg, enum pg_statement which, const struct pg_args *args);

/* Fields of a result. False, and the connection is ended: it has not this form. */
uint64_t pg_number(const PGresult *result, int row, int column);
bool pg_field(const PGresult *result, int row, int column, size_t len, void *ret);

/* postgres_head.c */
#define PG_MAC_BYTES DK_SHA384_BYTES
bool pg_read_head(struct postgres *pg, const PGresult *result, struct store_head *ret);
/* What a node writes beside its head. False, and the connection is ended. */
bool pg_head_mac(struct postgres *pg, const struct store_head *head, uint8_t ret[PG_MAC_BYTES]);
bool pg_sealed_mac(struct postgres *pg, uint64_t generation, const uint8_t *sealed, size_t len,
    uint8_t ret[PG_MAC_BYTES]);
/* The mac in a column is this one; else the connection is ended. */
bool pg_is_ours(struct postgres *pg, const PGresult *result, int column,
    const uint8_t mac[PG_MAC_BYTES]);
/* Number of roots in the frontier. */
unsigned pg_frontier_count(const struct store_head *head);

/* postgres.c */
/* What is held back is written, and not committed. */
bool pg_flush_held(struct postgres *pg);

/* postgres_log.c */
bool pg_put_entry(struct store *store, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES],
    const uint8_t *record, size_t len, bool act);
bool pg_put_node(struct store *store, uint64_t place, const uint8_t hash[DK_HASH_BYTES]);
bool pg_get_nodes(struct store *store, const uint64_t *place, unsigned n, uint8_t *ret);
bool pg_put_checkpoint(struct store *store, uint64_t size, const char *text, size_t len);
bool pg_last_checkpoint(struct store *store, char *text, size_t cap, size_t *ret_len);
bool pg_size(struct store *store, uint64_t *ret_size);
bool pg_read(
    struct store *store, uint64_t first, uint32_t max, bool acts, store_entry_fn each, void *ctx);

/* postgres_erase.c */
bool pg_erase(struct store *store, const struct store_record *record, unsigned n, uint64_t below);
bool pg_erased(struct store *store, uint64_t *ret_below);

/* postgres_used.c */
bool pg_send_ask(struct postgres *pg, const struct store_ask *ask);
bool pg_take_ask(struct postgres *pg, struct store_ask *ask);
bool pg_forget_used(struct store *store, uint64_t before);
bool pg_put_budgets(struct store *store, const struct store_budget *budget, unsigned n);
bool pg_forget_budgets(struct store *store, uint64_t day);
bool pg_put_restored(struct store *store, uint64_t at);
bool pg_not_before(struct store *store, uint64_t *ret_at);
bool pg_each_use(struct store *store, store_use_fn each, void *ctx);
bool pg_each_budget(struct store *store, store_budget_fn each, void *ctx);

/* postgres_shared.c */
bool pg_look(struct store *store, struct store_head *ret_head);
bool pg_get_sealed(struct store *store, uint64_t *ret_generation, uint8_t **ret, size_t *ret_len);
bool pg_put_sealed(
    struct store *store, uint64_t generation, const uint8_t *sealed, size_t len, bool *ret_taken);
bool pg_get_state(struct store *store, enum store_state *ret_state);
bool pg_set_state(struct store *store, enum store_state state);
int pg_wake_fd(struct store *store, bool *ret_news);
/* The tables of a log that is not in force yet, where there may be some. */
bool pg_make_tables(struct postgres *pg);

/* postgres_uri.c: keywords and values for libpq, up to a NULL. */
void store_uri_params(
    const struct store_uri *uri, const char *const **ret_keyword, const char *const **ret_value);

#endif
