/* SPDX-License-Identifier: Apache-2.0 */
/* From one store to another one: the tree is built anew from the leaves. */
#include <string.h>

#include "logd/tree.h"
#include "migrate/migrate.h"

#define BATCH 4096

struct copy {
	struct store *to;
	struct store_head head;
	struct tree tree;
	unsigned use_count;
	struct store_use use[BATCH];
	unsigned budget_count;
	struct store_budget budget[BATCH];
	bool open; /* a batch */
};

static bool
begin(struct copy *c, struct store_ask *ask)
{
	struct store_head head;

	c->open = store_begin(c->to, ask, &head);
	return c->open;
}

static bool
commit(struct copy *c)
{
	c->open = false;
	c->head.size = c->tree.size;
	return tree_frontier(&c->tree, c->head.frontier) && store_commit(c->to, &c->head);
}

static bool
begin_empty(struct copy *c)
{
	struct store_ask nothing = { .use_count = 0 };

	return begin(c, &nothing);
}

static bool
put_entry(
    void *ctx, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES], const uint8_t *record, size_t len)
{
	struct copy *c = ctx;
	bool act = dk_log_class_is_act((unsigned)leaf[4] << 8 | leaf[5]);

	if (index != c->tree.size || (!c->open && !begin_empty(c)))
		return false;
	return store_put_entry(c->to, index, leaf, record, len, act) &&
	    tree_append(&c->tree, leaf) && (c->tree.size % BATCH != 0 || commit(c));
}

static bool
put_uses(struct copy *c)
{
	struct store_ask ask = { .use = c->use, .use_count = c->use_count };

	c->use_count = 0;
	return ask.use_count == 0 || (begin(c, &ask) && commit(c));
}

static bool
take_use(void *ctx, const struct store_use *use)
{
	struct copy *c = ctx;

	c->use[c->use_count++] = *use;
	return c->use_count < BATCH || put_uses(c);
}

static bool
put_budgets(struct copy *c)
{
	unsigned n = c->budget_count;

	c->budget_count = 0;
	return n == 0 || (begin_empty(c) && store_put_budgets(c->to, c->budget, n) && commit(c));
}

static bool
take_budget(void *ctx, const struct store_budget *budget)
{
	struct copy *c = ctx;

	c->budget[c->budget_count++] = *budget;
	return c->budget_count < BATCH || put_budgets(c);
}

/* The newest checkpoint of the source is of the tree that the destination has now. */
static bool
roots_are_same(struct copy *c, const struct dk_log_keys *keys, const char *text, size_t len)
{
	struct dk_checkpoint cp;
	uint8_t root[DK_HASH_BYTES];

	if (len == 0)
		return c->tree.size == 0;
	return dk_checkpoint_verify(keys, text, len, &cp) == DK_OK && cp.size == c->tree.size &&
	    tree_root(&c->tree, cp.size, root) && memcmp(root, cp.root, sizeof(root)) == 0;
}

static bool
put_rest(struct copy *c, struct store *from, const char *text, size_t len)
{
	uint64_t not_before;

	return store_not_before(from, &not_before) && begin_empty(c) &&
	    (len == 0 || store_put_checkpoint(c->to, c->tree.size, text, len)) &&
	    (not_before == 0 || store_put_restored(c->to, not_before)) && commit(c);
}

const char *
copy_log(struct store *from, struct store *to, const struct dk_log_keys *keys, uint64_t *ret_size)
{
	static struct copy c;
	char text[DK_CHECKPOINT_MAX_BYTES];
	uint64_t size;
	size_t len;

	c = (struct copy){ .to = to };
	if (!tree_load(&c.tree, to) || c.tree.size != 0)
		return "the destination is not empty";
	if (!store_size(from, &size) || !store_last_checkpoint(from, text, sizeof(text), &len))
		return "the source cannot be read";
	if (!store_read(from, 0, UINT32_MAX, put_entry, &c) || (c.open && !commit(&c)) ||
	    c.tree.size != size)
		return "the entries cannot be copied";
	if (!store_each_use(from, take_use, &c) || !put_uses(&c) ||
	    !store_each_budget(from, take_budget, &c) || !put_budgets(&c))
		return "used requests and budgets cannot be copied";
	if (!roots_are_same(&c, keys, text, len))
		return "log-damaged: the copy has another root than the checkpoint says";
	if (!put_rest(&c, from, text, len))
		return "the checkpoint cannot be copied";
	*ret_size = size;
	return NULL;
}
