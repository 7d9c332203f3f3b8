/* SPDX-License-Identifier: Apache-2.0 */
/* What was used: requests, and what budgets have counted. */
#include <string.h>

#include "store/postgres_impl.h"

#define PAGE_ROWS 4096

static bool
send_uses(struct postgres *pg, const struct store_ask *ask)
{
	struct pg_args args = { .n = 0 };
	bool ok = true;

	pg_array_clear(&pg->use_created);
	pg_array_clear(&pg->use_id);
	for (unsigned i = 0; i < ask->use_count; i++)
		ok = ok && pg_array_number(&pg->use_created, ask->use[i].created) &&
		    pg_array_bytes(&pg->use_id, ask->use[i].id, STORE_REQUEST_ID_BYTES);
	if (!ok)
		return pg_lost(pg, "a request's time is no time");
	pg_arg_array(&args, &pg->use_created);
	pg_arg_array(&args, &pg->use_id);
	return pg_send(pg, PG_USE, &args);
}

bool
pg_send_ask(struct postgres *pg, const struct store_ask *ask)
{
	struct pg_args args = { .n = 0 };
	bool ok = true;

	if (ask->use_count > 0 && !send_uses(pg, ask))
		return false;
	if (ask->budget_count == 0)
		return true;
	for (unsigned i = 0; i < ask->budget_count; i++)
		ok = ok &&
		    pg_array_bytes(&pg->budget_id, ask->budget[i].id, sizeof(ask->budget[i].id));
	pg_arg_array(&args, &pg->budget_id);
	ok = ok ? pg_send(pg, PG_GET_BUDGETS, &args) : pg_lost(pg, "no memory");
	pg_array_clear(&pg->budget_id);
	return ok;
}

/* The rows that were new come in the order in which they were sent; of two that are the
 * same, the first one is new. */
static bool
take_uses(struct postgres *pg, struct store_ask *ask)
{
	PGresult *result = pg_result(pg);
	uint8_t id[STORE_REQUEST_ID_BYTES];
	int row = 0, rows = result ? PQntuples(result) : -1;
	bool ok = result != NULL;

	for (unsigned i = 0; ok && i < ask->use_count; i++) {
		struct store_use *u = &ask->use[i];

		ok = row == rows || pg_field(result, row, 1, sizeof(id), id);
		u->is_new = ok && row < rows && pg_number(result, row, 0) == u->created &&
		    memcmp(id, u->id, sizeof(id)) == 0;
		row += u->is_new;
	}
	PQclear(result);
	return (ok && row == rows) || (pg->conn && pg_lost(pg, "rows came out of order"));
}

static void
take_counters(const PGresult *result, int row, struct store_budget *b)
{
	b->minute = pg_number(result, row, 1);
	b->in_minute = pg_number(result, row, 2);
	b->day = pg_number(result, row, 3);
	b->in_day = pg_number(result, row, 4);
}

/* Few are known of those that are asked for, or they come in any order. */
static bool
take_budgets(struct postgres *pg, struct store_ask *ask)
{
	PGresult *result = pg_result(pg);
	unsigned at = 0;
	uint8_t id[32];

	for (int row = 0; result && row < PQntuples(result); row++) {
		if (!pg_field(result, row, 0, sizeof(id), id))
			break;
		/* They often come in the order of the question: the search begins there. */
		for (unsigned n = 0; n < ask->budget_count; n++) {
			struct store_budget *b = &ask->budget[at];

			at = (at + 1) % ask->budget_count;
			if (memcmp(b->id, id, sizeof(id)) != 0)
				continue;
			take_counters(result, row, b);
			break;
		}
	}
	PQclear(result);
	return result != NULL;
}

bool
pg_take_ask(struct postgres *pg, struct store_ask *ask)
{
	return (ask->use_count == 0 || take_uses(pg, ask)) &&
	    (ask->budget_count == 0 || take_budgets(pg, ask));
}

