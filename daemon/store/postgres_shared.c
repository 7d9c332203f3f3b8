/* SPDX-License-Identifier: Apache-2.0 */
/* What nodes share besides the log: where it is, the sealed state, whether it is in force. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/postgres_impl.h"

bool
pg_look(struct store *store, struct store_head *ret_head)
{
	struct postgres *pg = (struct postgres *)store;
	PGresult *result = pg_ask(pg, PG_LOOK, NULL);
	bool ok = result && pg_read_head(pg, result, ret_head);

	PQclear(result);
	return ok;
}

bool
pg_get_sealed(struct store *store, uint64_t *ret_generation, uint8_t **ret, size_t *ret_len)
{
	struct postgres *pg = (struct postgres *)store;
	PGresult *result = pg_ask(pg, PG_GET_SEALED, NULL);
	uint8_t mac[PG_MAC_BYTES];
	bool ok = result != NULL;

	*ret = NULL;
	*ret_len = 0;
	*ret_generation = 0;
	if (ok && PQntuples(result) == 1) {
		*ret_generation = pg_number(result, 0, 0);
		*ret_len = (size_t)PQgetlength(result, 0, 1);
		*ret = malloc(*ret_len + 1);
		ok = *ret != NULL;
		if (ok)
			memcpy(*ret, PQgetvalue(result, 0, 1), *ret_len);
		ok = ok && pg_sealed_mac(pg, *ret_generation, *ret, *ret_len, mac) &&
		    pg_is_ours(pg, result, 2, mac);
	}
	PQclear(result);
	if (!ok) {
		free(*ret);
		*ret = NULL;
	}
	return ok;
}

/* It follows the one that is kept, and is that of the newest act; or it is the first one. */
static bool
follows(const struct store_head *head, uint64_t generation)
{
	return head->sealed == 0 ? generation >= head->generation
				 : generation == head->sealed + 1 && generation == head->generation;
}

bool
pg_put_sealed(
    struct store *store, uint64_t generation, const uint8_t *sealed, size_t len, bool *ret_taken)
{
	struct postgres *pg = (struct postgres *)store;
	struct pg_args put = { .n = 0 }, move = { .n = 0 };
	struct store_ask nothing = { .use_count = 0 };
	uint8_t mac[PG_MAC_BYTES], sealed_mac[PG_MAC_BYTES];
	struct store_head head;
	bool ok;

	if (!store->ops->begin(store, &nothing, &head))
		return false;
	*ret_taken = follows(&head, generation);
	if (!*ret_taken) {
		store->ops->rollback(store);
		return true;
	}
	head.sealed = generation;
	if (head.generation < generation)
		head.generation = generation;
	if (!pg_head_mac(pg, &head, mac) || !pg_sealed_mac(pg, generation, sealed, len, sealed_mac))
		return false;
	pg_arg_number(&put, generation);
	pg_arg_bytes(&put, sealed, len);
	pg_arg_bytes(&put, sealed_mac, sizeof(sealed_mac));
	pg_arg_number(&move, generation);
	pg_arg_bytes(&move, mac, sizeof(mac));
	pg->committing = true;
	ok = pg_send(pg, PG_PUT_SEALED, &put) && pg_send(pg, PG_MOVE_SEALED, &move) &&
	    pg_send(pg, PG_TELL, NULL) && pg_send(pg, PG_COMMIT, NULL) && pg_sent(pg) &&
	    pg_done(pg) && pg_done(pg) && pg_done(pg) && pg_committed(pg) && pg_end(pg);
	pg->committing = false;
	return ok;
}

/* Readable when there is news; -1 while there is no connection. */
int
pg_wake_fd(struct store *store, bool *ret_news)
{
	struct postgres *pg = (struct postgres *)store;
	PGnotify *news;

	if (!pg->conn)
		return -1;
	if (PQconsumeInput(pg->conn) != 1) {
		(void)pg_lost(pg, NULL);
		return -1;
	}
	while ((news = PQnotifies(pg->conn))) {
		*ret_news = true;
		PQfreemem(news);
	}
	return PQsocket(pg->conn);
}

