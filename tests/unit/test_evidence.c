/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence bundles, spec/evidence.md sections 1 to 3: one file for one manifest. */
#include "unit.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "evidence/bundle.h"
#include "evidence/tar.h"

#define FILE_MAX_BYTES 32768

static const char *const names[] = { "assessment.json", "catalogue", "incident", "inventory.json",
	"log/checkpoint", "records" };
static const char *const contents[] = { "{}\n", "objects", "from\n", "", "origin\n", "sealed" };
#define PARTS (sizeof(names) / sizeof(names[0]))

static uint8_t file[FILE_MAX_BYTES], changed[FILE_MAX_BYTES + 1];
static int fd;

static void
member(struct dk_writer_buf *wr, const char *name, const void *bytes, size_t len)
{
	uint8_t header[DK_TAR_BLOCK_BYTES];

	dk_tar_header(name, len, header);
	dk_wr_bytes(wr, header, sizeof(header));
	dk_wr_bytes(wr, bytes, len);
	dk_wr_zero(wr, dk_tar_padding(len));
}

static size_t
make(const char *signature)
{
	struct dk_evidence_part part[PARTS];
	struct dk_manifest m = {
		.time = 1000, .version = "0.1.0", .persons = true, .count = PARTS, .part = part
	};
	static uint8_t text[4096];
	struct dk_writer_buf manifest, wr;

	for (size_t i = 0; i < PARTS; i++) {
		const struct dk_part content = { contents[i], strlen(contents[i]) };

		part[i] = (struct dk_evidence_part){ .name = names[i], .size = content.len };
		assert_int_equal(dk_sha256(&content, 1, part[i].digest), DK_OK);
	}
	dk_wr_init(&manifest, text, sizeof(text));
	dk_manifest_write(&manifest, &m);
	dk_wr_init(&wr, file, sizeof(file));
	member(&wr, "manifest", text, manifest.len);
	for (size_t i = 0; i < PARTS; i++)
		member(&wr, names[i], contents[i], strlen(contents[i]));
	if (signature)
		member(&wr, "signature", signature, strlen(signature));
	dk_wr_zero(&wr, DK_TAR_END_BYTES);
	assert_false(manifest.failed || wr.failed);
	return wr.len;
}

static dk_err
read_bytes(const uint8_t *bytes, size_t len, uint8_t ret_digest[DK_SHA256_BYTES], char *ret_place)
{
	static const struct dk_bundle_sink none;
	static struct dk_bundle b;
	dk_err err;

	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, bytes, len, 0), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	err = dk_bundle_open(fd, &b);
	if (err == DK_OK)
		err = dk_bundle_read(&b, &none);
	memcpy(ret_digest, b.digest, sizeof(b.digest));
	if (ret_place)
		memcpy(ret_place, b.place, sizeof(b.place));
	dk_bundle_clear(&b);
	return err;
}

static void
is_refused(size_t len, size_t at)
{
	uint8_t digest[DK_SHA256_BYTES];
	dk_err err = read_bytes(changed, len, digest, NULL);

	if (err != DK_ERR_EVIDENCE_FILE && err != DK_ERR_EVIDENCE_CHANGED)
		fail_msg("byte %zu of %zu: %s", at, len, dk_err_name(err));
}

/* Without a signature, a byte of the manifest can be one that the file says of itself; then its
 * digest is another one, which is what the service signs. */
static void
change_each(const char *signature, size_t signed_from)
{
	size_t len = make(signature);
	uint8_t original[DK_SHA256_BYTES], digest[DK_SHA256_BYTES];

	assert_int_equal(read_bytes(file, len, original, NULL), DK_OK);
	for (size_t i = 0; i < len; i++) {
		for (unsigned bit = 1; bit < 256; bit <<= 1) {
			memcpy(changed, file, len);
			changed[i] ^= (uint8_t)bit;
			if (i >= signed_from &&
			    i < signed_from + (signature ? strlen(signature) : 0))
				continue; /* section 6 */
			if (read_bytes(changed, len, digest, NULL) != DK_OK)
				continue;
			if (memcmp(digest, original, sizeof(digest)) == 0)
				fail_msg("byte %zu, bit %u", i, bit);
		}
	}
}

static void
a_change_of_any_bit_is_found(void **state)
{
	size_t without = make(NULL);

	(void)state;
	change_each(NULL, 0);
	change_each("signed", without - DK_TAR_END_BYTES + DK_TAR_BLOCK_BYTES);
}

static void
nothing_is_cut_off_or_added(void **state)
{
	size_t len = make("signed");

	(void)state;
	for (size_t i = 0; i < len; i++) {
		memcpy(changed, file, i);
		is_refused(i, i);
	}
	memcpy(changed, file, len);
	for (unsigned c = 0; c < 256; c++) {
		changed[len] = (uint8_t)c;
		is_refused(len + 1, len);
	}
}

