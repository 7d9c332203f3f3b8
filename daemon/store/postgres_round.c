/* SPDX-License-Identifier: Apache-2.0 */
/* Statements are sent behind each other, and answered behind each other: one round trip for
 * all of them. Nothing here waits for longer than the deadline of the round. */
#include <poll.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "store/postgres_impl.h"

uint64_t
pg_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void
pg_arg_bytes(struct pg_args *args, const void *bytes, size_t len)
{
	args->value[args->n] = len > 0 ? bytes : "";
	args->length[args->n++] = (int)len;
}

void
pg_arg_null(struct pg_args *args)
{
	args->value[args->n] = NULL;
	args->length[args->n++] = 0;
}

void
pg_arg_number(struct pg_args *args, uint64_t value)
{
	struct dk_writer_buf wr;

	dk_wr_init(&wr, args->number[args->n], sizeof(args->number[0]));
	dk_wr_u64(&wr, value);
	pg_arg_bytes(args, args->number[args->n], sizeof(args->number[0]));
}

void
pg_arg_array(struct pg_args *args, struct pg_array *a)
{
	pg_array_end(a);
	pg_arg_bytes(args, a->data, a->len);
}

bool
pg_send(struct postgres *pg, enum pg_statement which, const struct pg_args *args)
{
	static const int binary[PG_ARGS_MAX] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	char name[8] = { 's', (char)('0' + which / 10), (char)('0' + which % 10) };
	const int n = args ? args->n : 0;

	return PQsendQueryPrepared(pg->conn, name, n, args ? args->value : NULL,
		   args ? args->length : NULL, binary, 1) == 1 ||
	    pg_lost(pg, NULL);
}

bool
pg_sent(struct postgres *pg)
{
	pg->deadline_ms = pg_now_ms() + PG_ROUND_MS;
	return PQpipelineSync(pg->conn) == 1 || pg_lost(pg, NULL);
}

/* Sends what is left and takes what came, until there is something to read. */
static bool
wait_for_input(struct postgres *pg)
{
	int unsent = PQflush(pg->conn);
	uint64_t now = pg_now_ms();
	struct pollfd fd = { .fd = PQsocket(pg->conn),
		.events = (short)(POLLIN | (unsent > 0 ? POLLOUT : 0)) };

	if (unsent < 0)
		return pg_lost(pg, NULL);
	if (now >= pg->deadline_ms || poll(&fd, 1, (int)(pg->deadline_ms - now)) == 0)
		return pg_lost(pg, "the database does not answer in time");
	return !(fd.revents & (POLLIN | POLLERR | POLLHUP)) || PQconsumeInput(pg->conn) == 1 ||
	    pg_lost(pg, NULL);
}

PGresult *
pg_take(struct postgres *pg)
{
	while (PQflush(pg->conn) > 0 || PQisBusy(pg->conn))
		if (!wait_for_input(pg))
			return NULL;
	return PQgetResult(pg->conn);
}

PGresult *
pg_result(struct postgres *pg)
{
	PGresult *result = pg->conn ? pg_take(pg) : NULL, *behind;
	ExecStatusType status = PQresultStatus(result);

	if (!pg->conn)
		return NULL;
	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
		(void)pg_lost(pg, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
		PQclear(result);
		return NULL;
	}
	behind = pg_take(pg); /* the end of its results */
	if (!behind && pg->conn)
		return result;
	PQclear(behind);
	PQclear(result);
	(void)(pg->conn && pg_lost(pg, "the database answered out of order"));
	return NULL;
}

bool
pg_done(struct postgres *pg)
{
	PGresult *result = pg_result(pg);

	PQclear(result);
	return result != NULL;
}

bool
pg_committed(struct postgres *pg)
{
	PGresult *result = pg_result(pg);
	bool ok = result && strcmp(PQcmdStatus(result), "COMMIT") == 0;

	pg->answered = result != NULL;
	PQclear(result);
	/* It says COMMIT, too, when the wait for a synchronous standby was cancelled. */
	if (ok && pg->unsure)
		ok = pg_lost(pg, "the commit may not have reached the standby");
	else if (!ok && pg->conn)
		(void)pg_lost(pg, "the database did not commit");
	return ok;
}

bool
pg_end(struct postgres *pg)
{
	PGresult *result = pg->conn ? pg_take(pg) : NULL;
	bool ok = result && PQresultStatus(result) == PGRES_PIPELINE_SYNC;

	PQclear(result);
	return ok || (pg->conn && pg_lost(pg, NULL));
}

PGresult *
pg_ask(struct postgres *pg, enum pg_statement which, const struct pg_args *args)
{
	PGresult *result;

	if (!pg_ready(pg) || !pg_send(pg, which, args) || !pg_sent(pg))
		return NULL;
	result = pg_result(pg);
	if (result && pg_end(pg))
		return result;
	PQclear(result);
	return NULL;
}

uint64_t
pg_number(const PGresult *result, int row, int column)
{
	uint8_t bytes[8];
	struct dk_reader_buf rd;
	int len = PQgetlength(result, row, column);

	if (len != 8 && len != 2)
		return 0;
	memcpy(bytes, PQgetvalue(result, row, column), (size_t)len);
	dk_rd_init(&rd, bytes, (size_t)len);
	return len == 8 ? dk_rd_u64(&rd) : dk_rd_u16(&rd);
}

bool
pg_field(const PGresult *result, int row, int column, size_t len, void *ret)
{
	if ((size_t)PQgetlength(result, row, column) != len)
		return false;
	memcpy(ret, PQgetvalue(result, row, column), len);
	return true;
}
