/* SPDX-License-Identifier: Apache-2.0 */
/* Key backup: what joins, and what is named before anything is joined. */
#include "unit.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base32.h"
#include "doublekey/backup.h"
#include "format/key_impl.h"
#include "format/share.h"

struct text {
	char bytes[DK_SHARE_TEXT_MAX_BYTES + 16];
	size_t len;
};

#define SHARES 5
#define THRESHOLD 3

static struct dk_key *key;
static struct text shares[SHARES];       /* of key */
static struct text other_shares[SHARES]; /* of key, another split */

static int
split(const struct dk_key *whose, struct text *texts)
{
	const struct dk_split_params params = { .shares = SHARES, .threshold = THRESHOLD };
	struct dk_split *made = NULL;
	int failed = 0;

	if (dk_key_split(whose, &params, &made) != DK_OK)
		return -1;
	for (unsigned i = 0; i < SHARES; i++)
		failed |= dk_split_write(made, i + 1, texts[i].bytes, sizeof(texts[i].bytes),
			      &texts[i].len) != DK_OK;
	dk_split_free(made);
	return failed ? -1 : 0;
}

static int
make(void **state)
{
	const struct dk_key_spec spec = { .side = DK_SIDE_CUSTOMER, .type = "p256" };

	(void)state;
	if (dk_key_generate(&spec, &key) != DK_OK)
		return -1;
	return split(key, shares) != 0 || split(key, other_shares) != 0 ? -1 : 0;
}

static int
unmake(void **state)
{
	(void)state;
	dk_key_free(key);
	return 0;
}

static dk_err
add(struct dk_join *join, const struct text *text, struct dk_place *ret_place)
{
	return dk_join_add(join, (const uint8_t *)text->bytes, text->len, ret_place);
}

/* One share by itself; place is the line that must be named, or "". */
static void
expect(const struct text *text, dk_err err, const char *place)
{
	struct dk_place got = { .text = "unset" };
	struct dk_join *join;

	assert_ok(dk_join_new(&join));
	assert_err(add(join, text, &got), err);
	assert_string_equal(got.text, place);
	dk_join_free(join);
}

static void
assert_same_key(const struct dk_key *a, const struct dk_key *b)
{
	struct text ta, tb;

	assert_ok(dk_key_write_private(a, NULL, (uint8_t *)ta.bytes, sizeof(ta.bytes), &ta.len));
	assert_ok(dk_key_write_private(b, NULL, (uint8_t *)tb.bytes, sizeof(tb.bytes), &tb.len));
	assert_int_equal(ta.len, tb.len);
	assert_memory_equal(ta.bytes, tb.bytes, ta.len);
}

/* every set of shares: enough of them give the key file again, fewer say so */
static void
joins_every_set(void **state)
{
	(void)state;
	for (unsigned set = 1; set < 1u << SHARES; set++) {
		struct dk_place place;
		struct dk_key *got = NULL;
		struct dk_join *join;

		assert_ok(dk_join_new(&join));
		for (unsigned i = SHARES; i-- > 0;)
			if (set & 1u << i)
				assert_ok(add(join, &shares[i], &place));
		assert_int_equal(dk_join_count(join), __builtin_popcount(set));
		assert_int_equal(dk_join_threshold(join), THRESHOLD);
		if (__builtin_popcount(set) < THRESHOLD) {
			assert_err(dk_join_finish(join, &got), DK_ERR_SHARE_TOO_FEW);
			assert_null(got);
		} else {
			assert_ok(dk_join_finish(join, &got));
			assert_same_key(got, key);
		}
		dk_key_free(got);
		dk_join_free(join);
	}
}

static void
joins_every_type(void **state)
{
	static const char *const types[] = { "p384", "rsa3072" };
	struct text *texts = calloc(SHARES, sizeof(*texts));

	(void)state;
	assert_non_null(texts);
	for (size_t t = 0; t < 2; t++) {
		const struct dk_key_spec spec = { DK_SIDE_PROVIDER, types[t], "cloud.example" };
		struct dk_key *made, *got;
		struct dk_place place;
		struct dk_join *join;

		assert_ok(dk_key_generate(&spec, &made));
		assert_int_equal(split(made, texts), 0);
		assert_ok(dk_join_new(&join));
		for (unsigned i = 1; i <= THRESHOLD; i++)
			assert_ok(add(join, &texts[i], &place));
		assert_ok(dk_join_finish(join, &got));
		assert_same_key(got, made);
		dk_key_free(got);
		dk_key_free(made);
		dk_join_free(join);
	}
	free(texts);
}

