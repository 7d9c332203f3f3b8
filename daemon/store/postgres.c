/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch:
 *
 *   begin   BEGIN, the lock of the head, uses, budgets       one round trip
 *   ...     entries, nodes, acts are held back here
 *   commit  all of them, the head moves on, COMMIT           one round trip
 *
 * Who has the lock is the sequencer, until the end of the transaction; the server ends that
 * of one who stands still. The head moves on only from where this batch found it.
 */
#include <stdlib.h>
#include <string.h>

#include "store/postgres_impl.h"

static void
forget_held(struct postgres *pg)
{
	struct pg_array *const arrays[] = { &pg->entry_index, &pg->entry_leaf, &pg->entry_record,
		&pg->act_index, &pg->node_place, &pg->node_hash, &pg->budget_id, &pg->budget[0],
		&pg->budget[1], &pg->budget[2], &pg->budget[3], &pg->use_created, &pg->use_id };

	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		pg_array_clear(arrays[i]);
	pg->held = 0;
}

static bool
begin_once(struct postgres *pg, struct store_ask *ask)
{
	PGresult *result;
	bool ok;

	if (!pg_ready(pg) || !pg_send(pg, PG_BEGIN, NULL) || !pg_send(pg, PG_LOCK, NULL) ||
	    !pg_send_ask(pg, ask) || !pg_sent(pg) || !pg_done(pg))
		return false;
	result = pg_result(pg);
	ok = result && pg_read_head(pg, result, &pg->head);
	PQclear(result);
	return ok && pg_take_ask(pg, ask) && pg_end(pg);
}

static bool
begin(struct store *store, struct store_ask *ask, struct store_head *ret_head)
{
	struct postgres *pg = (struct postgres *)store;
	bool had = pg->conn != NULL;

	forget_held(pg);
	pg->checkpoint_len = 0;
	/* A connection that was there may have been lost since: nothing was written yet. */
	if (!begin_once(pg, ask) && !(had && !pg->conn && begin_once(pg, ask)))
		return false;
	*ret_head = pg->head;
	return true;
}

/* Sends statement which with these arrays, unless they are empty; counts it. */
static bool
send_arrays(struct postgres *pg, enum pg_statement which, struct pg_array *const *arrays,
    unsigned n, unsigned *count)
{
	struct pg_args args = { .n = 0 };

	if (arrays[0]->count == 0)
		return true;
	for (unsigned i = 0; i < n; i++)
		pg_arg_array(&args, arrays[i]);
	(*count)++;
	return pg_send(pg, which, &args);
}

static bool
send_held(struct postgres *pg, unsigned *count)
{
	struct pg_array *const entries[] = { &pg->entry_index, &pg->entry_leaf, &pg->entry_record };
	struct pg_array *const nodes[] = { &pg->node_place, &pg->node_hash };
	struct pg_array *const acts[] = { &pg->act_index };
	struct pg_array *const budgets[] = { &pg->budget_id, &pg->budget[0], &pg->budget[1],
		&pg->budget[2], &pg->budget[3] };

	return send_arrays(pg, PG_PUT_ENTRIES, entries, 3, count) &&
	    send_arrays(pg, PG_PUT_NODES, nodes, 2, count) &&
	    send_arrays(pg, PG_PUT_ACTS, acts, 1, count) &&
	    send_arrays(pg, PG_PUT_BUDGETS, budgets, 5, count);
}

bool
pg_flush_held(struct postgres *pg)
{
	unsigned count = 0;
	bool ok = pg->conn && send_held(pg, &count);

	ok = ok && pg_sent(pg);
	for (unsigned i = 0; ok && i < count; i++)
		ok = pg_done(pg);
	forget_held(pg);
	return ok && pg_end(pg);
}

static bool
send_head(struct postgres *pg, const struct store_head *head)
{
	struct store_head next = *head;
	uint8_t mac[PG_MAC_BYTES];
	struct pg_args args = { .n = 0 };

	next.sealed = pg->head.sealed;
	if (!pg_head_mac(pg, &next, mac))
		return false;
	pg_arg_number(&args, pg->head.size);
	pg_arg_number(&args, pg->head.generation);
	pg_arg_number(&args, head->size);
	pg_arg_number(&args, head->generation);
	pg_arg_number(&args, head->entry_s);
	if (head->has_policy)
		pg_arg_bytes(&args, head->policy, sizeof(head->policy));
	else
		pg_arg_null(&args);
	pg_arg_bytes(&args, head->frontier, (size_t)pg_frontier_count(head) * DK_HASH_BYTES);
	pg_arg_bytes(&args, pg->checkpoint, pg->checkpoint_len);
	pg_arg_bytes(&args, mac, sizeof(mac));
	return pg_send(pg, PG_MOVE_ON, &args);
}

/* Others look anew when the sealed state or the policy is another one. */
static bool
is_news(const struct store_head *before, const struct store_head *head)
{
	return before->generation != head->generation || before->has_policy != head->has_policy ||
	    memcmp(before->policy, head->policy, sizeof(head->policy)) != 0;
}

/* Not when it has taken long already: nobody waits for twice the time of a round. */
static bool
may_have_committed(const struct postgres *pg)
{
#ifdef STORE_WITHOUT_LOOK /* one test has a program without it, and shows what it is for */
	return false;
#endif
	return !pg->conn && !pg->answered && !pg->filling && pg_now_ms() < pg->deadline_ms;
}