bool
pg_put_budgets(struct store *store, const struct store_budget *budget, unsigned n)
{
	struct postgres *pg = (struct postgres *)store;
	bool ok = true;

	for (unsigned i = 0; i < n; i++)
		ok = ok && pg_array_bytes(&pg->budget_id, budget[i].id, sizeof(budget[i].id)) &&
		    pg_array_number(&pg->budget[0], budget[i].minute) &&
		    pg_array_number(&pg->budget[1], budget[i].in_minute) &&
		    pg_array_number(&pg->budget[2], budget[i].day) &&
		    pg_array_number(&pg->budget[3], budget[i].in_day);
	return ok;
}

/* The head's lock is taken first, as everywhere. */
bool
pg_forget_used(struct store *store, uint64_t before)
{
	struct postgres *pg = (struct postgres *)store;
	struct pg_args args = { .n = 0 };
	bool ok;

	pg_arg_number(&args, before);
	ok = pg_ready(pg) && pg_send(pg, PG_BEGIN, NULL) && pg_send(pg, PG_LOCK, NULL) &&
	    pg_send(pg, PG_NOTE_FORGOTTEN, &args) && pg_send(pg, PG_FORGET_USED, &args) &&
	    pg_send(pg, PG_COMMIT, NULL) && pg_sent(pg);
	for (unsigned i = 0; ok && i < 4; i++)
		ok = pg_done(pg);
	return ok && pg_committed(pg) && pg_end(pg);
}

bool
pg_forget_budgets(struct store *store, uint64_t day)
{
	struct pg_args args = { .n = 0 };
	PGresult *result;

	pg_arg_number(&args, day);
	result = pg_ask((struct postgres *)store, PG_FORGET_BUDGETS, &args);
	PQclear(result);
	return result != NULL;
}

/* Within a batch. */
bool
pg_put_restored(struct store *store, uint64_t at)
{
	struct pg_args args = { .n = 0 };
	PGresult *result;

	pg_arg_number(&args, at);
	result = pg_ask((struct postgres *)store, PG_PUT_RESTORED, &args);
	PQclear(result);
	return result != NULL;
}

bool
pg_not_before(struct store *store, uint64_t *ret_at)
{
	struct store_head head;

	if (!pg_look(store, &head))
		return false;
	*ret_at = head.not_before_s;
	return true;
}

bool
pg_each_use(struct store *store, store_use_fn each, void *ctx)
{
	struct store_use u = { .created = 0 };
	int rows = PAGE_ROWS;

	while (rows == PAGE_ROWS) {
		struct pg_args args = { .n = 0 };
		PGresult *result;
		bool ok;

		pg_arg_number(&args, u.created);
		pg_arg_bytes(&args, u.id, sizeof(u.id));
		pg_arg_number(&args, PAGE_ROWS);
		result = pg_ask((struct postgres *)store, PG_EACH_USED, &args);
		ok = result != NULL;
		rows = PQntuples(result);
		for (int row = 0; ok && row < rows; row++) {
			u.created = pg_number(result, row, 0);
			ok = pg_field(result, row, 1, sizeof(u.id), u.id) && each(ctx, &u);
		}
		PQclear(result);
		if (!ok)
			return false;
	}
	return true;
}

bool
pg_each_budget(struct store *store, store_budget_fn each, void *ctx)
{
	struct store_budget b = { .minute = 0 };
	int rows = PAGE_ROWS;

	while (rows == PAGE_ROWS) {
		struct pg_args args = { .n = 0 };
		PGresult *result;
		bool ok;

		pg_arg_bytes(&args, b.id, sizeof(b.id));
		pg_arg_number(&args, PAGE_ROWS);
		result = pg_ask((struct postgres *)store, PG_EACH_BUDGET, &args);
		ok = result != NULL;
		rows = PQntuples(result);
		for (int row = 0; ok && row < rows; row++) {
			ok = pg_field(result, row, 0, sizeof(b.id), b.id);
			take_counters(result, row, &b);
			ok = ok && each(ctx, &b);
		}
		PQclear(result);
		if (!ok)
			return false;
	}
	return true;
}
