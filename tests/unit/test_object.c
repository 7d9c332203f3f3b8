/* SPDX-License-Identifier: Apache-2.0 */
/* Whole objects through the public interface: what one call writes, another reads. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "doublekey/doublekey.h"
#include "memory.h"

static struct dk_key *customer, *customer2, *provider, *creator, *creator2;

static struct dk_encrypt_params
to_both(uint32_t segment_length)
{
	return (struct dk_encrypt_params){ .customer = &customer,
		.customer_count = 1,
		.provider = &provider,
		.provider_count = 1,
		.segment_length = segment_length };
}

static struct dk_decrypt_params
with_both(void)
{
	return (struct dk_decrypt_params){ .customer = &customer,
		.customer_count = 1,
		.provider = &provider,
		.provider_count = 1 };
}

static struct dk_key *
new_key(dk_side side, const char *type, const char *custodian)
{
	const struct dk_key_spec spec = { side, type, custodian };
	struct dk_key *key = NULL;

	assert_ok(dk_key_generate(&spec, &key));
	return key;
}

static int
setup(void **state)
{
	(void)state;
	customer = new_key(DK_SIDE_CUSTOMER, "p256", NULL);
	customer2 = new_key(DK_SIDE_CUSTOMER, "p384", NULL);
	provider = new_key(DK_SIDE_PROVIDER, "p256", NULL);
	creator = new_key(DK_SIDE_CREATOR, "p256", NULL);
	creator2 = new_key(DK_SIDE_CREATOR, "p256", NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	dk_key_free(customer);
	dk_key_free(customer2);
	dk_key_free(provider);
	dk_key_free(creator);
	dk_key_free(creator2);
	return 0;
}

static struct memory
pattern(size_t len)
{
	struct memory m = { malloc(len + 1), len, len + 1, 0 };
	uint32_t x = 1;

	assert_non_null(m.data);
	for (size_t i = 0; i < len; i++) {
		x = x * 1664525u + 1013904223u;
		m.data[i] = (uint8_t)(x >> 24);
	}
	return m;
}

static void
assert_same(const struct memory *a, const struct memory *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->data, b->data, a->len);
}

/* Encrypt in one of three ways, decrypt in one of three ways. */
static void
encrypt_way(unsigned way, const struct dk_encrypt_params *params, struct memory *plain,
    struct memory *object)
{
	const struct dk_sink out = { object, memory_write };
	const struct dk_work work = { .jobs = 4 };
	struct dk_source in = way == 0 ? memory_source(plain) : memory_stream(plain);
	struct dk_writer *writer = NULL;

	if (way < 2) {
		assert_ok(dk_encrypt(params, &in, &out, &work));
		return;
	}
	assert_ok(dk_writer_new(params, &out, &writer));
	for (size_t at = 0; at < plain->len; at += 4999)
		assert_ok(dk_writer_write(
		    writer, plain->data + at, plain->len - at < 4999 ? plain->len - at : 4999));
	assert_ok(dk_writer_finish(writer));
	assert_err(dk_writer_finish(writer), DK_ERR_STATE);
	dk_writer_free(writer);
}

static void
decrypt_way(unsigned way, struct memory *object, struct memory *plain)
{
	const struct dk_decrypt_params params = with_both();
	const struct dk_sink out = { plain, memory_write };
	const struct dk_work work = { .jobs = 4 };
	struct dk_source in = way == 0 ? memory_source(object) : memory_stream(object);
	struct dk_reader *reader = NULL;
	struct dk_place place;
	uint8_t buf[10000];
	size_t n = 1;

	if (way < 2) {
		assert_ok(dk_decrypt(&params, &in, &out, &work, &place));
		return;
	}
	assert_ok(dk_reader_new(&params, &in, &reader, &place));
	while (n > 0) {
		assert_ok(dk_reader_read(reader, buf, sizeof(buf), &n, &place));
		memory_write(plain, buf, n);
	}
	dk_reader_free(reader);
}

