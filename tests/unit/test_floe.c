/* SPDX-License-Identifier: Apache-2.0 */
/* FLOE: what the known answers do not try. Opening must fail, and say why. */
#include "unit.h"

#include <string.h>

#include "format/floe.h"

#define SEGMENT 64u
#define FULL (SEGMENT - DK_FLOE_SEGMENT_OVERHEAD_BYTES)

static const struct dk_secret32 key = { { 1 } };
static const uint8_t aad[] = { 'a', 'a', 'd' };
static const uint8_t text[FULL] = "thirty-two bytes of a plaintext";

struct body {
	uint8_t header[DK_FLOE_HEADER_BYTES];
	struct dk_floe seal, open;
	struct dk_floe_lane *sealer, *opener;
};

static void
begin(struct body *b, unsigned rotation_bits)
{
	assert_ok(dk_floe_seal_start(
	    &key, aad, sizeof(aad), SEGMENT, rotation_bits, &b->seal, b->header));
	assert_ok(dk_floe_open_start(
	    &key, aad, sizeof(aad), SEGMENT, rotation_bits, b->header, &b->open));
	assert_ok(dk_floe_lane_new(&b->sealer));
	assert_ok(dk_floe_lane_new(&b->opener));
}

static void
end(struct body *b)
{
	dk_floe_lane_free(b->sealer);
	dk_floe_lane_free(b->opener);
}

