/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets, spec/policy.md section 7: counters of this minute and this day. */
#include "store/sqlite_impl.h"

struct counter {
	uint64_t minute, in_minute, day, in_day;
};

/* Where the clock went back, minute and day stay as they were: no refill. */
static bool
read_counter(struct store *store, const uint8_t id[32], uint64_t now, struct counter *c)
{
	sqlite3_stmt *st = store->st[ST_GET_BUDGET];
	int ret = SQLITE_ERROR;

	*c = (struct counter){ 0 };
	if (sqlite_bind_bytes(store, ST_GET_BUDGET, 1, id, 32))
		ret = sqlite3_step(st);
	if (ret == SQLITE_ROW)
		*c = (struct counter){ (uint64_t)sqlite3_column_int64(st, 0),
			(uint64_t)sqlite3_column_int64(st, 1),
			(uint64_t)sqlite3_column_int64(st, 2),
			(uint64_t)sqlite3_column_int64(st, 3) };
	(void)sqlite3_reset(st);
	if (c->minute < now / 60)
		*c = (struct counter){ now / 60, 0, c->day, c->in_day };
	if (c->day < now / 86400)
		*c = (struct counter){ c->minute, c->in_minute, now / 86400, 0 };
	return ret == SQLITE_ROW || ret == SQLITE_DONE;
}

static bool
write_counter(struct store *store, const uint8_t id[32], const struct counter *c)
{
	return sqlite_bind_bytes(store, ST_PUT_BUDGET, 1, id, 32) &&
	    sqlite_bind_number(store, ST_PUT_BUDGET, 2, c->minute) &&
	    sqlite_bind_number(store, ST_PUT_BUDGET, 3, c->in_minute) &&
	    sqlite_bind_number(store, ST_PUT_BUDGET, 4, c->day) &&
	    sqlite_bind_number(store, ST_PUT_BUDGET, 5, c->in_day) &&
	    sqlite_run(store, ST_PUT_BUDGET);
}

bool
store_charge(struct store *store, const struct store_charge *charges, unsigned n, uint64_t now,
    bool *ret_within)
{
	struct counter c;

	/* All are looked at before one is changed. */
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < n; i++) {
			if (!read_counter(store, charges[i].id, now, &c))
				return false;
			c.in_minute += charges[i].objects;
			c.in_day += charges[i].objects;
			if ((charges[i].per_minute && c.in_minute > charges[i].per_minute) ||
			    (charges[i].per_day && c.in_day > charges[i].per_day)) {
				*ret_within = false;
				return true;
			}
			if (pass == 1 && !write_counter(store, charges[i].id, &c))
				return false;
		}
	*ret_within = true;
	return true;
}

bool
store_forget_budgets(struct store *store, uint64_t now)
{
	return now < 86400 ||
	    (sqlite_bind_number(store, ST_FORGET_BUDGETS, 1, now / 86400 - 1) &&
		sqlite_run(store, ST_FORGET_BUDGETS));
}
