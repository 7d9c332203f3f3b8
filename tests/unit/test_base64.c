/* SPDX-License-Identifier: Apache-2.0 */
/* The alphabet of URLs, RFC 4648 section 5; that of section 4 is tested in requests. */
#include "unit.h"

#include <string.h>

#include "crypto/base64.h"

static void
test_there_and_back(void **state)
{
	static const struct {
		const char *bytes;
		const char *text;
	} cases[] = { { "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg" }, { "fooba", "Zm9vYmE" }, { "\xfb\xff\xbf", "-_-_" },
		{ "\xff\xfe", "__4" } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].bytes), got = 99;
		uint8_t out[16];
		char text[16];

		assert_int_equal(
		    dk_base64url_encode((const uint8_t *)cases[i].bytes, len, text, sizeof(text)),
		    DK_OK);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(
		    dk_base64url_decode(text, strlen(text), out, sizeof(out), &got), DK_OK);
		assert_int_equal(got, len);
		assert_memory_equal(out, cases[i].bytes, len);
	}
}

static void
test_what_is_none(void **state)
{
	static const char *const texts[] = { "Z", "Zg==", "Zg=", "Zm9vY", "Z g", "Zh", "+_-_",
		"/_-_", "Zm9v\n", "Zm9*", "Zm8=" };
	uint8_t out[16];
	size_t got;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(
		    dk_base64url_decode(texts[i], strlen(texts[i]), out, sizeof(out), &got),
		    DK_ERR_TEXT);
	assert_int_equal(dk_base64url_decode("Zm9vYg", 6, out, 3, &got), DK_ERR_TEXT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
