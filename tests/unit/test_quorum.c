/* SPDX-License-Identifier: Apache-2.0 */
/* Times that a quorum vouches for: spec/exposure.md section 2.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log/quorum.h"

#define ALL 7

/* Three witnesses, of which `needed` are the quorum. */
static struct dk_quorum
of_three(uint8_t needed)
{
	struct dk_quorum q = { .witness_count = 3, .node_count = 4, .quorum = 3 };

	for (uint8_t i = 0; i < 3; i++)
		q.node[i].witness = i;
	q.node[3].needed = needed;
	q.node[3].members = ALL;
	return q;
}

static void
expect(uint8_t needed, uint32_t witnesses, const uint64_t time[3], uint64_t low, uint64_t high)
{
	struct dk_quorum q = of_three(needed);
	struct dk_quorum_seen seen = { .witnesses = witnesses,
		.time = { time[0], time[1], time[2] } };
	uint64_t got_low = 0, got_high = 0;

	assert_true(dk_quorum_times(&q, &seen, &got_low, &got_high));
	assert_int_equal(got_low, low);
	assert_int_equal(got_high, high);
}

static void
test_one_that_lies_moves_nothing(void **state)
{
	(void)state;
	expect(2, ALL, (uint64_t[]){ 10, 11, 12 }, 11, 11);
	expect(2, ALL, (uint64_t[]){ 1000000, 11, 12 }, 12, 12);
	expect(2, ALL, (uint64_t[]){ 0, 11, 12 }, 11, 11);
	/* Control: where one is enough, it does. */
	expect(1, ALL, (uint64_t[]){ 1000000, 11, 12 }, 1000000, 11);
	expect(3, ALL, (uint64_t[]){ 1000000, 11, 12 }, 11, 1000000);
}

static void
test_only_those_that_signed_count(void **state)
{
	(void)state;
	expect(2, 6, (uint64_t[]){ 1, 11, 12 }, 11, 12);
	expect(1, 4, (uint64_t[]){ 1, 2, 12 }, 12, 12);
}

static void
test_no_quorum_has_no_times(void **state)
{
	struct dk_quorum q = of_three(2);
	struct dk_quorum_seen seen = { .witnesses = 4, .time = { 1, 2, 3 } };
	uint64_t low, high;

	(void)state;
	assert_false(dk_quorum_times(&q, &seen, &low, &high));
	seen.witnesses = ALL;
	assert_true(dk_quorum_times(&q, &seen, &low, &high));
	q.quorum = DK_QUORUM_NONE;
	assert_false(dk_quorum_times(&q, &seen, &low, &high));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_that_lies_moves_nothing),
		cmocka_unit_test(test_only_those_that_signed_count),
		cmocka_unit_test(test_no_quorum_has_no_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
