/* SPDX-License-Identifier: Apache-2.0 */
/* What was used: requests, and what budgets have counted. */
#include <string.h>

#include "store/sqlite_impl.h"

static bool
use(struct sqlite *db, struct store_use *u)
{
	if (!sqlite_bind_number(db, ST_USED, 1, u->created) ||
	    !sqlite_bind_bytes(db, ST_USED, 2, u->id, sizeof(u->id)) || !sqlite_run(db, ST_USED))
		return false;
	u->is_new = sqlite3_changes(db->db) == 1;
	return true;
}

static void
take_counters(sqlite3_stmt *st, int column, struct store_budget *b)
{
	b->minute = (uint64_t)sqlite3_column_int64(st, column);
	b->in_minute = (uint64_t)sqlite3_column_int64(st, column + 1);
	b->day = (uint64_t)sqlite3_column_int64(st, column + 2);
	b->in_day = (uint64_t)sqlite3_column_int64(st, column + 3);
}

static bool
get_budget(struct sqlite *db, struct store_budget *b)
{
	sqlite3_stmt *st = db->st[ST_GET_BUDGET];
	int ret = SQLITE_ERROR;

	if (sqlite_bind_bytes(db, ST_GET_BUDGET, 1, b->id, sizeof(b->id)))
		ret = sqlite3_step(st);
	if (ret == SQLITE_ROW)
		take_counters(st, 0, b);
	(void)sqlite3_reset(st);
	return ret == SQLITE_ROW || ret == SQLITE_DONE;
}

bool
sqlite_ask(struct sqlite *db, struct store_ask *ask)
{
	for (unsigned i = 0; i < ask->use_count; i++)
		if (!use(db, &ask->use[i]))
			return false;
	for (unsigned i = 0; i < ask->budget_count; i++)
		if (!get_budget(db, &ask->budget[i]))
			return false;
	return true;
}

bool
sqlite_forget_used(struct store *store, uint64_t before)
{
	struct sqlite *db = (struct sqlite *)store;

	if (!sqlite_run(db, ST_BEGIN))
		return false;
	if (sqlite_bind_number(db, ST_PUT_FORGOTTEN, 1, before) &&
	    sqlite_run(db, ST_PUT_FORGOTTEN) && sqlite_bind_number(db, ST_FORGET, 1, before) &&
	    sqlite_run(db, ST_FORGET) && sqlite_run(db, ST_COMMIT))
		return true;
	(void)sqlite_run(db, ST_ROLLBACK);
	return false;
}

bool
sqlite_put_restored(struct store *store, uint64_t at)
{
	struct sqlite *db = (struct sqlite *)store;

	return sqlite_bind_number(db, ST_PUT_NOT_BEFORE, 1, at) &&
	    sqlite_run(db, ST_PUT_NOT_BEFORE);
}

bool
sqlite_not_before(struct store *store, uint64_t *ret_at)
{
	return sqlite_get_number((struct sqlite *)store, ST_NOT_BEFORE, ret_at);
}

bool
sqlite_put_budgets(struct store *store, const struct store_budget *budget, unsigned n)
{
	struct sqlite *db = (struct sqlite *)store;

	for (unsigned i = 0; i < n; i++) {
		const struct store_budget *b = &budget[i];

		if (!sqlite_bind_bytes(db, ST_PUT_BUDGET, 1, b->id, sizeof(b->id)) ||
		    !sqlite_bind_number(db, ST_PUT_BUDGET, 2, b->minute) ||
		    !sqlite_bind_number(db, ST_PUT_BUDGET, 3, b->in_minute) ||
		    !sqlite_bind_number(db, ST_PUT_BUDGET, 4, b->day) ||
		    !sqlite_bind_number(db, ST_PUT_BUDGET, 5, b->in_day) ||
		    !sqlite_run(db, ST_PUT_BUDGET))
			return false;
	}
	return true;
}

bool
sqlite_forget_budgets(struct store *store, uint64_t day)
{
	struct sqlite *db = (struct sqlite *)store;

	return sqlite_bind_number(db, ST_FORGET_BUDGETS, 1, day) &&
	    sqlite_run(db, ST_FORGET_BUDGETS);
}

bool
sqlite_each_use(struct store *store, store_use_fn each, void *ctx)
{
	sqlite3_stmt *st = ((struct sqlite *)store)->st[ST_EACH_USED];
	struct store_use u = { .is_new = false };
	int ret;

	while ((ret = sqlite3_step(st)) == SQLITE_ROW) {
		if (sqlite3_column_bytes(st, 1) != STORE_REQUEST_ID_BYTES)
			break;
		u.created = (uint64_t)sqlite3_column_int64(st, 0);
		memcpy(u.id, sqlite3_column_blob(st, 1), sizeof(u.id));
		if (!each(ctx, &u))
			break;
	}
	(void)sqlite3_reset(st);
	return ret == SQLITE_DONE;
}

bool
sqlite_each_budget(struct store *store, store_budget_fn each, void *ctx)
{
	sqlite3_stmt *st = ((struct sqlite *)store)->st[ST_EACH_BUDGET];
	struct store_budget b;
	int ret;

	while ((ret = sqlite3_step(st)) == SQLITE_ROW) {
		if (sqlite3_column_bytes(st, 0) != sizeof(b.id))
			break;
		memcpy(b.id, sqlite3_column_blob(st, 0), sizeof(b.id));
		take_counters(st, 1, &b);
		if (!each(ctx, &b))
			break;
	}
	(void)sqlite3_reset(st);
	return ret == SQLITE_DONE;
}
