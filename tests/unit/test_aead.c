/* SPDX-License-Identifier: Apache-2.0 */
/* AES-256-GCM: the one-shot calls and the lanes. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/aead.h"
#include "fixture.h"

/* Test cases 13 to 16 of the GCM submission that SP 800-38D refers to. */
static const struct {
	const char *key, *iv, *aad, *pt, *ct, *tag;
} cases[] = {
	{ "0000000000000000000000000000000000000000000000000000000000000000",
	    "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b" },
	{ "0000000000000000000000000000000000000000000000000000000000000000",
	    "000000000000000000000000", "", "00000000000000000000000000000000",
	    "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919" },
	{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
	    "cafebabefacedbaddecaf888", "",
	    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
	    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
	    "b094dac5d93471bdec1a502270e3cc6c" },
	{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
	    "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
	    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
	    "76fc6ece0f4e1768cddf8853bb2d551b" },
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

struct gcm {
	struct dk_secret32 key;
	uint8_t iv[12], aad[32], pt[64], ct[80];
	size_t aad_len, len;
};

/* ct is ciphertext and tag. */
static void
load(size_t i, struct gcm *g)
{
	memset(g, 0, sizeof(*g));
	unhex(cases[i].key, g->key.bytes, 32);
	unhex(cases[i].iv, g->iv, 12);
	g->aad_len = unhex(cases[i].aad, g->aad, sizeof(g->aad));
	g->len = unhex(cases[i].pt, g->pt, sizeof(g->pt));
	unhex(cases[i].ct, g->ct, sizeof(g->ct));
	unhex(cases[i].tag, g->ct + g->len, 16);
}

static bool
all_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

static void
one_shot_known_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		struct gcm g;
		uint8_t out[80];

		load(i, &g);
		assert_ok(dk_gcm_seal(&g.key, g.iv, g.aad, g.aad_len, g.pt, g.len, out));
		assert_memory_equal(out, g.ct, g.len + 16);
		assert_ok(dk_gcm_open(&g.key, g.iv, g.aad, g.aad_len, g.ct, g.len + 16, out));
		assert_memory_equal(out, g.pt, g.len);
	}
}

static void
one_shot_refuses_every_changed_bit(void **state)
{
	struct gcm g;

	(void)state;
	load(3, &g);
	for (size_t bit = 0; bit < 8 * (g.len + 16); bit++) {
		uint8_t out[80];

		memset(out, 0xee, sizeof(out));
		g.ct[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_err(dk_gcm_open(&g.key, g.iv, g.aad, g.aad_len, g.ct, g.len + 16, out),
		    DK_ERR_STANZA_AUTH);
		g.ct[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_true(all_zero(out, g.len));
		assert_int_equal(out[g.len], 0xee);
	}
	g.aad[0] ^= 1;
	assert_err(dk_gcm_open(&g.key, g.iv, g.aad, g.aad_len, g.ct, g.len + 16, g.pt),
	    DK_ERR_STANZA_AUTH);
	assert_err(dk_gcm_open(&g.key, g.iv, NULL, 0, g.ct, 15, g.pt), DK_ERR_STANZA_AUTH);
	assert_err(dk_gcm_open(&g.key, g.iv, NULL, 0, g.ct, 0, g.pt), DK_ERR_STANZA_AUTH);
}

static void
lane_known_answers(void **state)
{
	struct dk_gcm_lane *lane;

	(void)state;
	assert_ok(dk_gcm_lane_new(&lane));
	for (size_t i = 0; i < CASES; i++) {
		struct gcm g;
		uint8_t out[80];

		load(i, &g);
		assert_ok(dk_gcm_lane_key(lane, &g.key, true));
		for (unsigned again = 0; again < 3; again++) {
			memset(out, 0xee, sizeof(out));
			assert_ok(dk_gcm_lane_seal(
			    lane, g.iv, g.aad, g.aad_len, g.pt, g.len, out, out + g.len));
			assert_memory_equal(out, g.ct, g.len + 16);
		}
		assert_ok(dk_gcm_lane_key(lane, &g.key, false));
		for (unsigned again = 0; again < 3; again++) {
			assert_ok(dk_gcm_lane_open(
			    lane, g.iv, g.aad, g.aad_len, g.ct, g.len, g.ct + g.len, out));
			assert_memory_equal(out, g.pt, g.len);
		}
	}
	dk_gcm_lane_free(lane);
}

/* What a lane does for one nonce must not show in the next one. */
static void
lane_agrees_with_one_shot_in_place(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 4064, 65504, 3 };
	const struct dk_secret32 key = { { 7 } };
	struct dk_gcm_lane *seal;
	struct dk_gcm_lane *open;
	uint8_t *a = malloc(65504 + 16);
	uint8_t *b = malloc(65504 + 16);
	uint8_t iv[12] = { 0 };

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_ok(dk_gcm_lane_new(&seal));
	assert_ok(dk_gcm_lane_new(&open));
	assert_ok(dk_gcm_lane_key(seal, &key, true));
	assert_ok(dk_gcm_lane_key(open, &key, false));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = sizes[i];

		iv[0] = (uint8_t)i;
		memset(a, 0x33, n);
		memset(b, 0x33, n);
		assert_ok(dk_gcm_seal(&key, iv, iv, i, b, n, b));
		assert_ok(dk_gcm_lane_seal(seal, iv, iv, i, a, n, a, a + n));
		assert_memory_equal(a, b, n + 16);
		assert_ok(dk_gcm_lane_open(open, iv, iv, i, a, n, a + n, a));
		for (size_t j = 0; j < n; j++)
			assert_int_equal(a[j], 0x33);
	}
	dk_gcm_lane_free(seal);
	dk_gcm_lane_free(open);
	free(a);
	free(b);
}