/* Where a data line begins; *ret_len is up to its line end. */
static char *
find_line(struct text *text, const char *label, size_t *ret_len)
{
	char *line;

	text->bytes[text->len] = '\0';
	for (line = text->bytes; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (strncmp(line, label, 4) == 0)
			break;
	assert_non_null(line);
	*ret_len = strcspn(line, "\n");
	return line;
}

/* a wrong character is found in its line, whichever it is */
static void
names_the_line_of_a_wrong_character(void **state)
{
	static const char *const labels[] = { "C001", "C007", "C017", "S001", "S002" };
	struct text text;

	(void)state;
	for (size_t l = 0; l < sizeof(labels) / sizeof(labels[0]); l++) {
		char place[16] = "line ";
		size_t len;
		char *line;

		text = shares[1];
		line = find_line(&text, labels[l], &len);
		memcpy(place + 5, labels[l], 5);
		for (size_t i = 4; i < len; i++) {
			char old = line[i];

			if (old == ' ')
				continue;
			line[i] = old == '7' ? '8' : '7';
			expect(&text, DK_ERR_SHARE_DAMAGED, place);
			line[i] = '*';
			expect(&text, DK_ERR_SHARE_DAMAGED, place);
			line[i] = ' ';
			expect(&text, DK_ERR_SHARE_DAMAGED, place);
			line[i] = old;
		}
		/* two neighbours exchanged */
		for (size_t i = 5; i + 1 < len; i++) {
			char first = line[i], second = line[i + 1];

			if (first == second || first == ' ' || second == ' ')
				continue;
			line[i] = second;
			line[i + 1] = first;
			expect(&text, DK_ERR_SHARE_DAMAGED, place);
			line[i] = first;
			line[i + 1] = second;
		}
		expect(&text, DK_OK, "");
	}
}

static void
cut(struct text *text, const char *label)
{
	size_t len;
	char *line = find_line(text, label, &len);
	char *rest = line + len + 1;

	memmove(line, rest, text->len - (size_t)(rest - text->bytes));
	text->len -= len + 1;
}

static void
names_a_missing_line(void **state)
{
	static const char *const labels[] = { "C001", "C008", "C017", "S001", "S002" };

	(void)state;
	for (size_t l = 0; l < sizeof(labels) / sizeof(labels[0]); l++) {
		struct text text = shares[0];
		char place[16] = "line ";

		memcpy(place + 5, labels[l], 5);
		cut(&text, labels[l]);
		/* Without S001, S002 stands where another line C could. */
		expect(&text, DK_ERR_SHARE_DAMAGED,
		    strcmp(labels[l], "S001") == 0 ? "line C018" : place);
	}
}

static void
names_a_line_too_many(void **state)
{
	struct text text = shares[0];
	size_t len;
	char *line = find_line(&text, "S002", &len);

	(void)state;
	memcpy(text.bytes + text.len, line, len + 1);
	text.bytes[text.len + 3] = '3';
	text.len += len + 1;
	expect(&text, DK_ERR_SHARE_DAMAGED, "line S003");
}

/* what a person types: lower case, O and I, no or other blanks, comments */
static void
takes_what_was_typed(void **state)
{
	struct text text = { .len = 0 };
	const struct text *from = &shares[2];

	(void)state;
	for (size_t i = 0; i < from->len; i++) {
		char c = from->bytes[i];

		/* The title stays as it is. */
		if (i > 25) {
			if (c == ' ')
				continue;
			if (c == '0')
				c = 'o';
			else if (c == '1')
				c = i % 2 ? 'l' : 'I';
			else
				c = (char)tolower(c);
		}
		if (c == '\n')
			text.bytes[text.len++] = '\r';
		text.bytes[text.len++] = c;
	}
	expect(&text, DK_OK, "");
}

static void
refuses_what_is_no_share(void **state)
{
	static const struct {
		const char *text;
		dk_err err;
	} bad[] = {
		{ "", DK_ERR_SHARE_MAGIC },
		{ "\n\n", DK_ERR_SHARE_MAGIC },
		{ "C001 0000 0000", DK_ERR_SHARE_MAGIC },
		{ "-----BEGIN DOUBLEKEY PUBLIC KEY-----\n", DK_ERR_SHARE_MAGIC },
		{ "DOUBLEKEY KEY SHARE \n", DK_ERR_SHARE_MAGIC },
		{ "DOUBLEKEY KEY SHARE 2\n", DK_ERR_KEY_VERSION },
		{ "DOUBLEKEY KEY SHARE 11\n", DK_ERR_KEY_VERSION },
	};
	struct text text;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		text.len = strlen(bad[i].text);
		memcpy(text.bytes, bad[i].text, text.len);
		expect(&text, bad[i].err, "");
	}
	text = shares[0];
	memset(text.bytes + text.len, '\n', sizeof(text.bytes) - text.len);
	text.len = DK_SHARE_TEXT_MAX_BYTES;
	expect(&text, DK_OK, "");
	text.len++;
	expect(&text, DK_ERR_SHARE_MAGIC, "");
	text.len = (size_t)snprintf(text.bytes, sizeof(text.bytes), "DOUBLEKEY KEY SHARE 1\n");
	expect(&text, DK_ERR_SHARE_DAMAGED, "line C001");
}

