/* SPDX-License-Identifier: Apache-2.0 */
/* Key files: text, structure, seal, and the key that comes out. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "format/key_file.h"
#include "format/key_impl.h"

struct text {
	uint8_t bytes[DK_KEY_FILE_MAX_BYTES + 64];
	size_t len;
};

static struct dk_key *key; /* customer, p256 */
static struct text private_text, public_text;

static int
make_key(void **state)
{
	const struct dk_key_spec spec = { .side = DK_SIDE_CUSTOMER, .type = "p256" };

	(void)state;
	if (dk_key_generate(&spec, &key) != DK_OK ||
	    dk_key_write_private(key, NULL, private_text.bytes, sizeof(private_text.bytes),
		&private_text.len) != DK_OK ||
	    dk_key_write_public(
		key, public_text.bytes, sizeof(public_text.bytes), &public_text.len) != DK_OK)
		return -1;
	return 0;
}

static int
free_key(void **state)
{
	(void)state;
	dk_key_free(key);
	return 0;
}

static dk_err
read_text(const struct text *text)
{
	struct dk_key *got = NULL;
	dk_err err = dk_key_read(text->bytes, text->len, "name", DK_SIDE_CUSTOMER, NULL, &got);

	assert_true((err == DK_OK) == (got != NULL));
	dk_key_free(got);
	return err;
}

static void
read_blob(const struct text *text, struct dk_key_blob *blob, enum dk_key_kind *label)
{
	assert_ok(dk_key_text_decode(text->bytes, text->len, blob, label));
}

/* Result of reading the blob with a checksum that is right. */
static dk_err
read_with_checksum(struct dk_key_blob *blob, enum dk_key_kind label)
{
	struct text text;

	blob->len -= DK_KEY_CHECKSUM_BYTES;
	assert_ok(dk_key_file_finish(blob));
	assert_ok(dk_key_text_encode(blob, label, text.bytes, sizeof(text.bytes), &text.len));
	return read_text(&text);
}

static void
reads_what_it_writes(void **state)
{
	static const char *const types[] = { "p256", "p384", "rsa3072" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const struct dk_key_spec spec = {
			.side = DK_SIDE_PROVIDER, .type = types[i], .custodian = "cloud.example/eu"
		};
		struct dk_key *made, *got;
		struct text text;

		assert_ok(dk_key_generate(&spec, &made));
		for (int private_too = 0; private_too < 2; private_too++) {
			if (private_too)
				assert_ok(dk_key_write_private(
				    made, NULL, text.bytes, sizeof(text.bytes), &text.len));
			else
				assert_ok(dk_key_write_public(
				    made, text.bytes, sizeof(text.bytes), &text.len));
			assert_ok(dk_key_read(
			    text.bytes, text.len, "name", DK_SIDE_PROVIDER, NULL, &got));
			assert_int_equal(dk_key_has_private(got), private_too);
			assert_int_equal(dk_key_side(got), DK_SIDE_PROVIDER);
			assert_string_equal(dk_key_type_name(got), types[i]);
			assert_string_equal(dk_key_custodian(got), "cloud.example/eu");
			assert_string_equal(dk_key_id_hex(got), dk_key_id_hex(made));
			assert_int_equal(dk_key_created(got), dk_key_created(made));
			dk_key_free(got);
		}
		dk_key_free(made);
	}
}

/* no character of either file may change */
static void
refuses_every_changed_character(void **state)
{
	static const uint8_t masks[] = { 0x01, 0x20, 0x80, 0xff };
	const struct text *const files[] = { &private_text, &public_text };

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		struct text text = *files[f];

		for (size_t i = 0; i < text.len; i++) {
			for (size_t m = 0; m < sizeof(masks); m++) {
				dk_err err;

				text.bytes[i] ^= masks[m];
				err = read_text(&text);
				assert_true(err == DK_ERR_KEY_FOREIGN || err == DK_ERR_KEY_DAMAGED);
				/* The first line says whose file it is. */
				if (i > 50)
					assert_err(err, DK_ERR_KEY_DAMAGED);
				text.bytes[i] ^= masks[m];
			}
		}
		assert_ok(read_text(&text));
	}
}

static void
refuses_every_shorter_file(void **state)
{
	struct text text = private_text;

	(void)state;
	/* Without its last line end it is whole. */
	text.len--;
	assert_ok(read_text(&text));
	while (text.len-- > 0)
		assert_true(read_text(&text) != DK_OK);
}

static void
put_around(struct text *text, const char *before, const char *behind)
{
	size_t n = strlen(before);

	*text = public_text;
	memmove(text->bytes + n, text->bytes, text->len);
	memcpy(text->bytes, before, n);
	text->len += n;
	memcpy(text->bytes + text->len, behind, strlen(behind));
	text->len += strlen(behind);
}

