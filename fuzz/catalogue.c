/* SPDX-License-Identifier: Apache-2.0 */
/* A catalogue that somebody else made, read as the assessment reads it. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "catalogue/impl.h"
#include "fuzz.h"

static char path[] = "/dev/shm/doublekey-fuzz-XXXXXX";
static uint64_t keys;

static void
remove_file(void)
{
	(void)unlink(path);
}

/* One file for all inputs: SQLite wants a name. */
static void
put(const uint8_t *data, size_t len)
{
	static int fd = -1;

	if (fd < 0) {
		fd = mkstemp(path);
		FUZZ_CHECK(fd >= 0 && atexit(remove_file) == 0);
	}
	FUZZ_CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, data, len, 0) == (ssize_t)len);
}

static int
on_key(void *ctx, const struct dk_catalogue_key *key)
{
	uint64_t *count = ctx;

	FUZZ_CHECK(key->id == ++*count && key->id <= keys);
	FUZZ_CHECK(key->side == DK_SIDE_CUSTOMER || key->side == DK_SIDE_PROVIDER);
	FUZZ_CHECK(dk_text_valid((const uint8_t *)key->custodian, strlen(key->custodian)));
	FUZZ_CHECK(dk_text_valid((const uint8_t *)key->name, strlen(key->name)));
	return 0;
}

static int
on_place(void *ctx, const struct dk_catalogue_location *at)
{
	(void)ctx;
	FUZZ_CHECK(at->path_len > 0 && at->path_len <= DK_CATALOGUE_PATH_MAX_BYTES + 1025);
	FUZZ_CHECK(at->since <= INT64_MAX && at->until <= INT64_MAX && at->size <= INT64_MAX);
	return 0;
}

static int
on_problem(void *ctx, const struct dk_catalogue_problem *problem)
{
	(void)ctx;
	FUZZ_CHECK(problem->path_len > 0 && strlen(problem->error) < 32);
	FUZZ_CHECK(strlen(problem->place) < DK_CATALOGUE_PLACE_BYTES);
	return 0;
}

static int
on_scan(void *ctx, const struct dk_catalogue_scan *scan)
{
	(void)ctx;
	FUZZ_CHECK(scan->root_len > 0 && scan->started <= INT64_MAX);
	return 0;
}

static void
check_object(const struct dk_catalogue_object *object, uint64_t id)
{
	size_t at = 0;

	FUZZ_CHECK(object->id == id && object->set_count >= 2);
	FUZZ_CHECK(object->set[0].side == DK_SIDE_CUSTOMER);
	FUZZ_CHECK(object->set[object->set_count - 1].side == DK_SIDE_PROVIDER);
	for (size_t i = 0; i < object->set_count; i++) {
		const struct dk_catalogue_set *set = &object->set[i];

		FUZZ_CHECK(set->first == at && set->count >= 1 && set->epoch >= 1);
		for (; at < set->first + set->count; at++)
			FUZZ_CHECK(object->stanza[at].key >= 1 && object->stanza[at].key <= keys);
	}
}

static bool
known(dk_err err)
{
	return err == DK_OK || err == DK_ERR_CATALOGUE_FILE || err == DK_ERR_CATALOGUE_VERSION ||
	    err == DK_ERR_CATALOGUE_BUSY || err == DK_ERR_READ || err == DK_ERR_NOMEM;
}

static void
walk(struct dk_catalogue *cat)
{
	const struct dk_catalogue_object *object = NULL;
	uint64_t objects = 0, count = 0;
	dk_err err = catalogue_count(cat, &objects, &keys);

	FUZZ_CHECK(known(err));
	if (err != DK_OK)
		return;
	FUZZ_CHECK(known(catalogue_keys(cat, on_key, &count)));
	for (uint64_t id = 1; (err = catalogue_next(cat, &object)) == DK_OK && object; id++) {
		check_object(object, id);
		FUZZ_CHECK(known(catalogue_locations(cat, id, on_place, NULL)));
	}
	FUZZ_CHECK(known(err));
	FUZZ_CHECK(known(catalogue_problems(cat, on_problem, NULL)));
	FUZZ_CHECK(known(catalogue_scans(cat, on_scan, NULL)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dk_catalogue *cat = NULL;
	dk_err err;

	put(data, len);
	err = catalogue_open(path, &cat);
	FUZZ_CHECK(known(err));
	if (err == DK_OK) {
		walk(cat);
		catalogue_close(cat);
	}
	return 0;
}