static void
names_a_share_of_another_split(void **state)
{
	struct dk_place place;
	struct dk_key *got = NULL;
	struct dk_join *join;

	(void)state;
	assert_ok(dk_join_new(&join));
	assert_ok(add(join, &shares[0], &place));
	assert_err(add(join, &other_shares[1], &place), DK_ERR_SHARE_FOREIGN);
	assert_err(add(join, &shares[0], &place), DK_ERR_SHARE_TWICE);
	assert_int_equal(dk_join_count(join), 1);
	assert_ok(add(join, &shares[1], &place));
	assert_ok(add(join, &shares[4], &place));
	assert_ok(dk_join_finish(join, &got));
	assert_same_key(got, key);
	dk_key_free(got);
	dk_join_free(join);
}

/* The text of a share with all its line checks right. */
static void
write_text(const struct dk_share_data *data, struct text *text)
{
	text->len = (size_t)snprintf(text->bytes, sizeof(text->bytes), "DOUBLEKEY KEY SHARE 1\n");
	assert_ok(dk_share_text_lines(
	    'C', data->common, data->common_len, text->bytes, sizeof(text->bytes), &text->len));
	assert_ok(dk_share_text_lines(
	    'S', data->part, data->part_len, text->bytes, sizeof(text->bytes), &text->len));
}

static void
read_text(const struct text *text, struct dk_share_data *data)
{
	struct dk_place place;

	assert_ok(dk_share_text_decode((const uint8_t *)text->bytes, text->len, data, &place));
}

