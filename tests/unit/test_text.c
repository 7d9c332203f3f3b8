/* SPDX-License-Identifier: Apache-2.0 */
/* Text as spec/envelope.md section 3.1 has it, custodians, hexadecimal. */
#include "unit.h"

#include <string.h>

#include "base/text.h"

static bool
valid(const char *text)
{
	return dk_text_valid((const uint8_t *)text, strlen(text));
}

/* What Unicode calls a scalar value and is no control, from its definition. */
static bool
allowed(uint32_t c)
{
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return false;
	return c >= 0x20 && !(c >= 0x7f && c <= 0x9f);
}

/* The plain arithmetic of UTF-8 with n bytes, whether that is allowed or not. */
static void
encode(uint32_t c, unsigned n, uint8_t out[4])
{
	static const uint8_t lead[5] = { 0, 0x00, 0xc0, 0xe0, 0xf0 };

	for (unsigned i = n; i-- > 1;) {
		out[i] = (uint8_t)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	out[0] = (uint8_t)(lead[n] | c);
}

/* Every code point in every length that has room for it: only one is right. */
static void
every_code_point_has_one_form(void **state)
{
	static const uint32_t room[5] = { 0, 1u << 7, 1u << 11, 1u << 16, 1u << 21 };

	(void)state;
	for (uint32_t c = 0; c < room[4]; c++) {
		for (unsigned n = 1; n <= 4; n++) {
			bool shortest = n == 1 || c >= room[n - 1];
			uint8_t text[4];

			if (c >= room[n])
				continue;
			encode(c, n, text);
			if (dk_text_valid(text, n) != (shortest && allowed(c)))
				fail_msg("U+%04X in %u bytes", c, n);
		}
	}
}

static void
damaged_sequences_are_refused(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"a\x80",
		"\xc2",
		"\xc2 ",
		"\xc2\xc2",
		"\xe2\x82",
		"\xe2\x82 ",
		"\xe2 \xac",
		"\xf0\x9f\x98",
		"\xf0\x9f\x98 ",
		"\xf0\x9f \x80",
		"\xf0 \x98\x80",
		"\xfe",
		"\xff",
		"\xf8\x88\x80\x80\x80",
		"\xfc\x84\x80\x80\x80\x80",
		"\xc0\xaf",
		"\xc1\xbf",
		"\xed\xa0\x80\xed\xb0\x80",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"a\tb",
		"a\nb",
		"a\x7f",
		"\xc2\x85",
		"\xc2\x9b[0m",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (valid(bad[i]))
			fail_msg("text %zu", i);
	}
	assert_false(dk_text_valid((const uint8_t *)"a\0b", 3));
}

static void
ordinary_text_is_accepted(void **state)
{
	(void)state;
	assert_true(dk_text_valid(NULL, 0));
	assert_true(valid("Contract 7/B (draft) ~"));
	assert_true(valid("Gr\xc3\xbc\xc3\x9f"
			  "e \xe2\x82\xac \xf0\x9f\x94\x91"));
	/* A sequence that ends behind the length is not read. */
	assert_false(dk_text_valid((const uint8_t *)"\xe2\x82\xac", 2));
}

static void
custodians(void **state)
{
	static const char *const good[] = { "a", "customer", "kms.example:eu-1/key_7@b",
		"0123456789abcdef0123456789abcdef0123456789abcdef" };
	static const char *const bad[] = { "", "A", "a b", "a+b", "a\x80",
		"0123456789abcdef0123456789abcdef0123456789abcdef0" };
	uint8_t field[DK_CUSTODIAN_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		memset(field, 0xee, sizeof(field));
		assert_true(dk_custodian_from_string(good[i], field));
		assert_true(dk_custodian_valid(field));
		assert_memory_equal(field, good[i], strlen(good[i]));
	}
	memset(field, 0xee, sizeof(field));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(dk_custodian_from_string(bad[i], field));
	for (size_t i = 0; i < sizeof(field); i++)
		assert_int_equal(field[i], 0xee);
}

static void
custodian_fields(void **state)
{
	uint8_t field[DK_CUSTODIAN_BYTES] = { 0 };

	(void)state;
	assert_false(dk_custodian_valid(field));
	field[0] = 'a';
	assert_true(dk_custodian_valid(field));
	field[2] = 'b'; /* behind a zero byte */
	assert_false(dk_custodian_valid(field));
	field[2] = 0;
	field[DK_CUSTODIAN_BYTES - 1] = 'b';
	assert_false(dk_custodian_valid(field));
	memset(field, 'z', sizeof(field));
	assert_true(dk_custodian_valid(field));
	field[47] = 'Z';
	assert_false(dk_custodian_valid(field));
}

static void
hexadecimal(void **state)
{
	uint8_t all[256];
	uint8_t back[256];
	char text[513];

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	dk_hex(all, sizeof(all), text);
	assert_int_equal(strlen(text), 512);
	assert_memory_equal(text + 2 * 0xa0, "a0a1", 4);
	assert_true(dk_unhex(text, back, sizeof(back)));
	assert_memory_equal(all, back, sizeof(all));
	assert_true(dk_unhex("AbCd", back, 2));
	assert_int_equal(back[1], 0xcd);
	assert_true(dk_unhex("", back, 0));

	memset(back, 0xee, sizeof(back));
	assert_false(dk_unhex("abc", back, 2));
	assert_false(dk_unhex("abcde", back, 2));
	assert_false(dk_unhex("abcdef", back, 2));
	assert_false(dk_unhex("abcg", back, 2));
	assert_false(dk_unhex("ab d", back, 2));
	assert_false(dk_unhex("0x12", back, 2));
	assert_false(dk_unhex("a:/@", back, 2));
	assert_int_equal(back[0], 0xee);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_point_has_one_form),
		cmocka_unit_test(damaged_sequences_are_refused),
		cmocka_unit_test(ordinary_text_is_accepted),
		cmocka_unit_test(custodians),
		cmocka_unit_test(custodian_fields),
		cmocka_unit_test(hexadecimal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
