/* SPDX-License-Identifier: Apache-2.0 */
/* Records with less in them, spec/log.md section 16. Old versions of a row are the server's:
 * it removes them when it vacuums. */
#include "store/postgres_impl.h"

static bool
send_records(struct postgres *pg, struct pg_array *index, struct pg_array *bytes, uint64_t below)
{
	struct pg_args records = { .n = 0 }, covered = { .n = 0 };

	pg_arg_array(&records, index);
	pg_arg_array(&records, bytes);
	pg_arg_number(&covered, below);
	return pg_send(pg, PG_BEGIN, NULL) && pg_send(pg, PG_LOCK, NULL) &&
	    pg_send(pg, PG_ERASE, &records) && pg_send(pg, PG_PUT_ERASED, &covered) &&
	    pg_send(pg, PG_COMMIT, NULL) && pg_sent(pg);
}

/* The head's lock is taken first, as everywhere. */
bool
pg_erase(struct store *store, const struct store_record *record, unsigned n, uint64_t below)
{
	struct postgres *pg = (struct postgres *)store;
	struct pg_array index = { .bytes = false }, bytes = { .bytes = true };
	bool ok = true;

	for (unsigned i = 0; i < n; i++)
		ok = ok && pg_array_number(&index, record[i].index) &&
		    pg_array_bytes(&bytes, record[i].bytes, record[i].len);
	pg->committing = true;
	ok = ok && pg_ready(pg) && send_records(pg, &index, &bytes, below);
	for (unsigned i = 0; ok && i < 4; i++)
		ok = pg_done(pg);
	ok = ok && pg_committed(pg) && pg_end(pg);
	pg->committing = false;
	pg_array_free(&index);
	pg_array_free(&bytes);
	return ok;
}

bool
pg_erased(struct store *store, uint64_t *ret_below)
{
	PGresult *result = pg_ask((struct postgres *)store, PG_ERASED, NULL);
	bool ok = result && PQntuples(result) == 1;

	if (ok)
		*ret_below = pg_number(result, 0, 0);
	PQclear(result);
	return ok;
}
