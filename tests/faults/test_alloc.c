/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets each allocation of each operation fail, once alone and once with all that
 * follow, and says what is wrong then: a crash, memory that is not freed, success
 * without the result, an error that is not the machine's, an output that was
 * touched.
 *
 * usage: test_alloc fast|slow|controls [NAME]
 *
 * fast   alone, the first allocation of each path through the code of this program;
 *        libcrypto is below it
 * slow   both ways, one allocation of each call stack, libcrypto's too; of operations
 *        that are marked as too slow for that, the first and the last of each path
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "alloc.h"
#include "outcome.h"

#define NUMBERS_MAX 65536
#define FINDINGS_SHOWN 8

/* What a working process tells, readable also when a signal has ended it. */
struct report {
	const char *finding;
	unsigned long n; /* allocation that failed last */
	enum alloc_mode mode;
	size_t next;           /* of the numbers, the first that is not done */
	unsigned long counted; /* allocations of a run without faults */
	unsigned long runs;
	size_t numbers_count;
	uint32_t numbers[NUMBERS_MAX]; /* allocations to fail */
};

static struct world own_world;
static struct world *world;
static struct report *report;
static bool deep;

static void
run_op(
    const struct op *op, struct outcome *outcome, unsigned long n, enum alloc_mode mode, bool trace)
{
	*outcome = (struct outcome){
		.err = DK_OK, .key = UNTOUCHED, .info = UNTOUCHED, .data = UNTOUCHED
	};
	report->n = n;
	report->mode = mode;
	alloc_arm(n, mode, trace);
	op->run(world, op->arg, outcome);
	report->counted = alloc_disarm();
	report->runs++;
	ERR_clear_error();
}

struct seen {
	uint64_t stack;
	uint32_t first, last;
};

static void
see(struct seen *seen, size_t *count, uint64_t stack, unsigned long n)
{
	size_t i = 0;

	while (i < *count && seen[i].stack != stack)
		i++;
	if (i == *count) {
		seen[(*count)++] = (struct seen){ stack, (uint32_t)n, (uint32_t)n };
		return;
	}
	seen[i].last = (uint32_t)n;
}

/* After a traced run: which ones to fail. */
static void
choose_numbers(const struct op *op)
{
	static struct seen seen[NUMBERS_MAX / 2];
	const bool whole = deep && !op->sample;
	size_t count = 0;

	for (unsigned long n = 1; n <= report->counted && count < NUMBERS_MAX / 2; n++)
		see(seen, &count, alloc_stack_of(n, !whole), n);
	report->numbers_count = 0;
	for (size_t i = 0; i < count; i++) {
		report->numbers[report->numbers_count++] = seen[i].first;
		if (deep && !whole && seen[i].last > seen[i].first)
			report->numbers[report->numbers_count++] = seen[i].last;
	}
}

/* Runs still to do: of each number one, or one in each way. */
static bool
is_left(void)
{
	return report->next < (deep ? 2 : 1) * report->numbers_count;
}

static enum alloc_mode
mode_of(size_t run)
{
	return run < report->numbers_count ? ALLOC_ONE : ALLOC_ALL;
}

static unsigned long
number_of(size_t run)
{
	return report->numbers[run % report->numbers_count];
}

static const char *
judge_run(const struct op *op, struct outcome *outcome, unsigned long n)
{
	const char *wrong = op->judge(world, op->arg, outcome);

	if (!wrong && outcome->err != DK_OK && dk_err_category(outcome->err) != DK_CAT_SYSTEM) {
		(void)fprintf(stderr, "%s: %lu: %s\n", op->name, n, dk_err_name(outcome->err));
		wrong = "error of another kind";
	}
	return wrong;
}

/*
 * What is left of this program's own is not freed. libcrypto keeps some things for
 * the next time: what it leaves again and again is not freed.
 */
static const char *
run_once(const struct op *op, unsigned long n, enum alloc_mode mode)
{
	struct outcome outcome;
	const char *wrong;

	for (unsigned tries = 0;; tries++) {
		struct alloc_live before = alloc_live();
		struct alloc_live after;

		run_op(op, &outcome, n, mode, false);
		wrong = judge_run(op, &outcome, n);
		ERR_clear_error();
		after = alloc_live();
		if (wrong)
			return wrong;
		if (after.own <= before.own && after.crypto <= before.crypto)
			return NULL;
		if (tries > 2 || after.own > before.own)
			return "not freed";
	}
}

static void
warm_up(const struct op *op)
{
	struct outcome outcome;

	if (!world_open(world))
		abort();
	/* Twice, since the second run is the first that finds all that is kept. */
	for (int i = 0; i < 2; i++) {
		run_op(op, &outcome, 0, ALLOC_ONE, i > 0);
		report->finding =
		    outcome.err != DK_OK ? "does not work at all" : judge_run(op, &outcome, 0);
		if (report->finding)
			_exit(1);
	}
	choose_numbers(op);
}

/* In a child: from report->next on, until something is found. */
static void
sweep(const struct op *op)
{
	warm_up(op);
	for (; is_left(); report->next++) {
		report->finding = run_once(op, number_of(report->next), mode_of(report->next));
		if (report->finding)
			_exit(1);
	}
	_exit(0);
}