static void
the_place_is_named(void **state)
{
	size_t len = make(NULL);
	uint8_t digest[DK_SHA256_BYTES], *at;
	char place[sizeof(((struct dk_bundle *)0)->place)];

	(void)state;
	at = memmem(file, len, "objects", 7);
	at[0] ^= 1;
	assert_int_equal(read_bytes(file, len, digest, place), DK_ERR_EVIDENCE_CHANGED);
	assert_string_equal(place, "catalogue");
	(void)make(NULL);
	at = memmem(file, len, "persons", 7);
	at[0] = 'P';
	assert_int_equal(read_bytes(file, len, digest, place), DK_ERR_EVIDENCE_FILE);
	assert_string_equal(place, "manifest line 5");
}

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEAD                                                                                       \
	"doublekey-evidence-1\ntime 1000\nprogram 0.1.0 " HEX "\nrecipient " HEX                   \
	"\nrecords 0 persons\n"
#define PART(size, name) "part " HEX " " size " " name "\n"
#define FIRST PART("1", "assessment.json") PART("1", "catalogue")
#define MIDDLE PART("1", "incident") PART("1", "inventory.json") PART("1", "log/checkpoint")
#define LAST PART("1", "records")

static dk_err
parse(const char *text, unsigned *ret_line)
{
	struct dk_manifest m = { .count = 0 };
	dk_err err = dk_manifest_parse(text, strlen(text), &m, ret_line);

	if (err == DK_OK)
		dk_manifest_clear(&m);
	return err;
}

static void
manifests_have_one_form(void **state)
{
	static const struct {
		const char *text;
		unsigned line; /* 0: it is one */
	} cases[] = {
		{ HEAD FIRST MIDDLE LAST, 0 },
		{ HEAD FIRST MIDDLE PART("0", "log/tile/0/x000/001.p/7") LAST, 0 },
		{ HEAD FIRST MIDDLE PART("8589934591", "policy/" HEX) LAST PART("1", "spec/a.md"),
		    0 },
		{ "", 1 },
		{ "doublekey-evidence-2\n", 1 },
		{ HEAD FIRST MIDDLE, 11 }, /* what is needed is missing */
		{ HEAD FIRST MIDDLE LAST LAST, 12 },
		{ HEAD FIRST LAST MIDDLE, 9 },
		{ HEAD FIRST MIDDLE PART("8589934592", "policy/" HEX) LAST, 11 },
		{ HEAD FIRST MIDDLE PART("01", "policy/" HEX) LAST, 11 },
		{ HEAD FIRST MIDDLE PART("1", "policy/" HEX "0") LAST, 11 },
		{ HEAD FIRST MIDDLE PART("1", "log/tile") LAST, 11 },
		{ HEAD FIRST MIDDLE PART("1", "log/tile/..") LAST, 11 },
		{ HEAD FIRST MIDDLE PART("1", "log/tile/a//b") LAST, 11 },
		{ HEAD FIRST MIDDLE PART("1", "log/tile/a/") LAST, 11 },
		{ HEAD FIRST MIDDLE PART("1", "log/tile/a") PART("1", "log/tile/a/b") LAST, 14 },
		{ HEAD FIRST MIDDLE LAST PART("1", "spec/.md"), 12 },
		{ HEAD FIRST MIDDLE LAST PART("1", "spec/a/b.md"), 12 },
		{ HEAD FIRST MIDDLE LAST PART("1", "spec/a.txt"), 12 },
		{ HEAD FIRST MIDDLE LAST PART("1", "../x"), 12 },
		{ HEAD FIRST MIDDLE LAST "part " HEX " 1 spec/a.md", 12 },
		{ HEAD FIRST MIDDLE LAST "part " HEX " 1 spec/a.md \n", 12 },
		{ HEAD FIRST MIDDLE LAST "part " HEX "  1 spec/a.md\n", 12 },
		{ HEAD FIRST MIDDLE LAST "\n", 12 },
	};
	unsigned line;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dk_err err = parse(cases[i].text, &line);

		if (err != (cases[i].line ? DK_ERR_EVIDENCE_FILE : DK_OK) ||
		    (cases[i].line && line != cases[i].line))
			fail_msg("case %zu: %s, line %u", i, dk_err_name(err), line);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_of_any_bit_is_found),
		cmocka_unit_test(nothing_is_cut_off_or_added),
		cmocka_unit_test(the_place_is_named),
		cmocka_unit_test(manifests_have_one_form),
	};

	fd = memfd_create("bundle", MFD_CLOEXEC);
	return fd >= 0 ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
