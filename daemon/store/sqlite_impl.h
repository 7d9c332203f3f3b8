/* SPDX-License-Identifier: Apache-2.0 */
/* The store as SQLite, for its files: sqlite.c (database, used requests), sqlite_log.c
 * (entries, nodes, checkpoints), sqlite_budget.c. */
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
	ST_COUNT,
};

struct store {
	sqlite3 *db;
	int pages; /* of the write-ahead log */
	sqlite3_stmt *st[ST_COUNT];
};

/* Places of parameters begin at 1. Bytes stay the caller's until the statement ran. */
bool sqlite_bind_number(struct store *store, enum statement which, int place, uint64_t v);
bool sqlite_bind_bytes(
    struct store *store, enum statement which, int place, const void *bytes, size_t len);
/* For statements without a result row. */
bool sqlite_run(struct store *store, enum statement which);
/* The number in the first column of the one row. */
bool sqlite_get_number(struct store *store, enum statement which, uint64_t *ret);

#endif
