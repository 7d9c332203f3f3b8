/* SPDX-License-Identifier: Apache-2.0 */
/* A tree that goes on from a frontier alone is the tree that has all nodes: spec/cluster.md
 * section 3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log/receipt.h"
#include "logd/tree.h"

#define LEAVES 300

/* Takes nodes, and knows none: a question to it fails. */
static bool
put(struct store *store, uint64_t place, const uint8_t hash[DK_HASH_BYTES])
{
	(void)store;
	(void)place;
	(void)hash;
	return true;
}

static bool
get(struct store *store, const uint64_t *place, unsigned n, uint8_t *ret)
{
	(void)store;
	(void)place;
	(void)n;
	(void)ret;
	return false;
}

static const struct store_ops ops = { .put_node = put, .get_nodes = get };

static void
leaf(uint64_t n, uint8_t ret[DK_LEAF_BYTES])
{
	memset(ret, 0, DK_LEAF_BYTES);
	ret[0] = (uint8_t)n;
	ret[1] = (uint8_t)(n >> 8);
}

static void
append(struct tree *tree)
{
	uint8_t bytes[DK_LEAF_BYTES];

	leaf(tree->size, bytes);
	assert_true(tree_append(tree, bytes));
}

static void
assert_same(struct tree *a, struct tree *b, uint64_t from)
{
	uint8_t root[2][DK_HASH_BYTES], proof[2][DK_PROOF_HASHES_MAX * DK_HASH_BYTES];
	unsigned n[2];

	assert_true(tree_root(a, a->size, root[0]) && tree_root(b, b->size, root[1]));
	assert_memory_equal(root[0], root[1], DK_HASH_BYTES);
	for (uint64_t i = from; i < a->size; i++) {
		assert_true(tree_proof(a, a->size, i, proof[0], &n[0]) &&
		    tree_proof(b, b->size, i, proof[1], &n[1]));
		assert_int_equal(n[0], n[1]);
		assert_memory_equal(proof[0], proof[1], (size_t)n[0] * DK_HASH_BYTES);
	}
}

static void
test_from_a_frontier(void **state)
{
	struct store store = { .ops = &ops };
	struct tree *whole = calloc(1, sizeof(*whole)), *other = calloc(1, sizeof(*other));
	uint8_t frontier[TREE_LEVELS][DK_HASH_BYTES], again[TREE_LEVELS][DK_HASH_BYTES];

	(void)state;
	assert_true(whole && other);
	whole->store = other->store = &store;
	for (uint64_t size = 0; size < LEAVES; size++) {
		unsigned bits = (unsigned)__builtin_popcountll(size);

		assert_true(tree_frontier(whole, frontier));
		tree_set(other, size, frontier);
		assert_true(tree_frontier(other, again));
		assert_memory_equal(frontier, again, (size_t)bits * DK_HASH_BYTES);
		/* The other one's batches are of several lengths. */
		for (uint64_t n = 0; n < 1 + size % 9; n++)
			append(other);
		while (whole->size < other->size)
			append(whole);
		assert_same(whole, other, size);
		size = whole->size - 1;
	}
	tree_set(other, 6, frontier); /* control: another frontier is another tree */
	memset(frontier, 1, sizeof(frontier));
	tree_set(other, whole->size, frontier);
	assert_true(
	    tree_root(other, other->size, again[0]) && tree_root(whole, whole->size, again[1]));
	assert_memory_not_equal(again[0], again[1], DK_HASH_BYTES);
	free(whole);
	free(other);
}

/* Roots of all sizes, and each proof between two of them, by the verifier's code. */
static void
test_proofs_of_earlier_trees(void **state)
{
	enum { SIZES = 70 };
	uint8_t root[SIZES + 1][DK_HASH_BYTES], hash[DK_HASH_BYTES], got[DK_HASH_BYTES];
	uint8_t hashes[DK_CONSISTENCY_HASHES_MAX * DK_HASH_BYTES], bytes[DK_LEAF_BYTES];
	struct store store = { .ops = &ops };
	struct tree *tree = calloc(1, sizeof(*tree));
	unsigned n;

	(void)state;
	assert_true(tree);
	tree->store = &store;
	for (unsigned size = 1; size <= SIZES; size++) {
		append(tree);
		assert_true(tree_root(tree, size, root[size]));
	}
	for (uint64_t size = 1; size <= SIZES; size++)
		for (uint64_t from = 0; from <= size; from++) {
			assert_true(tree_consistency(tree, from, size, hashes, &n));
			assert_int_equal(dk_merkle_consistency_verify(
					     from, root[from], size, root[size], hashes, n),
			    DK_OK);
			if (from == size)
				continue;
			leaf(from, bytes);
			assert_true(tree_proof(tree, size, from, hashes, &n));
			assert_int_equal(dk_merkle_leaf(bytes, sizeof(bytes), hash), DK_OK);
			assert_int_equal(
			    dk_merkle_inclusion_root(hash, from, size, hashes, n, got), DK_OK);
			assert_memory_equal(got, root[size], sizeof(got));
		}
	assert_int_equal(tree->size, SIZES);
	free(tree);
}

/* What is older than the frontier is the store's to say. */
static void
test_older_nodes_are_asked_for(void **state)
{
	struct store store = { .ops = &ops };
	struct tree *tree = calloc(1, sizeof(*tree));
	uint8_t frontier[TREE_LEVELS][DK_HASH_BYTES] = { { 0 } }, hash[4 * DK_HASH_BYTES];

	(void)state;
	assert_non_null(tree);
	tree->store = &store;
	tree_set(tree, 8, frontier);
	assert_true(tree_node(tree, 3, 0, hash));
	assert_false(tree_node(tree, 0, 0, hash));
	assert_false(tree_nodes(tree, 0, 4, 4, hash));
	for (unsigned i = 0; i < 4; i++)
		append(tree);
	assert_true(tree_nodes(tree, 0, 8, 4, hash));
	assert_false(tree_nodes(tree, 0, 7, 4, hash));
	free(tree);
}

static void
test_budgets(void **state)
{
	static struct store_budgets budgets;
	struct store_charge charge[2] = { { .objects = 3, .per_minute = 10, .per_day = 100 },
		{ .objects = 3, .per_day = 4 } };

	(void)state;
	memset(charge[1].id, 7, sizeof(charge[1].id));
	store_budgets_want(&budgets, charge, 2);
	store_budgets_want(&budgets, charge, 2);
	assert_int_equal(budgets.count, 2);
	assert_true(store_charge(&budgets, charge, 2, 86400));
	assert_false(store_charge(&budgets, charge, 2, 86400)); /* the second one of them */
	assert_int_equal(budgets.of[0].in_minute, 3);           /* and then nothing of the first */
	assert_true(store_charge(&budgets, charge, 1, 86400));
	assert_true(store_charge(&budgets, charge, 1, 86400));
	assert_false(store_charge(&budgets, charge, 1, 86400));
	assert_true(store_charge(&budgets, charge, 1, 86460)); /* the next minute */
	assert_false(store_charge(&budgets, charge, 1, 86400) &&
	    store_charge(&budgets, charge, 1, 86400) && store_charge(&budgets, charge, 1, 86400));
	assert_true(store_charge(&budgets, charge, 2, 2 * 86400)); /* the next day */
	store_budgets_clear(&budgets);
	assert_false(store_charge(&budgets, charge, 1, 86400)); /* nobody asked for it */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_a_frontier),
		cmocka_unit_test(test_proofs_of_earlier_trees),
		cmocka_unit_test(test_older_nodes_are_asked_for),
		cmocka_unit_test(test_budgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
