/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage of the log process: entries, tree nodes, used requests, budgets, checkpoints.
 * One interface, and two stores behind it: a file of SQLite, which one process has for
 * itself, and a database of PostgreSQL, which the nodes of a cluster share
 * (spec/cluster.md).
 *
 * All writes of a batch are in one transaction; when store_commit() returns true,
 * they are on disk (spec/log.md section 5). False means that the store failed;
 * the caller gives the whole batch up.
 */
#ifndef DK_STORE_H
#define DK_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log/merkle.h"
#include "log/record.h"

#define STORE_LEVELS 48
#define STORE_FAULT_BYTES 256
#define STORE_REQUEST_ID_BYTES 16

struct store;

/* Requests that are used: their time, and a digest of device and nonce. The time
 * comes first, so that the requests of a second stand in a few pages together. */
struct store_use {
	uint64_t created;
	uint8_t id[STORE_REQUEST_ID_BYTES];
	bool is_new; /* out: it was not used before */
};

/* What a budget has counted, spec/policy.md section 7. */
struct store_budget {
	uint8_t id[32];
	uint64_t minute, in_minute, day, in_day;
};

/* What a batch asks of the store at its beginning, so that it is one question: uses are
 * noted and told whether they are new, budgets are filled in (zeros: not there). */
struct store_ask {
	struct store_use *use;
	unsigned use_count;
	struct store_budget *budget; /* ids differ */
	unsigned budget_count;
};

/* A record with less in it than the one that is there. */
struct store_record {
	uint64_t index;
	uint8_t *bytes;
	size_t len;
};

/*
 * Where the log of a shared store is, for whoever has its lock: others may have gone on
 * with it. The frontier are the roots of the largest complete subtrees, one for each bit
 * of size, from the highest one down. A store that is not shared fills in nothing.
 */
struct store_head {
	uint64_t size;
	uint64_t entry_s;      /* time of the newest entry */
	uint64_t not_before_s; /* as store_not_before() */
	uint64_t generation;   /* of the sealed state that the newest act led to */
	uint64_t sealed;       /* of the sealed state that is kept; below generation, or it */
	bool has_policy;
	uint8_t policy[32]; /* SHA-256 of the policy in force */
	uint8_t frontier[STORE_LEVELS][DK_HASH_BYTES];
};

/* Whether the log goes on here. Of a log that was migrated no other copy does. */
enum store_state { STORE_FILLING = 0, STORE_IN_FORCE = 1, STORE_MOVED = 2 };

/* Which stores are opened: those to run on, or, for a migration, any; or one is made anew. */
enum store_purpose { STORE_TO_RUN, STORE_TO_MIGRATE, STORE_TO_FILL };

/* Calls each for entries in order; each returns false to stop. */
typedef bool (*store_entry_fn)(void *ctx, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES],
    const uint8_t *record, size_t len);
typedef bool (*store_use_fn)(void *ctx, const struct store_use *use);
typedef bool (*store_budget_fn)(void *ctx, const struct store_budget *budget);

/* What a store does; the functions below say what each is for. */
struct store_ops {
	void (*close)(struct store *store);
	bool (*begin)(struct store *store, struct store_ask *ask, struct store_head *ret_head);
	bool (*commit)(struct store *store, const struct store_head *head);
	void (*rollback)(struct store *store);
	bool (*tidy)(struct store *store);
	bool (*forget_used)(struct store *store, uint64_t before);
	bool (*put_budgets)(struct store *store, const struct store_budget *budget, unsigned n);
	bool (*forget_budgets)(struct store *store, uint64_t day);
	bool (*put_entry)(struct store *store, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES],
	    const uint8_t *record, size_t len, bool act);
	bool (*put_node)(struct store *store, uint64_t place, const uint8_t hash[DK_HASH_BYTES]);
	bool (*get_nodes)(struct store *store, const uint64_t *place, unsigned n, uint8_t *ret);
	bool (*put_checkpoint)(struct store *store, uint64_t size, const char *text, size_t len);
	bool (*last_checkpoint)(struct store *store, char *text, size_t cap, size_t *ret_len);
	bool (*size)(struct store *store, uint64_t *ret_size);
	bool (*read)(struct store *store, uint64_t first, uint32_t max, bool acts,
	    store_entry_fn each, void *ctx);
	bool (*put_restored)(struct store *store, uint64_t at);
	bool (*not_before)(struct store *store, uint64_t *ret_at);
	bool (*each_use)(struct store *store, store_use_fn each, void *ctx);
	bool (*each_budget)(struct store *store, store_budget_fn each, void *ctx);
	bool (*get_state)(struct store *store, enum store_state *ret_state);
	bool (*set_state)(struct store *store, enum store_state state);
	bool (*erase)(
	    struct store *store, const struct store_record *record, unsigned n, uint64_t below);
	bool (*erased)(struct store *store, uint64_t *ret_below);
	bool (*purge)(struct store *store);
	/* NULL where the store is not shared */
	bool (*look)(struct store *store, struct store_head *ret_head);
	bool (*get_sealed)(
	    struct store *store, uint64_t *ret_generation, uint8_t **ret, size_t *ret_len);
	bool (*put_sealed)(struct store *store, uint64_t generation, const uint8_t *sealed,
	    size_t len, bool *ret_taken);
	int (*wake_fd)(struct store *store, bool *ret_news);
};

