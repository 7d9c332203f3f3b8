/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage of the log process: entries, tree nodes, used requests, checkpoints.
 *
 * All writes of a batch are in one transaction; when store_commit() returns,
 * they are on disk (spec/log.md section 5). False means that the store failed;
 * the caller gives the whole batch up.
 */
#ifndef DK_STORE_H
#define DK_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log/record.h"

struct store;

/* file is made if it is not there. */
bool store_open(const char *file, struct store **ret);
void store_close(struct store *store);

bool store_begin(struct store *store);
bool store_commit(struct store *store);
void store_rollback(struct store *store);
/* Housekeeping that takes longer than a commit, for when nobody waits for an
 * acknowledgement. False: it failed, and what was committed is not touched. */
bool store_tidy(struct store *store);

/* Requests that were used: their time, and a digest of device and nonce. The time
 * comes first, so that the requests of a second stand in a few pages together.
 * *ret_new: whether this one was not used before. */
#define STORE_REQUEST_ID_BYTES 16
bool store_use(struct store *store, uint64_t created, const uint8_t id[STORE_REQUEST_ID_BYTES],
    bool *ret_new);
/* Forget requests made before this time, but not that there were some. */
bool store_forget_used(struct store *store, uint64_t before);

/* Budgets, spec/policy.md section 7. A limit of 0 is none. */
struct store_charge {
	uint8_t id[32];
	uint32_t objects;
	uint32_t per_minute, per_day;
};
/* All of them or, with *ret_within false, nothing. */
bool store_charge(struct store *store, const struct store_charge *charges, unsigned n, uint64_t now,
    bool *ret_within);
/* Forget counters of the days before yesterday. */
bool store_forget_budgets(struct store *store, uint64_t now);

bool store_put_entry(struct store *store, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES],
    const uint8_t *record, size_t len);
bool store_put_node(struct store *store, unsigned level, uint64_t index, const uint8_t hash[32]);
bool store_get_node(struct store *store, unsigned level, uint64_t index, uint8_t ret_hash[32]);
bool store_put_checkpoint(struct store *store, uint64_t size, const char *text, size_t len);
/* The newest one; *ret_len is 0 if there is none. text has room for cap. */
bool store_last_checkpoint(struct store *store, char *text, size_t cap, size_t *ret_len);
/* Number of entries. */
bool store_size(struct store *store, uint64_t *ret_size);

/* Calls each for the entries from first on, at most max; each returns false to stop. */
typedef bool (*store_entry_fn)(void *ctx, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES],
    const uint8_t *record, size_t len);
bool store_read(struct store *store, uint64_t first, uint32_t max, store_entry_fn each, void *ctx);
/* The entries that are acts, likewise; which ones are is said beside the entry. */
bool store_put_act(struct store *store, uint64_t index);
bool store_read_acts(
    struct store *store, uint64_t first, uint32_t max, store_entry_fn each, void *ctx);
/* When the store was made from a backup: it knows no request from before. */
bool store_put_restored(struct store *store, uint64_t at);
/* Of requests made before this time nobody knows any more whether they were used. */
bool store_not_before(struct store *store, uint64_t *ret_at);

#endif
