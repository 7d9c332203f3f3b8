/* SPDX-License-Identifier: Apache-2.0 */
/* What is left in a child of fork() encrypts nothing, and draws other numbers. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fork.h"
#include "crypto/crypto.h"
#include "doublekey/doublekey.h"
#include "memory.h"

#define SEGMENT 4096u

/* What a child found out, over a pipe. */
struct report {
	uint64_t generation;
	uint64_t again; /* in a child of the child */
	dk_err write, finish, fresh;
	uint8_t random[32];
	uint8_t object_id[16];
	size_t written; /* by the writer of the parent */
};

static struct dk_key *customer, *provider;

static struct dk_writer *
new_writer(struct memory *out)
{
	const struct dk_encrypt_params params = { .customer = &customer,
		.customer_count = 1,
		.provider = &provider,
		.provider_count = 1,
		.segment_length = SEGMENT };
	const struct dk_sink sink = { out, memory_write };
	struct dk_writer *writer = NULL;

	return dk_writer_new(&params, &sink, &writer) == DK_OK ? writer : NULL;
}

/* Run in a child and get its report; a child that does not end well ends the test. */
static void
in_child(void (*run)(void *ctx, struct report *report), void *ctx, struct report *ret_report)
{
	int ends[2];
	int status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct report report = { 0 };

		run(ctx, &report);
		_exit(write(ends[1], &report, sizeof(report)) != sizeof(report));
	}
	assert_int_equal(close(ends[1]), 0);
	assert_int_equal(read(ends[0], ret_report, sizeof(*ret_report)), sizeof(*ret_report));
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
look(void *ctx, struct report *report)
{
	(void)ctx;
	report->generation = dk_fork_generation();
	if (dk_random(report->random, sizeof(report->random)) != DK_OK)
		_exit(2);
}

static void
look_twice(void *ctx, struct report *report)
{
	struct report inner;

	look(ctx, report);
	in_child(look, NULL, &inner);
	report->again = inner.generation;
}

static void
a_child_has_its_own_generation_and_numbers(void **state)
{
	uint64_t mine = dk_fork_generation();
	struct report first, second;
	uint8_t random[32];

	(void)state;
	/* Drawn before, so that the generator's state is there to be copied. */
	assert_ok(dk_random(random, sizeof(random)));
	assert_int_not_equal(mine, 0);
	assert_int_equal(dk_fork_generation(), mine);
	in_child(look_twice, NULL, &first);
	in_child(look, NULL, &second);
	assert_int_not_equal(first.generation, mine);
	assert_int_not_equal(first.again, mine);
	assert_int_not_equal(first.again, first.generation);
	assert_int_not_equal(second.generation, mine);
	assert_int_equal(dk_fork_generation(), mine);
	assert_memory_not_equal(first.random, second.random, sizeof(random));
	assert_ok(dk_random(random, sizeof(random)));
	assert_memory_not_equal(first.random, random, sizeof(random));
	assert_memory_not_equal(second.random, random, sizeof(random));
}

struct shared {
	struct dk_writer *writer;
	struct memory *out;
};

static const uint8_t text[3 * SEGMENT] = { 1 };

static void
go_on(void *ctx, struct report *report)
{
	struct shared *shared = ctx;
	struct memory fresh = { NULL, 0, 0, 0 };
	struct dk_writer *writer;
	size_t before = shared->out->len;

	report->write = dk_writer_write(shared->writer, text, sizeof(text));
	report->finish = dk_writer_finish(shared->writer);
	report->written = shared->out->len - before;
	writer = new_writer(&fresh);
	report->fresh = writer ? dk_writer_write(writer, text, sizeof(text)) : DK_ERR_CRYPTO;
	if (report->fresh == DK_OK)
		report->fresh = dk_writer_finish(writer);
	memcpy(report->object_id, fresh.data + 16, sizeof(report->object_id));
}

static void
check_opens(struct memory *object, size_t len)
{
	const struct dk_decrypt_params params = { .customer = &customer,
		.customer_count = 1,
		.provider = &provider,
		.provider_count = 1 };
	uint8_t *plain = NULL;
	size_t plain_len = 0;

	assert_ok(dk_decrypt_memory(&params, object->data, object->len, &plain, &plain_len, NULL));
	assert_int_equal(plain_len, len);
	free(plain);
}

/* The child gets an error where it would repeat IVs; the parent goes on. */
static void
only_the_process_that_made_a_writer_goes_on(void **state)
{
	struct memory out = { NULL, 0, 0, 0 };
	struct shared shared = { new_writer(&out), &out };
	struct report first, second;

	(void)state;
	assert_non_null(shared.writer);
	assert_ok(dk_writer_write(shared.writer, text, SEGMENT));
	assert_ok(dk_writer_write(shared.writer, text, SEGMENT));
	in_child(go_on, &shared, &first);
	in_child(go_on, &shared, &second);
	assert_err(first.write, DK_ERR_STATE);
	assert_err(first.finish, DK_ERR_STATE);
	assert_int_equal(first.written, 0);
	assert_err(second.write, DK_ERR_STATE);
	assert_ok(first.fresh);
	assert_ok(second.fresh);
	assert_memory_not_equal(first.object_id, second.object_id, 16);
	assert_memory_not_equal(first.object_id, out.data + 16, 16);
	assert_ok(dk_writer_write(shared.writer, text, sizeof(text)));
	assert_ok(dk_writer_finish(shared.writer));
	dk_writer_free(shared.writer);
	check_opens(&out, 2 * SEGMENT + sizeof(text));
	free(out.data);
}

static struct dk_key *
new_key(dk_side side)
{
	const struct dk_key_spec spec = { side, "p256", NULL };
	struct dk_key *key = NULL;

	assert_ok(dk_key_generate(&spec, &key));
	return key;
}

static int
setup(void **state)
{
	(void)state;
	customer = new_key(DK_SIDE_CUSTOMER);
	provider = new_key(DK_SIDE_PROVIDER);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	dk_key_free(customer);
	dk_key_free(provider);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_has_its_own_generation_and_numbers),
		cmocka_unit_test(only_the_process_that_made_a_writer_goes_on),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