static void
header_is_bound_to_key_aad_and_parameters(void **state)
{
	const struct dk_secret32 other_key = { { 2 } };
	uint8_t header[DK_FLOE_HEADER_BYTES];
	struct dk_floe floe;

	(void)state;
	assert_ok(dk_floe_seal_start(&key, aad, sizeof(aad), SEGMENT, 20, &floe, header));
	assert_memory_equal(header, "\0\0\0\0\0\x40\0\0\0\x20", 10);
	assert_ok(dk_floe_open_start(&key, aad, sizeof(aad), SEGMENT, 20, header, &floe));
	assert_err(dk_floe_open_start(&other_key, aad, sizeof(aad), SEGMENT, 20, header, &floe),
	    DK_ERR_BODY_TAG);
	assert_err(dk_floe_open_start(&key, aad, sizeof(aad) - 1, SEGMENT, 20, header, &floe),
	    DK_ERR_BODY_TAG);
	assert_err(dk_floe_open_start(&key, aad, sizeof(aad), SEGMENT + 1, 20, header, &floe),
	    DK_ERR_BODY_HEADER);
	for (unsigned bit = 0; bit < 8 * sizeof(header); bit++) {
		header[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_err(dk_floe_open_start(&key, aad, sizeof(aad), SEGMENT, 20, header, &floe),
		    bit < 80 ? DK_ERR_BODY_HEADER : DK_ERR_BODY_TAG);
		header[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void
senseless_parameters_are_refused(void **state)
{
	uint8_t header[DK_FLOE_HEADER_BYTES];
	uint8_t long_aad[DK_FLOE_AAD_MAX_BYTES + 1] = { 0 };
	struct dk_floe floe;

	(void)state;
	assert_err(dk_floe_seal_start(&key, long_aad, sizeof(long_aad), SEGMENT, 20, &floe, header),
	    DK_ERR_ARGUMENT);
	assert_err(
	    dk_floe_seal_start(&key, aad, sizeof(aad), 32, 20, &floe, header), DK_ERR_ARGUMENT);
	assert_ok(dk_floe_seal_start(&key, long_aad, DK_FLOE_AAD_MAX_BYTES, 33, 20, &floe, header));
}

static void
every_changed_bit_is_refused(void **state)
{
	struct body b;
	uint8_t segment[SEGMENT];
	uint8_t out[FULL];
	size_t len;

	(void)state;
	begin(&b, 20);
	for (int final = 0; final < 2; final++) {
		assert_ok(dk_floe_lane_seal(b.sealer, &b.seal, 7, final, text, FULL, segment));
		for (unsigned bit = 0; bit < 8 * SEGMENT; bit++) {
			segment[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_err(dk_floe_lane_open(
				       b.opener, &b.open, 7, final, segment, SEGMENT, out, &len),
			    bit < 32 ? DK_ERR_SEGMENT_MARK : DK_ERR_SEGMENT_AUTH);
			segment[bit / 8] ^= (uint8_t)(1u << bit % 8);
			for (size_t i = 0; bit >= 32 && i < FULL; i++)
				assert_int_equal(out[i], 0);
		}
		assert_ok(
		    dk_floe_lane_open(b.opener, &b.open, 7, final, segment, SEGMENT, out, &len));
		assert_memory_equal(out, text, FULL);
	}
	end(&b);
}

/* A segment opens at its own position and end only, also across a new AEAD key. */
static void
segments_stay_in_their_place(void **state)
{
	struct body b;
	uint8_t segments[9][SEGMENT];
	uint8_t out[FULL];
	size_t len;

	(void)state;
	begin(&b, 2);
	for (unsigned i = 0; i < 9; i++)
		assert_ok(dk_floe_lane_seal(b.sealer, &b.seal, i, i == 8, text, FULL, segments[i]));
	for (unsigned at = 0; at < 9; at++) {
		for (unsigned i = 0; i < 9; i++) {
			dk_err want = i == at ? DK_OK : DK_ERR_SEGMENT_AUTH;

			if ((i == 8) != (at == 8))
				want = DK_ERR_SEGMENT_MARK;
			assert_err(dk_floe_lane_open(b.opener, &b.open, at, at == 8, segments[i],
				       SEGMENT, out, &len),
			    want);
		}
	}
	/* The mark of the other kind does not help: the flag is in the AAD. */
	memcpy(segments[8], "\xff\xff\xff\xff", 4);
	assert_err(dk_floe_lane_open(b.opener, &b.open, 8, false, segments[8], SEGMENT, out, &len),
	    DK_ERR_SEGMENT_AUTH);
	memcpy(segments[0], "\0\0\0\x40", 4);
	assert_err(dk_floe_lane_open(b.opener, &b.open, 0, true, segments[0], SEGMENT, out, &len),
	    DK_ERR_SEGMENT_AUTH);
	end(&b);
}

/* One lane may go from object to object and to and fro between key blocks. */
static void
a_lane_serves_many_objects(void **state)
{
	struct body b[2];
	uint8_t segments[2][12][SEGMENT];
	uint8_t out[FULL];
	size_t len;

	(void)state;
	begin(&b[0], 2);
	begin(&b[1], 2);
	for (unsigned i = 0; i < 24; i++)
		assert_ok(dk_floe_lane_seal(
		    b[0].sealer, &b[i % 2].seal, i / 2, false, text, FULL, segments[i % 2][i / 2]));
	for (unsigned i = 0; i < 48; i++) {
		unsigned at = i * 5 % 12;
		unsigned from = i % 2;

		assert_ok(dk_floe_lane_open(
		    b[0].sealer, &b[from].open, at, false, segments[from][at], SEGMENT, out, &len));
		assert_err(dk_floe_lane_open(b[0].sealer, &b[!from].open, at, false,
			       segments[from][at], SEGMENT, out, &len),
		    DK_ERR_SEGMENT_AUTH);
	}
	end(&b[0]);
	end(&b[1]);
}

static void
lengths_are_checked(void **state)
{
	struct body b;
	uint8_t segment[SEGMENT + 1];
	uint8_t out[FULL + 1] = { 0 };
	size_t len;

	(void)state;
	begin(&b, 20);
	assert_err(dk_floe_lane_seal(b.sealer, &b.seal, 0, false, text, FULL - 1, segment),
	    DK_ERR_ARGUMENT);
	assert_err(
	    dk_floe_lane_seal(b.sealer, &b.seal, 0, true, out, FULL + 1, segment), DK_ERR_ARGUMENT);
	for (size_t n = 0; n <= FULL; n++) {
		assert_ok(dk_floe_lane_seal(b.sealer, &b.seal, 0, true, text, n, segment));
		assert_ok(
		    dk_floe_lane_open(b.opener, &b.open, 0, true, segment, n + 32, out, &len));
		assert_int_equal(len, n);
		assert_memory_equal(out, text, n);
		assert_err(
		    dk_floe_lane_open(b.opener, &b.open, 0, true, segment, n + 31, out, &len),
		    DK_ERR_SEGMENT_MARK);
		assert_err(
		    dk_floe_lane_open(b.opener, &b.open, 0, true, segment, n + 33, out, &len),
		    DK_ERR_SEGMENT_MARK);
	}
	end(&b);
}

/* More segments than one draw of IVs has. */
static void
ivs_do_not_repeat(void **state)
{
	static uint8_t ivs[1000][12];
	struct body b;

	(void)state;
	begin(&b, 20);
	for (unsigned i = 0; i < 1000; i++) {
		uint8_t segment[SEGMENT];

		assert_ok(dk_floe_lane_seal(b.sealer, &b.seal, i, false, text, FULL, segment));
		memcpy(ivs[i], segment + 4, 12);
		for (unsigned j = 0; j < i; j++)
			assert_memory_not_equal(ivs[j], ivs[i], 12);
	}
	end(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_is_bound_to_key_aad_and_parameters),
		cmocka_unit_test(senseless_parameters_are_refused),
		cmocka_unit_test(every_changed_bit_is_refused),
		cmocka_unit_test(segments_stay_in_their_place),
		cmocka_unit_test(a_lane_serves_many_objects),
		cmocka_unit_test(lengths_are_checked),
		cmocka_unit_test(ivs_do_not_repeat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