/* whitespace around the block, and nothing else */
static void
knows_what_may_stand_around(void **state)
{
	struct text text;

	(void)state;
	put_around(&text, " \t\r\n\n", "\n\n \t\r\n");
	assert_ok(read_text(&text));
	put_around(&text, "x\n", "");
	assert_err(read_text(&text), DK_ERR_KEY_FOREIGN);
	put_around(&text, "", "x");
	assert_err(read_text(&text), DK_ERR_KEY_DAMAGED);
	put_around(&text, "", (const char *)"-----BEGIN DOUBLEKEY PUBLIC KEY-----\n");
	assert_err(read_text(&text), DK_ERR_KEY_DAMAGED);
}

static void
reads_crlf(void **state)
{
	struct text text = { .len = 0 };

	(void)state;
	for (size_t i = 0; i < private_text.len; i++) {
		if (private_text.bytes[i] == '\n')
			text.bytes[text.len++] = '\r';
		text.bytes[text.len++] = private_text.bytes[i];
	}
	assert_ok(read_text(&text));
}

/* lines of 64 characters and no others */
static void
refuses_other_line_lengths(void **state)
{
	struct text text = public_text;
	uint8_t *first = memchr(text.bytes, '\n', text.len);

	(void)state;
	assert_non_null(first);
	/* Move the first line end by a quantum: lines of 60 and 68. */
	memmove(first + 1 + 61, first + 1 + 60, 4);
	first[1 + 60] = '\n';
	assert_err(read_text(&text), DK_ERR_KEY_DAMAGED);
}

static void
refuses_foreign_files(void **state)
{
	static const char *const foreign[] = { "", "\n", "-----BEGIN PRIVATE KEY-----\nAAAA\n",
		"AGE-SECRET-KEY-1", "-----BEGIN DOUBLEKEY SECRET KEY-----\n",
		"----BEGIN DOUBLEKEY PUBLIC KEY-----\n" };
	struct text text = { .len = sizeof(text.bytes) };

	(void)state;
	memset(text.bytes, '\n', sizeof(text.bytes));
	assert_err(read_text(&text), DK_ERR_KEY_FOREIGN); /* too long */
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		text.len = strlen(foreign[i]);
		memcpy(text.bytes, foreign[i], text.len);
		assert_err(read_text(&text), DK_ERR_KEY_FOREIGN);
	}
}

/* One field of the private file set to a value, with the checksum put right. */
static const struct field {
	size_t at;
	size_t len;
	uint64_t value;
	dk_err err;
} fields[] = {
	{ 0, 1, 'd', DK_ERR_KEY_FOREIGN }, { 8, 2, 0, DK_ERR_KEY_VERSION },
	{ 8, 2, 2, DK_ERR_KEY_VERSION },
	{ 10, 1, 1, DK_ERR_KEY_DAMAGED }, /* the label says private */
	{ 10, 1, 3, DK_ERR_KEY_DAMAGED }, { 11, 1, 0, DK_ERR_KEY_DAMAGED },
	{ 11, 1, 5, DK_ERR_KEY_DAMAGED }, { 11, 1, 4, DK_ERR_KEY_SIDE },
	{ 11, 1, 2, DK_ERR_KEY_SIDE }, { 11, 1, 3, DK_ERR_KEY_SIDE }, { 12, 2, 0, DK_ERR_KEY_TYPE },
	{ 12, 2, 5, DK_ERR_KEY_TYPE }, { 12, 2, 4, DK_ERR_KEY_RESERVED },
	{ 12, 2, 2, DK_ERR_KEY_DAMAGED }, /* the scalar is too short for it */
	{ 12, 2, 3, DK_ERR_KEY_INVALID }, { 14, 8, UINT64_C(1) << 40, DK_ERR_KEY_DAMAGED },
	{ 14, 8, (UINT64_C(1) << 40) - 1, DK_OK }, { 22, 1, 0, DK_ERR_KEY_DAMAGED },
	{ 22, 1, 'C', DK_ERR_KEY_DAMAGED }, { 69, 1, 'x', DK_ERR_KEY_DAMAGED },
	{ 70, 2, 0, DK_ERR_KEY_DAMAGED }, { 70, 2, 90, DK_ERR_KEY_DAMAGED },
	{ 70, 2, 92, DK_ERR_KEY_DAMAGED }, { 70, 2, 1201, DK_ERR_KEY_DAMAGED },
	{ 72, 1, 0x31, DK_ERR_KEY_INVALID },
	{ 72 + 27, 1, 0x55, DK_ERR_KEY_INVALID }, /* a point that is not on the curve */
	{ 72 + 91, 1, 2, DK_ERR_KEY_DAMAGED }, { 72 + 91, 1, 1, DK_ERR_KEY_DAMAGED },
	{ 72 + 92, 2, 31, DK_ERR_KEY_DAMAGED }, { 72 + 92, 2, 33, DK_ERR_KEY_DAMAGED },
	{ 72 + 94, 8, UINT64_MAX, DK_ERR_KEY_INVALID }, /* not below the order, if the rest is */
};