static void
every_way_reads_every_way(void **state)
{
	static const uint32_t lengths[] = { 4096, 65536, 1048576 };
	(void)state;

	for (unsigned l = 0; l < 3; l++) {
		size_t payload = lengths[l] - 32;
		size_t batch = 1048576 / lengths[l] * payload;
		const size_t sizes[] = { 0, 1, payload - 1, payload, payload + 1, 2 * payload,
			batch - 1, batch, batch + 1, 2 * batch, 3 * batch + 5 };

		for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			const struct dk_encrypt_params params = to_both(lengths[l]);
			struct memory plain = pattern(sizes[s]);

			for (unsigned way = 0; way < 9; way++) {
				struct memory object = { 0 }, back = { 0 };

				encrypt_way(way / 3, &params, &plain, &object);
				decrypt_way(way % 3, &object, &back);
				assert_int_equal(back.len, plain.len);
				if (plain.len > 0)
					assert_memory_equal(back.data, plain.data, plain.len);
				free(object.data);
				free(back.data);
			}
			free(plain.data);
		}
	}
}

static void
ranges_equal_slices(void **state)
{
	const struct dk_encrypt_params to = to_both(4096);
	const struct dk_decrypt_params with = with_both();
	struct memory plain = pattern(100000), object = { 0 };
	struct dk_range *range = NULL;
	struct dk_source in;
	struct dk_place place;
	uint8_t buf[20000];
	size_t n;
	(void)state;

	encrypt_way(0, &to, &plain, &object);
	in = memory_source(&object);
	assert_ok(dk_range_new(&with, &in, &range, &place));
	assert_int_equal(dk_range_size(range), plain.len);
	for (size_t at = 0; at < plain.len; at += 7001) {
		size_t want = plain.len - at < sizeof(buf) ? plain.len - at : sizeof(buf);

		assert_ok(dk_range_read(range, at, buf, sizeof(buf), &n, &place));
		assert_int_equal(n, want);
		assert_memory_equal(buf, plain.data + at, n);
	}
	assert_ok(dk_range_read(range, plain.len, buf, 1, &n, &place));
	assert_int_equal(n, 0);
	assert_err(dk_range_read(range, plain.len + 1, buf, 1, &n, &place), DK_ERR_RANGE);
	dk_range_free(range);
	free(plain.data);
	free(object.data);
}

/* Replace the header of object by a rewrap of its customer side. */
static void
rewrap_to(struct memory *object, struct dk_key *open, struct dk_key *to, struct memory *ret)
{
	const struct dk_rewrap_params params = {
		.side = DK_SIDE_CUSTOMER, .open = &open, .open_count = 1, .to = &to, .to_count = 1
	};
	struct dk_source in = memory_source(object);
	struct dk_place place;
	uint8_t *block;
	size_t len, old;

	assert_ok(dk_rewrap(&params, &in, &block, &len, &old, &place));
	memory_write(ret, block, len);
	memory_write(ret, object->data + old, object->len - old);
	free(block);
}

static dk_err
decrypt_with(struct memory *object, struct dk_key *key, uint32_t min_epoch)
{
	struct dk_decrypt_params params = with_both();
	struct dk_source in = memory_source(object);
	struct memory out = { 0 };
	const struct dk_sink sink = { &out, memory_write };
	struct dk_place place;
	dk_err err;

	params.customer = &key;
	params.min_epoch_customer = min_epoch;
	err = dk_decrypt(&params, &in, &sink, NULL, &place);
	free(out.data);
	return err;
}

static void
rewrap_changes_one_side(void **state)
{
	const struct dk_encrypt_params to = to_both(0);
	struct memory plain = pattern(70000), object = { 0 }, moved = { 0 }, back = { 0 };
	struct dk_object_info *info = NULL;
	struct dk_place place;
	struct dk_source in;
	(void)state;

	encrypt_way(0, &to, &plain, &object);
	rewrap_to(&object, customer, customer2, &moved);

	/* the new key opens it, the old one does not */
	assert_ok(decrypt_with(&moved, customer2, 2));
	assert_err(decrypt_with(&moved, customer, 0), DK_ERR_NO_CUSTOMER_KEY);

	/* the old object still opens, unless its epoch is refused */
	assert_ok(decrypt_with(&object, customer, 1));
	assert_err(decrypt_with(&object, customer, 2), DK_ERR_EPOCH_TOO_OLD);

	/* the old key is on record, once, also after two more turns */
	rewrap_to(&moved, customer2, customer, &back);
	in = memory_source(&back);
	assert_ok(dk_inspect(&in, &info, &place));
	assert_int_equal(info->customer.epoch, 3);
	assert_int_equal(info->customer.former_count, 2);
	assert_string_equal(info->customer.stanza[0].key_id, dk_key_id_hex(customer));
	assert_int_equal(info->provider.epoch, 1);
	assert_int_equal(info->plaintext_size, plain.len);
	dk_object_info_free(info);

	free(plain.data);
	free(object.data);
	free(moved.data);
	free(back.data);
}

