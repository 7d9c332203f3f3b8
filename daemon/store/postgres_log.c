/* SPDX-License-Identifier: Apache-2.0 */
/* What the log consists of: entries, nodes of the tree, the newest checkpoint. */
#include <string.h>

#include "store/postgres_impl.h"

#define PAGE_ROWS 256

bool
pg_put_entry(struct store *store, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES],
    const uint8_t *record, size_t len, bool act)
{
	struct postgres *pg = (struct postgres *)store;

	if (!pg_array_number(&pg->entry_index, index) ||
	    !pg_array_bytes(&pg->entry_leaf, leaf, DK_LEAF_BYTES) ||
	    !pg_array_bytes(&pg->entry_record, record, len) ||
	    (act && !pg_array_number(&pg->act_index, index)))
		return false;
	pg->held += len + DK_LEAF_BYTES;
	return pg->held < PG_FLUSH_BYTES || pg_flush_held(pg);
}

bool
pg_put_node(struct store *store, uint64_t place, const uint8_t hash[DK_HASH_BYTES])
{
	struct postgres *pg = (struct postgres *)store;

	return pg_array_number(&pg->node_place, place) &&
	    pg_array_bytes(&pg->node_hash, hash, DK_HASH_BYTES);
}

/* What the batch itself has put and holds back is not found: the tree has it in memory. */
bool
pg_get_nodes(struct store *store, const uint64_t *place, unsigned n, uint8_t *ret)
{
	struct postgres *pg = (struct postgres *)store;
	struct pg_array places = { .bytes = false };
	struct pg_args args = { .n = 0 };
	PGresult *result = NULL;
	bool ok = true;

	for (unsigned i = 0; i < n; i++)
		ok = ok && pg_array_number(&places, place[i]);
	if (ok) {
		pg_arg_array(&args, &places);
		result = pg_ask(pg, PG_GET_NODES, &args);
	}
	ok = result && PQntuples(result) == (int)n;
	for (int i = 0; ok && i < (int)n; i++)
		ok = pg_field(result, i, 0, DK_HASH_BYTES, ret + (size_t)i * DK_HASH_BYTES);
	PQclear(result);
	pg_array_free(&places);
	return ok;
}

/* It goes with the head. */
bool
pg_put_checkpoint(struct store *store, uint64_t size, const char *text, size_t len)
{
	struct postgres *pg = (struct postgres *)store;

	(void)size;
	if (len > sizeof(pg->checkpoint))
		return false;
	memcpy(pg->checkpoint, text, len);
	pg->checkpoint_len = len;
	return true;
}

bool
pg_last_checkpoint(struct store *store, char *text, size_t cap, size_t *ret_len)
{
	PGresult *result = pg_ask((struct postgres *)store, PG_LAST_CHECKPOINT, NULL);
	bool ok = result && PQntuples(result) == 1 && (size_t)PQgetlength(result, 0, 0) <= cap;

	if (ok) {
		*ret_len = (size_t)PQgetlength(result, 0, 0);
		memcpy(text, PQgetvalue(result, 0, 0), *ret_len);
	}
	PQclear(result);
	return ok;
}

bool
pg_size(struct store *store, uint64_t *ret_size)
{
	struct store_head head;

	if (!pg_look(store, &head))
		return false;
	*ret_size = head.size;
	return true;
}

/* One row; false to stop: *ret_ok says whether that is a failure. */
static bool
hand_over(const PGresult *result, int row, store_entry_fn each, void *ctx, bool *ret_ok)
{
	uint8_t leaf[DK_LEAF_BYTES];

	*ret_ok = pg_field(result, row, 1, sizeof(leaf), leaf);
	return *ret_ok &&
	    each(ctx, pg_number(result, row, 0), leaf, (const uint8_t *)PQgetvalue(result, row, 2),
		(size_t)PQgetlength(result, row, 2));
}

/* Page by page, since the other end may take less than it asked for. */
bool
pg_read(
    struct store *store, uint64_t first, uint32_t max, bool acts, store_entry_fn each, void *ctx)
{
	struct postgres *pg = (struct postgres *)store;
	bool ok = true, more = max > 0 && first <= INT64_MAX;

	while (ok && more) {
		const uint32_t rows = max < PAGE_ROWS ? max : PAGE_ROWS;
		struct pg_args args = { .n = 0 };
		PGresult *result;
		int n;

		pg_arg_number(&args, first);
		pg_arg_number(&args, rows);
		result = pg_ask(pg, acts ? PG_READ_ACTS : PG_READ, &args);
		n = PQntuples(result);
		more = n == (int)rows && max > rows;
		for (int i = 0; i < n; i++)
			if (!hand_over(result, i, each, ctx, &ok)) {
				more = false;
				break;
			}
		if (n > 0)
			first = pg_number(result, n - 1, 0) + 1;
		max -= rows;
		ok = ok && result;
		PQclear(result);
	}
	return ok;
}
