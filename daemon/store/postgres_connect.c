/* SPDX-License-Identifier: Apache-2.0 */
/* The connection, and what must hold of the server before anything is asked of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/postgres_impl.h"

#define TRY_AGAIN_MS 200

bool
pg_lost(struct postgres *pg, const char *fault)
{
	const char *text = fault ? fault : pg->conn ? PQerrorMessage(pg->conn) : "";
	size_t len = strcspn(text, "\n");

	if (len > 0 && len < sizeof(pg->store.fault)) {
		memcpy(pg->store.fault, text, len);
		pg->store.fault[len] = '\0';
	}
	PQfinish(pg->conn);
	pg->conn = NULL;
	pg->committing = pg->unsure = false;
	return false;
}

/*
 * A commit that waits for a synchronous standby and is told to stop waiting says so in a
 * warning, and then that it committed. No other warning is expected.
 */
static void
notice(void *ctx, const PGresult *result)
{
	const char *level = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	struct postgres *pg = ctx;

	if (pg->committing && level && strcmp(level, "WARNING") == 0)
		pg->unsure = true;
}

PGresult *
pg_run_text(struct postgres *pg, const char *sql)
{
	PGresult *last = NULL, *result;
	bool ok;

	pg->deadline_ms = pg_now_ms() + PG_ROUND_MS;
	ok = PQsendQuery(pg->conn, sql) == 1;
	while (ok && (result = pg_take(pg))) {
		ExecStatusType status = PQresultStatus(result);

		ok = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
		if (!ok)
			(void)pg_lost(pg, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
		PQclear(last);
		last = result;
	}
	if (ok && pg->conn)
		return last;
	PQclear(last);
	if (pg->conn)
		(void)pg_lost(pg, NULL);
	return NULL;
}

static const char *
fault_of(const PGresult *result)
{
	static const char *const faults[] = {
		"store-not-durable: the server runs without fsync or full_page_writes",
		"the server is a standby",
		"the server is older than PostgreSQL 13",
	};

	for (int i = 0; i < 3; i++)
		if (PQntuples(result) != 1 || strcmp(PQgetvalue(result, 0, i), "t") != 0)
			return faults[i];
	return NULL;
}

bool
pg_connect(struct postgres *pg)
{
	const char *const *keyword, *const *value;
	PGresult *result;
	const char *fault;
	bool has_log;

	store_uri_params(pg->uri, &keyword, &value);
	pg->conn = PQconnectdbParams(keyword, value, 0);
	if (!pg->conn || PQstatus(pg->conn) != CONNECTION_OK)
		return pg_lost(pg, NULL);
	(void)PQsetNoticeReceiver(pg->conn, notice, pg);
	if (PQsetnonblocking(pg->conn, 1) != 0)
		return pg_lost(pg, NULL);
	result = pg_run_text(pg, pg_session);
	if (!result)
		return false;
	fault = fault_of(result);
	has_log = !fault && strcmp(PQgetvalue(result, 0, 3), "t") == 0;
	PQclear(result);
	if (!fault && !has_log && !pg->making)
		fault = "store-empty: no log is in this database; see doublekeyd store migrate";
	return fault ? pg_lost(pg, fault) : true;
}

/* Only then is it known that the tables are those of this log. */
static bool
check_log(struct postgres *pg)
{
	static const char sql[] = "SELECT log,state FROM doublekey.head";
	PGresult *result = pg_run_text(pg, sql);
	const char *fault = NULL;
	char hex[2 * STORE_LOG_ID_BYTES + 3] = "\\x";

	if (!result)
		return false;
	for (unsigned i = 0; i < STORE_LOG_ID_BYTES; i++)
		(void)snprintf(hex + 2 + 2 * i, 3, "%02x", pg->log.id[i]);
	if (PQntuples(result) != 1 || strcmp(PQgetvalue(result, 0, 0), hex) != 0)
		fault = "store-foreign: the log in this database is another one";
	else if (!pg->any_state && strcmp(PQgetvalue(result, 0, 1), "2") == 0)
		fault = "store-moved: the log was moved away from this database";
	else if (!pg->any_state && strcmp(PQgetvalue(result, 0, 1), "1") != 0)
		fault = "store-filling: the migration to this database was not finished";
	PQclear(result);
	return fault ? pg_lost(pg, fault) : true;
}

bool
pg_prepare(struct postgres *pg)
{
	if (!check_log(pg))
		return false;
	if (PQenterPipelineMode(pg->conn) != 1)
		return pg_lost(pg, NULL);
	for (unsigned i = 0; i < PG_STATEMENTS; i++) {
		const char name[] = { 's', (char)('0' + i / 10), (char)('0' + i % 10), '\0' };

		if (PQsendPrepare(pg->conn, name, pg_sql[i], 0, NULL) != 1)
			return pg_lost(pg, NULL);
	}
	if (!pg_sent(pg))
		return false;
	for (unsigned i = 0; i < PG_STATEMENTS; i++)
		if (!pg_done(pg))
			return false;
	return pg_end(pg);
}

/* Not during a migration, which has a lock of its session; not at each batch while the database is
 * away: nobody shall wait for that. */
bool
pg_ready(struct postgres *pg)
{
	uint64_t now = pg_now_ms();

	if (pg->conn)
		return true;
	if (pg->filling || now < pg->next_try_ms)
		return false;
	if (pg_connect(pg) && pg_prepare(pg))
		return true;
	pg->next_try_ms = pg_now_ms() + TRY_AGAIN_MS;
	return false;
}