static void
one_custodian_is_refused(void **state)
{
	struct dk_key *twin = new_key(DK_SIDE_CUSTOMER, "p256", "provider");
	const struct dk_rewrap_params params = { .side = DK_SIDE_CUSTOMER,
		.open = &customer,
		.open_count = 1,
		.to = &twin,
		.to_count = 1 };
	struct dk_encrypt_params to = to_both(0);
	struct memory plain = pattern(10), object = { 0 };
	const struct dk_sink out = { &object, memory_write };
	struct dk_source in = memory_source(&plain);
	struct dk_place place;
	uint8_t *block;
	size_t len, old;
	(void)state;

	/* in a new object */
	to.customer = &twin;
	assert_err(dk_encrypt(&to, &in, &out, NULL), DK_ERR_SAME_CUSTODIAN);
	assert_int_equal(object.len, 0);

	/* and in a rewrap, where only the header tells who holds the other side */
	to.customer = &customer;
	encrypt_way(0, &to, &plain, &object);
	in = memory_source(&object);
	assert_err(dk_rewrap(&params, &in, &block, &len, &old, &place), DK_ERR_SAME_CUSTODIAN);

	dk_key_free(twin);
	free(plain.data);
	free(object.data);
}

static void
creator_is_checked_when_required(void **state)
{
	struct dk_encrypt_params to = to_both(0);
	struct dk_decrypt_params with = with_both();
	struct memory plain = pattern(10), object = { 0 }, back = { 0 };
	const struct dk_sink sink = { &back, memory_write };
	struct dk_source in;
	struct dk_place place;
	(void)state;

	to.creator = creator;
	encrypt_way(0, &to, &plain, &object);
	in = memory_source(&object);
	with.require_creator = creator;
	assert_ok(dk_decrypt(&with, &in, &sink, NULL, &place));
	assert_same(&plain, &back);
	with.require_creator = creator2;
	assert_err(dk_decrypt(&with, &in, &sink, NULL, &place), DK_ERR_CREATOR_REQUIRED);
	free(plain.data);
	free(object.data);
	free(back.data);
}

static int
stop_at_once(void *ctx, uint64_t done)
{
	(void)ctx;
	(void)done;
	return 1;
}

static void
work_can_be_cancelled(void **state)
{
	const struct dk_encrypt_params to = to_both(0);
	const struct dk_work work = { .jobs = 4, .progress = stop_at_once };
	struct memory plain = pattern(5 << 20), object = { 0 };
	const struct dk_sink out = { &object, memory_write };
	struct dk_source in = memory_source(&plain);
	(void)state;

	assert_err(dk_encrypt(&to, &in, &out, &work), DK_ERR_CANCELLED);
	free(plain.data);
	free(object.data);
}

static void
changed_input_is_noticed(void **state)
{
	const struct dk_encrypt_params to = to_both(0);
	struct memory plain = pattern(300000), object = { 0 };
	const struct dk_sink out = { &object, memory_write };
	struct dk_source in = memory_source(&plain);
	(void)state;

	in.size = plain.len - 1;
	assert_err(dk_encrypt(&to, &in, &out, NULL), DK_ERR_CHANGED);
	in.size = plain.len + 1;
	assert_err(dk_encrypt(&to, &in, &out, NULL), DK_ERR_CHANGED);
	free(plain.data);
	free(object.data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_reads_every_way),
		cmocka_unit_test(ranges_equal_slices),
		cmocka_unit_test(rewrap_changes_one_side),
		cmocka_unit_test(one_custodian_is_refused),
		cmocka_unit_test(creator_is_checked_when_required),
		cmocka_unit_test(work_can_be_cancelled),
		cmocka_unit_test(changed_input_is_noticed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