bool
pg_get_state(struct store *store, enum store_state *ret_state)
{
	PGresult *result = pg_ask((struct postgres *)store, PG_LOOK, NULL);
	bool ok = result && PQntuples(result) == 1;

	if (ok)
		*ret_state = (enum store_state)pg_number(result, 0, 0);
	PQclear(result);
	return ok;
}

bool
pg_set_state(struct store *store, enum store_state state)
{
	struct postgres *pg = (struct postgres *)store;
	struct pg_args args = { .n = 0 };
	bool ok;

	pg_arg_number(&args, state);
	pg->committing = true;
	ok = pg_ready(pg) && pg_send(pg, PG_BEGIN, NULL) && pg_send(pg, PG_LOCK, NULL) &&
	    pg_send(pg, PG_SET_STATE, &args) && pg_send(pg, PG_COMMIT, NULL) && pg_sent(pg) &&
	    pg_done(pg) && pg_done(pg) && pg_done(pg) && pg_committed(pg) && pg_end(pg);
	pg->committing = false;
	return ok;
}

/* NULL: there may be made some. */
static const char *
cannot_be_made(const PGresult *result, const char *log_id)
{
	if (PQntuples(result) == 0)
		return NULL;
	if (strcmp(PQgetvalue(result, 0, 0), log_id) != 0)
		return "store-foreign: the log in this database is another one";
	if (strcmp(PQgetvalue(result, 0, 1), "1") == 0)
		return "store-exists: a log is in force in this database";
	return NULL;
}

/* One migration at a time, for as long as its session lives: that of one that was killed ends
 * when the server notices. */
static bool
lock_out_others(struct postgres *pg)
{
	PGresult *result = pg_run_text(pg, "SELECT pg_advisory_lock(x'646b6c6f67'::bigint)");

	PQclear(result);
	return result != NULL;
}

static bool
look_first(struct postgres *pg, const char *log_id)
{
	PGresult *result = pg_run_text(pg, "SELECT to_regclass('doublekey.head') IS NOT NULL");
	bool has = result && strcmp(PQgetvalue(result, 0, 0), "t") == 0;
	const char *fault;

	PQclear(result);
	if (!result || !has)
		return result != NULL;
	result = pg_run_text(pg, "SELECT log,state FROM doublekey.head");
	if (!result)
		return false;
	fault = cannot_be_made(result, log_id);
	PQclear(result);
	return fault ? pg_lost(pg, fault) : true;
}

/* "\\x" and digits, as the server reads and writes bytes in a text. */
static void
hex_of(const uint8_t *bytes, size_t len, char *ret)
{
	memcpy(ret, "\\x", 2);
	dk_hex(bytes, len, ret + 2);
}

/* The head of a log without entries. */
static bool
put_first_head(struct postgres *pg, const char *log_id)
{
	const struct store_head head = { .size = 0 };
	char mac[2 * PG_MAC_BYTES + 3], sql[512];
	uint8_t bytes[PG_MAC_BYTES];
	PGresult *result;

	if (!pg_head_mac(pg, &head, bytes))
		return false;
	hex_of(bytes, sizeof(bytes), mac);
	if (snprintf(sql, sizeof(sql),
		"INSERT INTO doublekey.head(log,state,size,frontier,checkpoint,entry_s,"
		"not_before_s,generation,sealed,mac) VALUES('%s',0,0,'','',0,0,0,0,'%s')",
		log_id, mac) < 0)
		return false;
	result = pg_run_text(pg, sql);
	PQclear(result);
	return result != NULL;
}

bool
pg_make_tables(struct postgres *pg)
{
	char log_id[2 * STORE_LOG_ID_BYTES + 3];
	PGresult *result;

	hex_of(pg->log.id, sizeof(pg->log.id), log_id);
	if (!pg_connect(pg) || !lock_out_others(pg) || !look_first(pg, log_id))
		return false;
	result = pg_run_text(pg, pg_schema);
	PQclear(result);
	if (!result || !put_first_head(pg, log_id))
		return false;
	pg->making = false;
	return true;
}