static void
checks_each_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct field *f = &fields[i];
		struct dk_key_blob blob;
		enum dk_key_kind label;

		read_blob(&private_text, &blob, &label);
		for (size_t k = 0; k < f->len; k++)
			blob.bytes[f->at + k] = (uint8_t)(f->value >> (8 * (f->len - 1 - k)));
		assert_err(read_with_checksum(&blob, label), f->err);
	}
}

/* the structure ends where its fields end */
static void
refuses_shorter_and_longer_structures(void **state)
{
	struct dk_key_blob blob;
	enum dk_key_kind label;
	size_t whole;

	(void)state;
	read_blob(&private_text, &blob, &label);
	whole = blob.len;
	for (size_t len = DK_KEY_CHECKSUM_BYTES; len < whole; len++) {
		blob.len = len;
		assert_true(read_with_checksum(&blob, label) != DK_OK);
		read_blob(&private_text, &blob, &label);
	}
	blob.len = whole + 1;
	assert_err(read_with_checksum(&blob, label), DK_ERR_KEY_DAMAGED);
}

static dk_err
give(void *ctx, const char *name, uint8_t *buf, size_t cap, size_t *ret_len)
{
	const char *passphrase = ctx;

	assert_string_equal(name, "name");
	assert_int_equal(cap, DK_PASSPHRASE_MAX_BYTES);
	memcpy(buf, passphrase, strlen(passphrase));
	*ret_len = strlen(passphrase);
	return DK_OK;
}

/* The key sealed with the cheapest parameters that a reader takes. */
static void
seal(struct text *text)
{
	const struct dk_argon2 cheap = { .passes = 1, .memory_kib = 8, .lanes = 1 };
	const struct dk_passphrase passphrase = { "correct horse", 13 };
	struct dk_private_part part = { .len = sizeof(part.bytes) };
	struct dk_key_blob blob;
	enum dk_key_kind label;

	read_blob(&private_text, &blob, &label);
	blob.len = 72 + 91;
	assert_ok(dk_pkey_private_bytes(dk_key_local_pkey(key), part.bytes, &part.len));
	assert_ok(dk_key_file_add_private(&blob, &part, &passphrase, &cheap));
	assert_ok(dk_key_file_finish(&blob));
	assert_ok(dk_key_text_encode(
	    &blob, DK_KIND_PRIVATE, text->bytes, sizeof(text->bytes), &text->len));
}

static dk_err
open_sealed(const struct text *text, const char *passphrase, struct dk_key **ret)
{
	const struct dk_key_options options = { .passphrase = passphrase ? give : NULL,
		.passphrase_ctx = (void *)(uintptr_t)passphrase };

	return dk_key_read(text->bytes, text->len, "name", DK_SIDE_CUSTOMER, &options, ret);
}

static void
tells_passphrases_apart(void **state)
{
	struct dk_key *got = NULL;
	struct text text;

	(void)state;
	seal(&text);
	assert_err(open_sealed(&text, NULL, &got), DK_ERR_KEY_NEED_PASSPHRASE);
	assert_err(open_sealed(&text, "wrong horse", &got), DK_ERR_KEY_PASSPHRASE);
	assert_err(open_sealed(&text, "correct horse ", &got), DK_ERR_KEY_PASSPHRASE);
	assert_err(open_sealed(&text, "", &got), DK_ERR_KEY_PASSPHRASE);
	assert_null(got);
	assert_ok(open_sealed(&text, "correct horse", &got));
	assert_true(dk_key_has_private(got));
	dk_key_free(got);
}

/* the public half of a sealed key needs no passphrase */
static void
opens_the_public_half(void **state)
{
	const struct dk_key_options options = { .public_only = 1 };
	struct dk_key *got = NULL;
	struct text text;

	(void)state;
	seal(&text);
	assert_ok(dk_key_read(text.bytes, text.len, "name", DK_SIDE_CUSTOMER, &options, &got));
	assert_false(dk_key_has_private(got));
	assert_string_equal(dk_key_id_hex(got), dk_key_id_hex(key));
	dk_key_free(got);
}