static bool
is_same(const struct store_head *a, const struct store_head *b)
{
	return a->size == b->size && a->generation == b->generation &&
	    memcmp(a->frontier, b->frontier, sizeof(a->frontier)) == 0 &&
	    a->has_policy == b->has_policy && memcmp(a->policy, b->policy, sizeof(a->policy)) == 0;
}

/*
 * The connection was lost before the server said what became of a commit. The lock of the head
 * waits for the end of that transaction, if it has not come yet; then the head says it. What is
 * found is no more durable than a commit behind it, which waits for a synchronous standby as any.
 * Of a head that others have moved on since nothing is said: the batch fails.
 */
static bool
find_committed(struct postgres *pg, const struct store_head *head)
{
	struct store_ask nothing = { .use_count = 0 };
	bool found;

	pg->next_try_ms = 0;
	if (!begin_once(pg, &nothing))
		return false;
	found = is_same(&pg->head, head);
	pg->committing = true;
	found =
	    pg_send(pg, PG_COMMIT, NULL) && pg_sent(pg) && pg_committed(pg) && pg_end(pg) && found;
	pg->committing = false;
	return found;
}

static bool
commit(struct store *store, const struct store_head *head)
{
	struct postgres *pg = (struct postgres *)store;
	bool ok = pg->conn != NULL, news = is_news(&pg->head, head);
	unsigned count = 0;

	pg->committing = true;
	pg->answered = false;
	ok = ok && send_held(pg, &count) && send_head(pg, head) &&
	    (!news || pg_send(pg, PG_TELL, NULL)) && pg_send(pg, PG_COMMIT, NULL) && pg_sent(pg);
	for (unsigned i = 0; ok && i < count; i++)
		ok = pg_done(pg);
	ok = ok && pg_done(pg) && (!news || pg_done(pg)) && pg_committed(pg) && pg_end(pg);
	pg->committing = false;
	forget_held(pg);
	return ok || (may_have_committed(pg) && find_committed(pg, head));
}

static void
rollback(struct store *store)
{
	struct postgres *pg = (struct postgres *)store;

	forget_held(pg);
	if (pg->conn && pg_send(pg, PG_ROLLBACK, NULL) && pg_sent(pg) && pg_done(pg))
		(void)pg_end(pg);
}

static bool
tidy(struct store *store)
{
	(void)store;
	return true;
}

static void
close_all(struct store *store)
{
	struct postgres *pg = (struct postgres *)store;
	struct pg_array *const arrays[] = { &pg->entry_index, &pg->entry_leaf, &pg->entry_record,
		&pg->act_index, &pg->node_place, &pg->node_hash, &pg->budget_id, &pg->budget[0],
		&pg->budget[1], &pg->budget[2], &pg->budget[3], &pg->use_created, &pg->use_id };

	PQfinish(pg->conn);
	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		pg_array_free(arrays[i]);
	store_uri_free(pg->uri);
	dk_wipe(&pg->log, sizeof(pg->log));
	free(pg);
}

static const struct store_ops ops = {
	.close = close_all,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.tidy = tidy,
	.forget_used = pg_forget_used,
	.put_budgets = pg_put_budgets,
	.forget_budgets = pg_forget_budgets,
	.put_entry = pg_put_entry,
	.put_node = pg_put_node,
	.get_nodes = pg_get_nodes,
	.put_checkpoint = pg_put_checkpoint,
	.last_checkpoint = pg_last_checkpoint,
	.size = pg_size,
	.read = pg_read,
	.put_restored = pg_put_restored,
	.not_before = pg_not_before,
	.each_use = pg_each_use,
	.each_budget = pg_each_budget,
	.get_state = pg_get_state,
	.set_state = pg_set_state,
	.erase = pg_erase,
	.erased = pg_erased,
	.purge = tidy,
	.look = pg_look,
	.get_sealed = pg_get_sealed,
	.put_sealed = pg_put_sealed,
	.wake_fd = pg_wake_fd,
};

static struct postgres *
make(struct store_uri *uri, const struct store_log *log)
{
	struct postgres *pg = calloc(1, sizeof(*pg));

	if (!pg) {
		store_uri_free(uri);
		return NULL;
	}
	pg->store.ops = &ops;
	pg->uri = uri;
	pg->log = *log;
	pg->entry_leaf.bytes = pg->entry_record.bytes = pg->node_hash.bytes = true;
	pg->budget_id.bytes = pg->use_id.bytes = true;
	return pg;
}

static bool
give(struct postgres *pg, bool ok, struct store **ret, char *fault)
{
	if (!ok) {
		memcpy(fault, pg->store.fault, STORE_FAULT_BYTES);
		close_all(&pg->store);
		return false;
	}
	*ret = &pg->store;
	return true;
}

bool
store_open_database(struct store_uri *uri, const struct store_log *log, enum store_purpose purpose,
    struct store **ret, char *fault)
{
	struct postgres *pg = make(uri, log);

	fault[0] = '\0';
	if (!pg)
		return false;
	pg->any_state = purpose != STORE_TO_RUN;
	if (purpose != STORE_TO_FILL)
		return give(pg, pg_ready(pg), ret, fault);
	pg->making = pg->filling = true;
	return give(pg, pg_make_tables(pg) && pg_prepare(pg), ret, fault);
}