/* The beginning of each store. */
struct store {
	const struct store_ops *ops;
	char fault[STORE_FAULT_BYTES]; /* what went wrong last, or empty; nothing secret */
};

/* A file, which is made if it is not there. fault has room for STORE_FAULT_BYTES, and is empty
 * if there is nothing to say. */
bool store_open_file(const char *file, enum store_purpose purpose, struct store **ret, char *fault);

/* Ends what was begun, too. NULL: nothing. */
void store_close(struct store *store);

static inline bool
store_is_shared(const struct store *store)
{
	return store->ops->look != NULL;
}

/* Begins a batch. Of a shared store nobody else can begin one until it ends. */
static inline bool
store_begin(struct store *store, struct store_ask *ask, struct store_head *ret_head)
{
	return store->ops->begin(store, ask, ret_head);
}

/* head: where the log is then; only a shared store looks at it, and refuses if it has not
 * the one that it gave at the beginning. */
static inline bool
store_commit(struct store *store, const struct store_head *head)
{
	return store->ops->commit(store, head);
}

static inline void
store_rollback(struct store *store)
{
	store->ops->rollback(store);
}

/* Housekeeping that takes longer than a commit, for when nobody waits for an
 * acknowledgement. False: it failed, and what was committed is not touched. */
static inline bool
store_tidy(struct store *store)
{
	return store->ops->tidy(store);
}

/* Outside of a batch: forget requests made before this time, but not that there were some. */
static inline bool
store_forget_used(struct store *store, uint64_t before)
{
	return store->ops->forget_used(store, before);
}

static inline bool
store_put_budgets(struct store *store, const struct store_budget *budget, unsigned n)
{
	return store->ops->put_budgets(store, budget, n);
}

/* Outside of a batch: forget counters of the days before yesterday. */
static inline bool
store_forget_budgets(struct store *store, uint64_t now)
{
	return now < 86400 || store->ops->forget_budgets(store, now / 86400 - 1);
}

/* act: it changes the sealed state, and is one of store_read_acts(). */
static inline bool
store_put_entry(struct store *store, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES],
    const uint8_t *record, size_t len, bool act)
{
	return store->ops->put_entry(store, index, leaf, record, len, act);
}

bool store_put_node(
    struct store *store, unsigned level, uint64_t index, const uint8_t hash[DK_HASH_BYTES]);
/* n nodes of a level, at most STORE_NODES_MAX, behind each other into ret. */
#define STORE_NODES_MAX 256
bool store_get_nodes(struct store *store, unsigned level, uint64_t index, unsigned n, uint8_t *ret);

static inline bool
store_put_checkpoint(struct store *store, uint64_t size, const char *text, size_t len)
{
	return store->ops->put_checkpoint(store, size, text, len);
}

/* The newest one; *ret_len is 0 if there is none. text has room for cap. */
static inline bool
store_last_checkpoint(struct store *store, char *text, size_t cap, size_t *ret_len)
{
	return store->ops->last_checkpoint(store, text, cap, ret_len);
}

