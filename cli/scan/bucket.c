/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/header.h"
#include "cli/console/message.h"
#include "provider/bucket.h"
#include "cli/scan/run.h"

/* Few, so that as many requests as there are threads are under way also near the end. */
#define CHUNK_ITEMS 4

static void
take_stamp(struct dk_catalogue_found *found, const struct dk_bucket_stamp *stamp)
{
	_Static_assert(sizeof(stamp->bytes) == sizeof(found->stamp), "one stamp is the other");
	memcpy(found->stamp, stamp->bytes, stamp->len);
	found->stamp_len = stamp->len;
}

/* What a request says of its place, and of the server. */
static void
judge_failure(struct scan_item *item, dk_err err, long status)
{
	char place[24];

	item->err = err;
	item->server_failed = status == 0 || status >= 500 || err == DK_ERR_STORE_UNREACHABLE ||
	    err == DK_ERR_STORE_TLS;
	if (err == DK_OK)
		item->err = DK_ERR_STORE_UNREACHABLE;
	(void)snprintf(place, sizeof(place), "%ld", status);
	if (err == DK_ERR_STORE_ANSWER)
		scan_item_error(item, "read", "answer");
	else
		scan_item_error(item, "read", status > 0 ? place : "unreachable");
}

static void
read_item(void *ctx, const struct scan_chunk *chunk, struct scan_item *item, uint8_t *block)
{
	struct dk_bucket_head head;
	dk_err err;

	(void)chunk;
	err = dk_bucket_read(ctx, item->found.name, item->found.name_len, block, &head);
	if (err == DK_ERR_NOMEM || err == DK_ERR_STORE_CREDENTIALS ||
	    err == DK_ERR_PROVIDER_CONFIGURATION) {
		item->outcome = SCAN_BROKEN;
		item->err = err;
	} else if (head.no_path) {
		scan_item_error(item, "read", "key");
	} else if (err == DK_OK && head.status == 404) {
		item->outcome = SCAN_NO_FILE;
	} else if (err != DK_OK || (head.status != 200 && head.status != 206)) {
		judge_failure(item, err, head.status);
	} else if (head.changed) {
		scan_item_error(item, "changed", "");
	} else {
		item->found.size = head.size;
		take_stamp(&item->found, &head.stamp);
		scan_item_parse(item, block, head.len);
	}
}

static bool
is_unchanged(const struct dk_catalogue_known *known, const struct dk_bucket_entry *entry)
{
	return known && entry->stamp.len > 0 && known->stamp_len == entry->stamp.len &&
	    memcmp(known->stamp, entry->stamp.bytes, entry->stamp.len) == 0;
}

/* What is shorter than the magic needs no reading. */
static dk_err
put_short(struct scan_run *run, uint64_t folder, const struct dk_bucket_entry *entry)
{
	struct dk_catalogue_found found = {
		.name = entry->name, .name_len = entry->name_len, .size = entry->size
	};

	take_stamp(&found, &entry->stamp);
	run->written++;
	return dk_catalogue_put(run->writer, folder, &found);
}

static dk_err
submit(struct scan_run *run, uint64_t folder, const struct dk_bucket_entry *entry, bool fresh,
    struct scan_chunk **chunk)
{
	struct scan_item *item;
	char *name;
	dk_err err = scan_run_chunk(run, NULL, folder, chunk);

	if (err != DK_OK)
		return err;
	/* malloc(0) may be NULL. */
	name = malloc(entry->name_len + 1);
	if (!name)
		return DK_ERR_NOMEM;
	memcpy(name, entry->name, entry->name_len);
	name[entry->name_len] = '\0';
	item = &(*chunk)->item[(*chunk)->count++];
	item->name = name;
	item->found.name = name;
	item->found.name_len = entry->name_len;
	item->found.size = entry->size;
	item->found.fresh = fresh;
	return DK_OK;
}

static dk_err
take_entry(struct scan_run *run, struct scan_known *known, const struct dk_bucket_entry *entry,
    struct scan_chunk **chunk)
{
	const struct dk_catalogue_known *it;
	dk_err err = scan_known_until(run, known, entry->name, entry->name_len, &it);

	if (err != DK_OK)
		return err;
	if (!is_unchanged(it, entry) && entry->size >= DK_MAGIC_BYTES)
		return submit(run, known->folder, entry, !it, chunk);
	progress_part_add(run->progress, 1);
	if (is_unchanged(it, entry)) {
		run->counts->unchanged++;
		return DK_OK;
	}
	run->counts->read++;
	return put_short(run, known->folder, entry);
}

/* Pages come while the objects of those before are read. */
static dk_err
walk(struct scan_run *run, struct dk_bucket *bucket, uint64_t folder)
{
	struct scan_known known = { .folder = folder };
	const struct dk_catalogue_known *it;
	const struct dk_bucket_page *page = NULL;
	struct scan_chunk *chunk = NULL;
	dk_err err;

	while ((err = dk_bucket_list(bucket, &page)) == DK_OK && page) {
		for (size_t i = 0; i < page->count && err == DK_OK; i++)
			err = take_entry(run, &known, &page->entry[i], &chunk);
		if (err == DK_OK)
			err = scan_run_commit(run);
		if (err != DK_OK)
			return err;
	}
	/* Names behind the last page are gone only if it was the last one. */
	if (err == DK_OK)
		err = scan_known_until(run, &known, NULL, 0, &it);
	if (chunk)
		scan_pool_submit(run->pool);
	return err;
}

static dk_err
scan_root(struct scan_run *run, struct dk_bucket *bucket)
{
	const char *root = dk_bucket_root(bucket);
	uint64_t scan, folder, now = (uint64_t)time(NULL);
	dk_err err = dk_catalogue_begin(run->writer, root, strlen(root), now, &scan), ended = DK_OK;

	if (err == DK_OK)
		err = dk_catalogue_commit(run->writer);
	if (err == DK_OK)
		err = dk_catalogue_folder(run->writer, 0, root, strlen(root), &folder);
	if (err != DK_OK)
		return err;
	err = walk(run, bucket, folder);
	/* What was read before the server failed need not be read again. */
	if (err == DK_OK || dk_err_category(err) == DK_CAT_PROVIDER)
		ended = scan_run_drain(run);
	if (err == DK_OK)
		err = ended;
	if (err == DK_OK)
		return dk_catalogue_end(
		    run->writer, scan, folder, (uint64_t)time(NULL), &run->counts->missed);
	if (dk_err_category(err) == DK_CAT_PROVIDER)
		ended = dk_catalogue_commit(run->writer);
	return ended == DK_OK || dk_err_category(ended) == DK_CAT_PROVIDER ? err : ended;
}

static void
tell(void *ctx, const char *ref, const char *text)
{
	(void)ctx;
	message_warn(ref, "%s", text);
}

dk_err
scan_bucket(struct dk_catalogue_writer *writer, const char *url, unsigned jobs,
    struct progress_part *progress, struct scan_counts *counts)
{
	struct scan_run *run = calloc(1, sizeof(*run));
	struct dk_bucket *bucket = NULL;
	dk_err err = run ? dk_bucket_open(url, tell, NULL, &bucket) : DK_ERR_NOMEM;

	if (err == DK_OK) {
		run->writer = writer;
		run->progress = progress;
		run->counts = counts;
		run->committed = time(NULL);
		run->pool = scan_pool_new(jobs, CHUNK_ITEMS, read_item, bucket);
		err = run->pool ? scan_root(run, bucket) : DK_ERR_NOMEM;
		scan_pool_free(run->pool);
	}
	dk_bucket_close(bucket);
	free(run);
	return err;
}