/* whatever is changed below the checksum of a sealed file, the seal notices */
static void
binds_all_fields_to_the_seal(void **state)
{
	struct text text;
	struct dk_key_blob blob, changed;
	enum dk_key_kind label;
	size_t sealed_at = 72 + 91 + 1 + 28 + 2;

	(void)state;
	seal(&text);
	read_blob(&text, &blob, &label);
	for (size_t i = 14; i < blob.len - DK_KEY_CHECKSUM_BYTES; i++) {
		struct dk_key *got = NULL;
		dk_err err;

		/* Lengths, and Argon2id parameters that would take long. */
		if (i >= 72 + 91 + 17 && i < sealed_at)
			continue;
		changed = blob;
		changed.bytes[i] ^= 1;
		changed.len -= DK_KEY_CHECKSUM_BYTES;
		assert_ok(dk_key_file_finish(&changed));
		assert_ok(
		    dk_key_text_encode(&changed, label, text.bytes, sizeof(text.bytes), &text.len));
		err = open_sealed(&text, "correct horse", &got);
		assert_true(err == DK_ERR_KEY_PASSPHRASE || err == DK_ERR_KEY_DAMAGED ||
		    err == DK_ERR_KEY_INVALID);
		if (i >= sealed_at || (i >= 18 && i < 22))
			assert_err(err, DK_ERR_KEY_PASSPHRASE);
	}
}

/* parameters are looked at before memory is taken */
static void
limits_argon2(void **state)
{
	static const uint32_t bad[][3] = { { 0, 8, 1 }, { 65, 8, 1 }, { 1, 7, 1 }, { 1, 15, 2 },
		{ 1, 4194305, 1 }, { 1, UINT32_MAX, 1 }, { 1, 8, 0 }, { 1, 520, 65 },
		{ UINT32_MAX, 8, 1 } };
	struct text text;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct dk_key *got = NULL;
		struct dk_key_blob blob;
		enum dk_key_kind label;

		seal(&text);
		read_blob(&text, &blob, &label);
		for (size_t k = 0; k < 12; k++)
			blob.bytes[72 + 91 + 17 + k] = (uint8_t)(bad[i][k / 4] >> (24 - k % 4 * 8));
		blob.len -= DK_KEY_CHECKSUM_BYTES;
		assert_ok(dk_key_file_finish(&blob));
		assert_ok(
		    dk_key_text_encode(&blob, label, text.bytes, sizeof(text.bytes), &text.len));
		assert_err(open_sealed(&text, "correct horse", &got), DK_ERR_KEY_DAMAGED);
	}
}

/* the writer's floor, and what a passphrase may not hold */
static void
refuses_to_seal_badly(void **state)
{
	static const struct dk_key_seal bad[] = {
		{ (const uint8_t *)"p", 1, 2, 0, 0 },
		{ (const uint8_t *)"p", 1, 0, 65535, 0 },
		{ (const uint8_t *)"p", 1, 65, 0, 0 },
		{ (const uint8_t *)"p", 1, 0, 0, 65 },
		{ (const uint8_t *)"p", 0, 0, 0, 0 },
		{ NULL, 1, 0, 0, 0 },
		{ (const uint8_t *)"a\nb", 3, 0, 0, 0 },
		{ (const uint8_t *)"a\0b", 3, 0, 0, 0 },
		{ (const uint8_t *)"a\rb", 3, 0, 0, 0 },
		{ private_text.bytes, DK_PASSPHRASE_MAX_BYTES + 1, 0, 0, 0 },
	};
	struct text text;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_err(
		    dk_key_write_private(key, &bad[i], text.bytes, sizeof(text.bytes), &text.len),
		    DK_ERR_ARGUMENT);
}

static void
refuses_to_write_what_it_has_not(void **state)
{
	struct dk_key *got;
	struct text text;

	(void)state;
	assert_ok(
	    dk_key_read(public_text.bytes, public_text.len, "name", DK_SIDE_CUSTOMER, NULL, &got));
	assert_err(dk_key_write_private(got, NULL, text.bytes, sizeof(text.bytes), &text.len),
	    DK_ERR_KEY_NEED_PRIVATE);
	assert_err(dk_key_write_public(got, text.bytes, public_text.len - 1, &text.len),
	    DK_ERR_OUTPUT_TOO_SMALL);
	assert_ok(dk_key_write_public(got, text.bytes, public_text.len, &text.len));
	assert_int_equal(text.len, public_text.len);
	assert_memory_equal(text.bytes, public_text.bytes, text.len);
	dk_key_free(got);
}