/* Number of entries. */
static inline bool
store_size(struct store *store, uint64_t *ret_size)
{
	return store->ops->size(store, ret_size);
}

/* The entries from first on, at most max. */
static inline bool
store_read(struct store *store, uint64_t first, uint32_t max, store_entry_fn each, void *ctx)
{
	return store->ops->read(store, first, max, false, each, ctx);
}

/* Those that are acts, likewise. */
static inline bool
store_read_acts(struct store *store, uint64_t first, uint32_t max, store_entry_fn each, void *ctx)
{
	return store->ops->read(store, first, max, true, each, ctx);
}

/* When the store was made from a backup: it knows no request from before. */
static inline bool
store_put_restored(struct store *store, uint64_t at)
{
	return store->ops->put_restored(store, at);
}

/* Of requests made before this time nobody knows any more whether they were used. */
static inline bool
store_not_before(struct store *store, uint64_t *ret_at)
{
	return store->ops->not_before(store, ret_at);
}

/* Outside of a batch; durable when it returns. From STORE_MOVED on nobody writes here. */
static inline bool
store_get_state(struct store *store, enum store_state *ret_state)
{
	return store->ops->get_state(store, ret_state);
}

static inline bool
store_set_state(struct store *store, enum store_state state)
{
	return store->ops->set_state(store, state);
}

/*
 * Outside of a batch, and durable when it returns: these in place of the records that are there
 * (spec/log.md section 16), and that all entries below that index were looked at; 0: as before.
 * False: nothing was changed.
 */
static inline bool
store_erase(struct store *store, const struct store_record *record, unsigned n, uint64_t below)
{
	return store->ops->erase(store, record, n, below);
}

static inline bool
store_erased(struct store *store, uint64_t *ret_below)
{
	return store->ops->erased(store, ret_below);
}

/* Outside of a batch: what was replaced before is in no file of the store. A database that is
 * shared does so in its own time. */
static inline bool
store_purge(struct store *store)
{
	return store->ops->purge(store);
}

/* All that is known of used requests and budgets. False: the store failed, or each did. */
static inline bool
store_each_use(struct store *store, store_use_fn each, void *ctx)
{
	return store->ops->each_use(store, each, ctx);
}

static inline bool
store_each_budget(struct store *store, store_budget_fn each, void *ctx)
{
	return store->ops->each_budget(store, each, ctx);
}

/* Of a shared store, outside of a batch: where the log is. */
static inline bool
store_look(struct store *store, struct store_head *ret_head)
{
	return store->ops->look(store, ret_head);
}

/* The sealed state that is kept; *ret_len is 0 if there is none. free(). */
static inline bool
store_get_sealed(struct store *store, uint64_t *ret_generation, uint8_t **ret, size_t *ret_len)
{
	return store->ops->get_sealed(store, ret_generation, ret, ret_len);
}

/* Keeps this one, if it follows the one that is kept and is that of the newest act. */
static inline bool
store_put_sealed(
    struct store *store, uint64_t generation, const uint8_t *sealed, size_t len, bool *ret_taken)
{
	return store->ops->put_sealed(store, generation, sealed, len, ret_taken);
}

/* A descriptor that is readable when there may be news, or -1; and whether there was some. */
static inline int
store_wake_fd(struct store *store, bool *ret_news)
{
	return store->ops->wake_fd(store, ret_news);
}

/* budget.c: what a request takes from a budget. A limit of 0 is none. */
struct store_charge {
	uint8_t id[32];
	uint32_t objects;
	uint32_t per_minute, per_day;
};

/* The budgets of a batch: each one once. Zeros are an empty one. */
#define STORE_BUDGETS_MAX 16384
struct store_budgets {
	unsigned count;
	struct store_budget of[STORE_BUDGETS_MAX];
	uint16_t slot[2 * STORE_BUDGETS_MAX]; /* by the id: place in of + 1; 0: free */
};
/* There is room for all of them; one that is there already stays as it is. */
void store_budgets_want(
    struct store_budgets *budgets, const struct store_charge *charges, unsigned n);
void store_budgets_clear(struct store_budgets *budgets);
/* All of them or nothing: false, a budget cannot bear it. */
bool store_charge(
    struct store_budgets *budgets, const struct store_charge *charges, unsigned n, uint64_t now);

#endif
