/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/scan/run.h"

#include <string.h>

/* At least. Each commit writes most pages of the index of digests, which is in no order: they
 * become rarer as it grows, so that all of them write no more than a few times as much as there is.
 */
#define COMMIT_PLACES 20000
#define COMMIT_PART 4
#define COMMIT_S 5
/* spec/catalogue.md section 10 */
#define FAILING_MAX 32

dk_err
scan_run_commit(struct scan_run *run)
{
	time_t now = time(NULL);
	dk_err err;

	if (run->written == 0 ||
	    (run->written < COMMIT_PLACES + run->total / COMMIT_PART &&
		now - run->committed < COMMIT_S))
		return DK_OK;
	err = dk_catalogue_commit(run->writer);
	run->total += run->written;
	run->written = 0;
	run->committed = now;
	return err;
}

static dk_err
take_item(struct scan_run *run, uint64_t folder, const struct scan_item *item)
{
	run->failing = item->server_failed ? run->failing + 1 : 0;
	if (run->failing >= FAILING_MAX)
		return item->err;
	switch (item->outcome) {
	case SCAN_UNCHANGED:
		run->counts->unchanged++;
		return DK_OK;
	case SCAN_READ:
		run->counts->read++;
		run->written++;
		return dk_catalogue_put(run->writer, folder, &item->found);
	case SCAN_NO_FILE:
		run->written++;
		return dk_catalogue_gone(
		    run->writer, folder, item->found.name, item->found.name_len);
	case SCAN_BROKEN:
		break;
	}
	return item->err;
}

/* Write what the oldest chunk has found. */
static dk_err
take_chunk(struct scan_run *run, const struct scan_chunk *chunk)
{
	dk_err err = DK_OK;

	for (size_t i = 0; i < chunk->count && err == DK_OK; i++)
		err = take_item(run, chunk->folder, &chunk->item[i]);
	progress_part_add(run->progress, chunk->count);
	scan_pool_taken(run->pool);
	return err == DK_OK ? scan_run_commit(run) : err;
}

dk_err
scan_run_drain(struct scan_run *run)
{
	const struct scan_chunk *chunk;
	dk_err err = DK_OK;

	while (err == DK_OK && (chunk = scan_pool_take(run->pool)) != NULL)
		err = take_chunk(run, chunk);
	return err;
}

static int
compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* The next known place, or NULL behind the last one. */
static dk_err
known_at(struct scan_run *run, struct scan_known *known, const struct dk_catalogue_known **ret)
{
	dk_err err;

	if (known->at == known->count && !known->ended) {
		err = dk_catalogue_known(run->writer, known->folder,
		    known->begun ? known->last : NULL, known->last_len, run->page,
		    DK_CATALOGUE_PAGE, &known->count);
		if (err != DK_OK)
			return err;
		known->at = 0;
		known->begun = true;
		known->ended = known->count < DK_CATALOGUE_PAGE;
		if (known->count > 0) {
			const struct dk_catalogue_known *end = &run->page[known->count - 1];

			memcpy(known->last, end->name, end->name_len);
			known->last_len = end->name_len;
		}
	}
	*ret = known->at < known->count ? &run->page[known->at] : NULL;
	return DK_OK;
}

dk_err
scan_known_until(struct scan_run *run, struct scan_known *known, const char *name, size_t len,
    const struct dk_catalogue_known **ret)
{
	const struct dk_catalogue_known *it;
	dk_err err;

	*ret = NULL;
	while ((err = known_at(run, known, &it)) == DK_OK && it) {
		int order = name ? compare(it->name, it->name_len, name, len) : -1;

		if (order > 0)
			break;
		known->at++;
		if (order == 0) {
			*ret = it;
			break;
		}
		run->counts->gone++;
		run->written++;
		err = dk_catalogue_gone(run->writer, known->folder, it->name, it->name_len);
		if (err != DK_OK)
			return err;
	}
	return err;
}

dk_err
scan_run_chunk(
    struct scan_run *run, struct batch_dir *dir, uint64_t folder, struct scan_chunk **chunk)
{
	dk_err err = DK_OK;

	if (*chunk && (*chunk)->count == scan_pool_items(run->pool)) {
		scan_pool_submit(run->pool);
		*chunk = NULL;
	}
	if (*chunk)
		return DK_OK;
	while (err == DK_OK && !(*chunk = scan_pool_blank(run->pool)))
		err = take_chunk(run, scan_pool_take(run->pool));
	if (err == DK_OK) {
		(*chunk)->dir = dir ? batch_dir_ref(dir) : NULL;
		(*chunk)->folder = folder;
	}
	return err;
}