/* somebody who makes the line checks right is noticed all the same */
static void
refuses_an_altered_share_part(void **state)
{
	static const struct {
		size_t at;
		uint8_t mask;
		dk_err err;
	} changes[] = {
		{ 0, 1, DK_ERR_SHARE_DAMAGED },     /* 3 for 2 */
		{ 0, 2, DK_ERR_SHARE_DAMAGED },     /* 0 */
		{ 0, 4, DK_ERR_SHARE_DAMAGED },     /* 6 of 5 */
		{ 1, 1, DK_ERR_SHARE_DAMAGED },     /* value */
		{ 32, 0x80, DK_ERR_SHARE_DAMAGED }, /* value */
		{ 33, 1, DK_ERR_SHARE_FOREIGN },    /* split id */
		{ 39, 1, DK_ERR_SHARE_FOREIGN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct dk_share_data data;
		struct text text;

		read_text(&shares[1], &data);
		data.part[changes[i].at] ^= changes[i].mask;
		write_text(&data, &text);
		expect(&text, changes[i].err, "line S001");
	}
}

/* every byte of the common part is bound: to the share part, to the other shares'
 * common parts, or by the seal if all shares are altered in the same way */
static void
binds_the_common_part(void **state)
{
	struct dk_share_data honest;

	(void)state;
	read_text(&shares[0], &honest);
	for (size_t at = 0; at < honest.common_len; at++) {
		struct dk_join *join, *all;
		struct dk_place place;
		struct dk_key *got = NULL;
		dk_err err = DK_OK;

		assert_ok(dk_join_new(&join));
		assert_ok(dk_join_new(&all));
		assert_ok(add(join, &shares[4], &place));
		for (unsigned i = 0; i < THRESHOLD && err == DK_OK; i++) {
			struct dk_share_data data;
			struct text text;

			read_text(&shares[i], &data);
			data.common[at] ^= 1;
			write_text(&data, &text);
			assert_true(add(join, &text, &place) != DK_OK);
			err = add(all, &text, &place);
		}
		if (err == DK_OK)
			err = dk_join_finish(all, &got);
		/* A lower threshold, too, gives no key. */
		assert_true(err != DK_OK);
		assert_null(got);
		dk_join_free(all);
		dk_join_free(join);
	}
}

static void
limits_shares_and_threshold(void **state)
{
	static const struct {
		struct dk_split_params params;
		dk_err err;
	} cases[] = {
		{ { 0, 0, 1 }, DK_ERR_THRESHOLD },
		{ { 1, 1, 1 }, DK_ERR_THRESHOLD },
		{ { 2, 1, 0 }, DK_ERR_THRESHOLD },
		{ { 2, 2, 0 }, DK_ERR_THRESHOLD },
		{ { 2, 2, 1 }, DK_OK },
		{ { 3, 2, 0 }, DK_OK },
		{ { 3, 3, 0 }, DK_ERR_THRESHOLD },
		{ { 3, 4, 1 }, DK_ERR_THRESHOLD },
		{ { 255, 254, 0 }, DK_OK },
		{ { 255, 255, 1 }, DK_OK },
		{ { 256, 2, 0 }, DK_ERR_THRESHOLD },
		{ { 0x10003, 2, 0 }, DK_ERR_THRESHOLD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dk_split *made = NULL;

		assert_err(dk_key_split(key, &cases[i].params, &made), cases[i].err);
		dk_split_free(made);
	}
}

/* the largest split there is */
static void
splits_into_255(void **state)
{
	const struct dk_split_params params = { .shares = 255, .threshold = 255, .allow_all = 1 };
	const struct dk_key_spec spec = { DK_SIDE_CUSTOMER, "p384", NULL };
	struct text *text = malloc(sizeof(*text));
	struct dk_split *made;
	struct dk_key *p384, *got;
	struct dk_place place;
	struct dk_join *join;

	(void)state;
	assert_non_null(text);
	assert_ok(dk_key_generate(&spec, &p384));
	assert_ok(dk_key_split(p384, &params, &made));
	assert_ok(dk_join_new(&join));
	for (unsigned i = 255; i > 0; i--) {
		assert_err(dk_join_finish(join, &got), DK_ERR_SHARE_TOO_FEW);
		assert_ok(
		    dk_split_write(made, i, text->bytes, DK_SHARE_TEXT_MAX_BYTES, &text->len));
		assert_ok(add(join, text, &place));
	}
	assert_ok(dk_join_finish(join, &got));
	assert_same_key(got, p384);
	assert_err(
	    dk_split_write(made, 0, text->bytes, sizeof(text->bytes), &text->len), DK_ERR_ARGUMENT);
	assert_err(dk_split_write(made, 256, text->bytes, sizeof(text->bytes), &text->len),
	    DK_ERR_ARGUMENT);
	dk_key_free(got);
	dk_key_free(p384);
	dk_join_free(join);
	dk_split_free(made);
	free(text);
}

/* no room is an error, at whatever length it ends */
static void
needs_room(void **state)
{
	const struct dk_split_params params = { .shares = 3, .threshold = 2 };
	struct dk_split *made;
	struct text text;
	size_t len, unused;

	(void)state;
	assert_ok(dk_key_split(key, &params, &made));
	assert_ok(dk_split_write(made, 1, text.bytes, sizeof(text.bytes), &len));
	for (size_t cap = 0; cap < len; cap++)
		assert_err(
		    dk_split_write(made, 1, text.bytes, cap, &unused), DK_ERR_OUTPUT_TOO_SMALL);
	assert_ok(dk_split_write(made, 1, text.bytes, len, &unused));
	dk_split_free(made);
}

/* base32 has one text for one content, but for case and the letters that look alike */
static void
encodes_base32(void **state)
{
	static const uint8_t data[] = { 0xff, 0x00, 0x41 };
	uint8_t got[4];
	size_t len;
	char out[8];

	(void)state;
	dk_base32_encode(data, 3, out);
	assert_memory_equal(out, "ZW042", 5);
	assert_true(dk_base32_decode("zwO42", 5, got, 4, &len));
	assert_int_equal(len, 3);
	assert_memory_equal(got, data, 3);
	assert_false(dk_base32_decode("ZW043", 5, got, 4, &len)); /* unused bit */
	assert_false(dk_base32_decode("ZW042", 5, got, 2, &len));
	assert_false(dk_base32_decode("ZW0420", 6, got, 4, &len)); /* no such length */
	assert_false(dk_base32_decode("ZU042", 5, got, 4, &len));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joins_every_set),
		cmocka_unit_test(joins_every_type),
		cmocka_unit_test(names_the_line_of_a_wrong_character),
		cmocka_unit_test(names_a_missing_line),
		cmocka_unit_test(names_a_line_too_many),
		cmocka_unit_test(takes_what_was_typed),
		cmocka_unit_test(refuses_what_is_no_share),
		cmocka_unit_test(names_a_share_of_another_split),
		cmocka_unit_test(refuses_an_altered_share_part),
		cmocka_unit_test(binds_the_common_part),
		cmocka_unit_test(limits_shares_and_threshold),
		cmocka_unit_test(splits_into_255),
		cmocka_unit_test(needs_room),
		cmocka_unit_test(encodes_base32),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