static void
lane_wipes_what_it_cannot_verify(void **state)
{
	struct dk_gcm_lane *lane;
	struct gcm g;
	uint8_t out[80];

	(void)state;
	load(3, &g);
	assert_ok(dk_gcm_lane_new(&lane));
	assert_ok(dk_gcm_lane_key(lane, &g.key, false));
	for (size_t bit = 0; bit < 8 * 16; bit++) {
		memset(out, 0xee, sizeof(out));
		g.ct[g.len + bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_err(
		    dk_gcm_lane_open(lane, g.iv, g.aad, g.aad_len, g.ct, g.len, g.ct + g.len, out),
		    DK_ERR_SEGMENT_AUTH);
		g.ct[g.len + bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_true(all_zero(out, g.len));
	}
	/* A failure leaves the lane as it was. */
	assert_ok(dk_gcm_lane_open(lane, g.iv, g.aad, g.aad_len, g.ct, g.len, g.ct + g.len, out));
	assert_memory_equal(out, g.pt, g.len);

	/* In place as well. */
	g.aad[0] ^= 1;
	assert_err(dk_gcm_lane_open(lane, g.iv, g.aad, g.aad_len, g.ct, g.len, g.ct + g.len, g.ct),
	    DK_ERR_SEGMENT_AUTH);
	assert_true(all_zero(g.ct, g.len));
	dk_gcm_lane_free(lane);
}

static void
lane_knows_its_direction(void **state)
{
	struct dk_gcm_lane *lane;
	struct gcm g;
	uint8_t tag[16];

	(void)state;
	load(3, &g);
	dk_gcm_lane_free(NULL);
	assert_ok(dk_gcm_lane_new(&lane));
	assert_err(dk_gcm_lane_seal(lane, g.iv, NULL, 0, g.pt, g.len, g.ct, tag), DK_ERR_STATE);
	assert_err(dk_gcm_lane_open(lane, g.iv, NULL, 0, g.ct, g.len, tag, g.pt), DK_ERR_STATE);
	assert_ok(dk_gcm_lane_key(lane, &g.key, true));
	assert_err(dk_gcm_lane_open(lane, g.iv, NULL, 0, g.ct, g.len, tag, g.pt), DK_ERR_STATE);
	assert_ok(dk_gcm_lane_key(lane, &g.key, false));
	assert_err(dk_gcm_lane_seal(lane, g.iv, NULL, 0, g.pt, g.len, g.ct, tag), DK_ERR_STATE);
	dk_gcm_lane_free(lane);
}

static void
too_long_is_refused(void **state)
{
	const struct dk_secret32 key = { { 7 } };
	struct dk_gcm_lane *lane;
	uint8_t iv[12] = { 0 };
	uint8_t byte = 0xee;
	uint8_t tag[16];

	(void)state;
	assert_ok(dk_gcm_lane_new(&lane));
	assert_ok(dk_gcm_lane_key(lane, &key, true));
	assert_err(dk_gcm_lane_seal(
		       lane, iv, NULL, 0, &byte, DK_GCM_TEXT_MAX_BYTES + (size_t)1, &byte, tag),
	    DK_ERR_ARGUMENT);
	assert_err(dk_gcm_lane_seal(
		       lane, iv, &byte, DK_GCM_TEXT_MAX_BYTES + (size_t)1, &byte, 1, &byte, tag),
	    DK_ERR_ARGUMENT);
	dk_gcm_lane_free(lane);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_shot_known_answers),
		cmocka_unit_test(one_shot_refuses_every_changed_bit),
		cmocka_unit_test(lane_known_answers),
		cmocka_unit_test(lane_agrees_with_one_shot_in_place),
		cmocka_unit_test(lane_wipes_what_it_cannot_verify),
		cmocka_unit_test(lane_knows_its_direction),
		cmocka_unit_test(too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