static void
generates_only_what_there_is(void **state)
{
	static const struct {
		struct dk_key_spec spec;
		dk_err err;
	} bad[] = {
		{ { DK_SIDE_CUSTOMER, "p256-mlkem768", NULL }, DK_ERR_KEY_RESERVED },
		{ { DK_SIDE_CUSTOMER, "p521", NULL }, DK_ERR_KEY_TYPE },
		{ { DK_SIDE_CREATOR, "p384", NULL }, DK_ERR_KEY_TYPE },
		{ { DK_SIDE_CREATOR, "rsa3072", NULL }, DK_ERR_KEY_TYPE },
		{ { DK_SIDE_AUDITOR, "rsa3072", NULL }, DK_ERR_KEY_TYPE },
		{ { DK_SIDE_CUSTOMER, NULL, NULL }, DK_ERR_ARGUMENT },
		{ { (dk_side)0, "p256", NULL }, DK_ERR_ARGUMENT },
		{ { (dk_side)5, "p256", NULL }, DK_ERR_ARGUMENT },
		{ { DK_SIDE_CUSTOMER, "p256", "" }, DK_ERR_TEXT },
		{ { DK_SIDE_CUSTOMER, "p256", "ACME" }, DK_ERR_TEXT },
		{ { DK_SIDE_CUSTOMER, "p256", "0123456789012345678901234567890123456789012345678" },
		    DK_ERR_TEXT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct dk_key *got = NULL;

		assert_err(dk_key_generate(&bad[i].spec, &got), bad[i].err);
		assert_null(got);
	}
}

static void
tells_uris_from_paths(void **state)
{
	static const char *const paths[] = { "a", "./a:b", "/a:b", "a/b:c", "1a:b", "", ":a",
		"a_b:c" };
	char scheme[DK_KEY_SCHEME_BYTES];
	struct dk_key *got = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_int_equal(dk_key_ref_scheme(paths[i], scheme), 0);
	assert_int_equal(dk_key_ref_scheme("PKCS11:token=x", scheme), 1);
	assert_string_equal(scheme, "pkcs11");
	assert_int_equal(dk_key_ref_scheme("a234567890123456789012345678901234567890:", scheme), 1);
	assert_string_equal(scheme, "a234567890123456789012345678901");
	assert_err(
	    dk_key_open("kms://keys.example/1", DK_SIDE_CUSTOMER, NULL, &got), DK_ERR_KEY_SCHEME);
	assert_err(dk_key_open("/nonexistent/x.key", DK_SIDE_CUSTOMER, NULL, &got), DK_ERR_READ);
	assert_err(dk_key_open("/", DK_SIDE_CUSTOMER, NULL, &got), DK_ERR_READ);
}

/* a creator key signs and does not wrap, the others the reverse */
static void
gives_each_side_its_use(void **state)
{
	const struct dk_key_spec spec = { .side = DK_SIDE_CREATOR, .type = "p256" };
	const struct dk_part part = { "text", 4 };
	uint8_t sig[DK_SIGNATURE_BYTES];
	struct dk_key *creator;

	(void)state;
	assert_ok(dk_key_generate(&spec, &creator));
	assert_null(creator->ops->wrap);
	assert_null(creator->ops->unwrap);
	assert_null(key->ops->sign);
	assert_null(key->ops->verify);
	assert_ok(creator->ops->sign(creator, &part, 1, sig));
	assert_ok(creator->ops->verify(creator, &part, 1, sig));
	sig[0] ^= 1;
	assert_err(creator->ops->verify(creator, &part, 1, sig), DK_ERR_CREATOR_SIGNATURE);
	dk_key_free(creator);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(refuses_every_changed_character),
		cmocka_unit_test(refuses_every_shorter_file),
		cmocka_unit_test(knows_what_may_stand_around),
		cmocka_unit_test(reads_crlf),
		cmocka_unit_test(refuses_other_line_lengths),
		cmocka_unit_test(refuses_foreign_files),
		cmocka_unit_test(checks_each_field),
		cmocka_unit_test(refuses_shorter_and_longer_structures),
		cmocka_unit_test(tells_passphrases_apart),
		cmocka_unit_test(opens_the_public_half),
		cmocka_unit_test(binds_all_fields_to_the_seal),
		cmocka_unit_test(limits_argon2),
		cmocka_unit_test(refuses_to_seal_badly),
		cmocka_unit_test(refuses_to_write_what_it_has_not),
		cmocka_unit_test(generates_only_what_there_is),
		cmocka_unit_test(tells_uris_from_paths),
		cmocka_unit_test(gives_each_side_its_use),
	};

	return cmocka_run_group_tests(tests, make_key, free_key);
}