/*
 * Since 3.1 libcrypto waits for itself if memory is short while it starts, since it notes
 * the failed allocation, which needs what is starting (its issues 19334 and 32894), or
 * ends the process, since its locks need memory that it does not do without. Nothing of
 * this program can prevent that, so there only what comes behind the start fails here:
 * providers, algorithms.
 */
static void
start_base(void)
{
	const uint64_t all = OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_LOAD_CONFIG;

	if (OpenSSL_version_num() >= 0x30100000UL && OPENSSL_init_crypto(all, NULL) != 1)
		abort();
}

/* In a child of its own for each number, so that libcrypto starts anew. */
static void
sweep_cold(const struct op *op)
{
	struct outcome outcome;

	start_base();
	if (report->numbers_count == 0) {
		run_op(op, &outcome, 0, ALLOC_ONE, true);
		choose_numbers(op);
	} else {
		size_t run = report->next++;

		run_op(op, &outcome, number_of(run), mode_of(run), false);
	}
	if (alloc_live().own > (outcome.err == DK_OK && outcome.data != UNTOUCHED))
		report->finding = "not freed";
	/* libcrypto does not always recover from a start that failed: then the error alone. */
	if (!report->finding && (outcome.err != DK_OK || world_open(world)))
		report->finding = judge_run(op, &outcome, report->n);
	_exit(report->finding ? 1 : 0);
}

static void
fork_and(void (*work)(const struct op *), const struct op *op)
{
	int status;
	pid_t child;

	report->finding = NULL;
	child = fork();
	if (child == 0)
		work(op);
	if (child < 0 || waitpid(child, &status, 0) != child)
		abort();
	if (WIFSIGNALED(status) || (WEXITSTATUS(status) != 0 && !report->finding))
		report->finding = "ended by a signal";
}

/* Once more with a trace, in a child since it may end badly. */
static void
show_stack(const struct op *op)
{
	static struct report kept;
	unsigned long n = report->n;
	enum alloc_mode mode = report->mode;
	struct outcome outcome;
	int status;
	pid_t child;

	kept = *report;
	child = fork();
	if (child == 0) {
		if (op->cold)
			start_base();
		else
			warm_up(op);
		run_op(op, &outcome, 0, mode, true);
		alloc_print_stack(n);
		if (strcmp(report->finding ? report->finding : "", "not freed") == 0) {
			run_op(op, &outcome, n, mode, true);
			ERR_clear_error();
			(void)op->judge(world, op->arg, &outcome);
			alloc_print_live();
		}
		_exit(0);
	}
	(void)waitpid(child, &status, 0);
	*report = kept;
}

static void
show(const struct op *op)
{
	(void)fprintf(stderr, "%s: allocation %lu%s fails: %s\n", op->name, report->n,
	    report->mode == ALLOC_ALL ? " and all behind it" : "", report->finding);
	(void)fflush(stderr);
	show_stack(op);
}

static unsigned
check(const struct op *op)
{
	unsigned findings = 0;

	memset(report, 0, sizeof(*report));
	do {
		fork_and(op->cold ? sweep_cold : sweep, op);
		if (report->finding) {
			if (++findings <= FINDINGS_SHOWN)
				show(op);
			if (report->n == 0)
				break;
			report->next += !op->cold;
		}
	} while (is_left());
	(void)printf("%-32s %6lu runs, %zu allocations chosen, %u findings\n", op->name,
	    report->runs, report->numbers_count, findings);
	(void)fflush(stdout);
	return findings;
}

static unsigned
check_control(const struct op *op)
{
	const char *finding;

	memset(report, 0, sizeof(*report));
	fork_and(sweep, op);
	finding = report->finding ? report->finding : "nothing";
	(void)printf("%-32s found: %s\n", op->name, finding);
	if (strcmp(finding, op->finding) == 0 && report->n > 0)
		return 0;
	(void)fprintf(stderr, "%s: found %s, not %s\n", op->name, finding, op->finding);
	return 1;
}

static void
make_world(const struct op *op)
{
	(void)op;
	_exit(world_make(world) ? 0 : 1);
}

int
main(int argc, char **argv)
{
	bool planted = argc > 1 && strcmp(argv[1], "controls") == 0;
	const struct op *list = planted ? controls : ops;
	size_t count = planted ? controls_count : ops_count;
	unsigned findings = 0;

	if (argc < 2) {
		(void)fprintf(stderr, "usage: test_alloc fast|slow|controls [NAME]\n");
		return 2;
	}
	deep = strcmp(argv[1], "slow") == 0;
	alloc_init();
	world = world_new();
	report =
	    mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED)
		return 1;
	/* In a child, so that libcrypto has done nothing here. */
	fork_and(make_world, NULL);
	if (report->finding)
		return 1;
	/* Open keys belong to the process that opens them. */
	own_world = *world;
	memset(own_world.key, 0, sizeof(own_world.key));
	memset(own_world.pub, 0, sizeof(own_world.pub));
	world = &own_world;
	for (size_t i = 0; i < count; i++) {
		if (!planted && !deep && list[i].twin)
			continue;
		if (argc < 3 || strstr(list[i].name, argv[2]))
			findings += planted ? check_control(&list[i]) : check(&list[i]);
	}
	return findings > 0;
}
