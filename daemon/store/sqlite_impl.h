/* SPDX-License-Identifier: Apache-2.0 */
/* The store as SQLite, for its files: sqlite.c (database), sqlite_log.c (entries, nodes,
 * checkpoints), sqlite_erase.c (records with less in them), sqlite_used.c (used requests,
 * budgets). */
#ifndef DK_STORE_SQLITE_IMPL_H
#define DK_STORE_SQLITE_IMPL_H

#include <sqlite3.h>

#include "store/store.h"

enum statement {
	ST_BEGIN,
	ST_COMMIT,
	ST_ROLLBACK,
	ST_USED,
	ST_FORGET,
	ST_PUT_ENTRY,
	ST_PUT_NODE,
	ST_GET_NODE,
	ST_PUT_CHECKPOINT,
	ST_DROP_CHECKPOINTS,
	ST_LAST_CHECKPOINT,
	ST_SIZE,
	ST_READ,
	ST_PUT_ACT,
	ST_PUT_NOT_BEFORE,
	ST_PUT_FORGOTTEN,
	ST_NOT_BEFORE,
	ST_READ_ACTS,
	ST_GET_BUDGET,
	ST_PUT_BUDGET,
	ST_FORGET_BUDGETS,
	ST_EACH_USED,
	ST_EACH_BUDGET,
	ST_GET_STATE,
	ST_SET_STATE,
	ST_PUT_RECORD,
	ST_PUT_ERASED,
	ST_ERASED,
	ST_COUNT,
};

struct sqlite {
	struct store store; /* first: a store is one of these */
	sqlite3 *db;
	int pages; /* of the write-ahead log */
	sqlite3_stmt *st[ST_COUNT];
};

/* Places of parameters begin at 1. Bytes stay the caller's until the statement ran. */
bool sqlite_bind_number(struct sqlite *db, enum statement which, int place, uint64_t v);
bool sqlite_bind_bytes(
    struct sqlite *db, enum statement which, int place, const void *bytes, size_t len);
/* For statements without a result row. */
bool sqlite_run(struct sqlite *db, enum statement which);
/* The number in the first column of the one row. */
bool sqlite_get_number(struct sqlite *db, enum statement which, uint64_t *ret);

/* sqlite_log.c */
bool sqlite_put_entry(struct store *store, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES],
    const uint8_t *record, size_t len, bool act);
bool sqlite_put_node(struct store *store, uint64_t place, const uint8_t hash[DK_HASH_BYTES]);
bool sqlite_get_nodes(struct store *store, const uint64_t *place, unsigned n, uint8_t *ret);
bool sqlite_put_checkpoint(struct store *store, uint64_t size, const char *text, size_t len);
bool sqlite_last_checkpoint(struct store *store, char *text, size_t cap, size_t *ret_len);
bool sqlite_size(struct store *store, uint64_t *ret_size);
bool sqlite_read(
    struct store *store, uint64_t first, uint32_t max, bool acts, store_entry_fn each, void *ctx);

/* sqlite_erase.c */
bool sqlite_erase(
    struct store *store, const struct store_record *record, unsigned n, uint64_t below);
bool sqlite_erased(struct store *store, uint64_t *ret_below);
bool sqlite_purge(struct store *store);

/* sqlite_used.c */
bool sqlite_ask(struct sqlite *db, struct store_ask *ask);
bool sqlite_forget_used(struct store *store, uint64_t before);
bool sqlite_put_restored(struct store *store, uint64_t at);
bool sqlite_not_before(struct store *store, uint64_t *ret_at);
bool sqlite_put_budgets(struct store *store, const struct store_budget *budget, unsigned n);
bool sqlite_forget_budgets(struct store *store, uint64_t day);
bool sqlite_each_use(struct store *store, store_use_fn each, void *ctx);
bool sqlite_each_budget(struct store *store, store_budget_fn each, void *ctx);

#endif
