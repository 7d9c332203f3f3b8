/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded reader and writer: values, ends, and that a failure stays. */
#include "unit.h"

#include <string.h>

#include "base/bytes.h"

static void
reads_big_endian(void **state)
{
	static const uint8_t in[] = { 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a,
		0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90 };
	struct dk_reader_buf rd;

	(void)state;
	dk_rd_init(&rd, in, sizeof(in));
	assert_int_equal(dk_rd_u8(&rd), 0x81);
	assert_int_equal(dk_rd_u16(&rd), 0x8283);
	assert_int_equal(dk_rd_u32(&rd), 0x84858687);
	assert_true(dk_rd_u64(&rd) == UINT64_C(0x88898a8b8c8d8e8f));
	assert_int_equal(dk_rd_left(&rd), 1);
	assert_ptr_equal(dk_rd_bytes(&rd, 1), in + 15);
	assert_false(rd.failed);
	assert_int_equal(dk_rd_left(&rd), 0);
}

static void
read_past_the_end_fails_for_good(void **state)
{
	static const uint8_t in[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	static const size_t too_much[] = { 9, SIZE_MAX, SIZE_MAX - 3 };
	struct dk_reader_buf rd;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		dk_rd_init(&rd, in, sizeof(in));
		assert_int_equal(dk_rd_u8(&rd), 1);
		assert_null(dk_rd_bytes(&rd, too_much[i] - 1));
		assert_true(rd.failed);
		assert_int_equal(dk_rd_left(&rd), 0);
		assert_int_equal(dk_rd_u8(&rd), 0);
		assert_null(dk_rd_bytes(&rd, 0));
	}
}

static void
each_width_stops_one_byte_short(void **state)
{
	static const uint8_t in[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
	struct dk_reader_buf rd;

	(void)state;
	dk_rd_init(&rd, in, 0);
	assert_int_equal(dk_rd_u8(&rd), 0);
	assert_true(rd.failed);
	dk_rd_init(&rd, in, 1);
	assert_int_equal(dk_rd_u16(&rd), 0);
	assert_true(rd.failed);
	dk_rd_init(&rd, in, 3);
	assert_int_equal(dk_rd_u32(&rd), 0);
	assert_true(rd.failed);
	dk_rd_init(&rd, in, 7);
	assert_true(dk_rd_u64(&rd) == 0);
	assert_true(rd.failed);
}

static void
writes_what_is_read(void **state)
{
	static const uint8_t want[] = { 0xff, 0x01, 0x02, 0xfe, 0xdc, 0xba, 0x98, 0x01, 0x23, 0x45,
		0x67, 0x89, 0xab, 0xcd, 0xef, 'a', 'b', 0, 0, 0x55 };
	uint8_t out[sizeof(want)];
	struct dk_writer_buf wr;
	uint8_t *space;

	(void)state;
	memset(out, 0xee, sizeof(out));
	dk_wr_init(&wr, out, sizeof(out));
	dk_wr_u8(&wr, 0xff);
	dk_wr_u16(&wr, 0x0102);
	dk_wr_u32(&wr, 0xfedcba98);
	dk_wr_u64(&wr, UINT64_C(0x0123456789abcdef));
	dk_wr_bytes(&wr, "ab", 2);
	dk_wr_zero(&wr, 2);
	space = dk_wr_space(&wr, 1);
	assert_non_null(space);
	*space = 0x55;
	assert_false(wr.failed);
	assert_int_equal(wr.len, sizeof(want));
	assert_memory_equal(out, want, sizeof(want));
}

static void
write_past_the_end_changes_nothing(void **state)
{
	uint8_t out[9];
	struct dk_writer_buf wr;

	(void)state;
	memset(out, 0xee, sizeof(out));
	dk_wr_init(&wr, out, 8);
	dk_wr_u8(&wr, 1);
	dk_wr_u64(&wr, 2);
	assert_true(wr.failed);
	assert_int_equal(wr.len, 1);
	dk_wr_u8(&wr, 3);
	dk_wr_u16(&wr, 3);
	dk_wr_u32(&wr, 3);
	dk_wr_bytes(&wr, "x", 1);
	dk_wr_zero(&wr, 1);
	assert_null(dk_wr_space(&wr, 0));
	assert_int_equal(wr.len, 1);
	for (size_t i = 1; i < sizeof(out); i++)
		assert_int_equal(out[i], 0xee);

	dk_wr_init(&wr, out, 8);
	dk_wr_u8(&wr, 1);
	assert_null(dk_wr_space(&wr, SIZE_MAX));
	assert_true(wr.failed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_big_endian),
		cmocka_unit_test(read_past_the_end_fails_for_good),
		cmocka_unit_test(each_width_stops_one_byte_short),
		cmocka_unit_test(writes_what_is_read),
		cmocka_unit_test(write_past_the_end_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
