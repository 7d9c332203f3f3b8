/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence bundles. The first byte says what follows: a file, a manifest, or a signature under
 * a manifest. What is taken has one form: written again, it is the same.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "evidence/bundle.h"
#include "evidence/tar.h"
#include "fuzz.h"

static int fd = -1;

static size_t
write_manifest(const struct dk_manifest *m, uint8_t **ret_text)
{
	size_t cap = DK_MANIFEST_HEAD_BYTES + m->count * DK_MANIFEST_PART_BYTES;
	struct dk_writer_buf wr;

	*ret_text = malloc(cap);
	FUZZ_CHECK(*ret_text != NULL);
	dk_wr_init(&wr, *ret_text, cap);
	dk_manifest_write(&wr, m);
	FUZZ_CHECK(!wr.failed);
	return wr.len;
}

static void
check_parts(const struct dk_manifest *m)
{
	FUZZ_CHECK(m->count >= 6 && m->count <= DK_MANIFEST_PARTS_MAX);
	for (size_t i = 0; i < m->count; i++) {
		const struct dk_evidence_part *part = &m->part[i];

		FUZZ_CHECK(dk_evidence_name_valid(part->name) && part->name[0] != '/');
		FUZZ_CHECK(!strstr(part->name, "..") || part->name[0] != '.');
		FUZZ_CHECK(!strstr(part->name, "/.") && part->size <= DK_EVIDENCE_PART_MAX_BYTES);
		FUZZ_CHECK(i == 0 || strcmp(m->part[i - 1].name, part->name) < 0);
		FUZZ_CHECK(dk_manifest_find(m, part->name) == part);
	}
}

static void
manifest(const uint8_t *data, size_t len)
{
	struct dk_manifest m;
	unsigned line;
	uint8_t *text;

	if (dk_manifest_parse((const char *)data, len, &m, &line) != DK_OK)
		return;
	check_parts(&m);
	FUZZ_CHECK(write_manifest(&m, &text) == len && memcmp(text, data, len) == 0);
	free(text);
	dk_manifest_clear(&m);
}

/* Where each byte outside of contents comes from. */
static void
check_file(const uint8_t *data, size_t len, const struct dk_bundle *b)
{
	uint8_t header[DK_TAR_BLOCK_BYTES], *text;
	size_t at = write_manifest(&b->manifest, &text);

	dk_tar_header("manifest", at, header);
	FUZZ_CHECK(memcmp(data, header, sizeof(header)) == 0);
	FUZZ_CHECK(memcmp(data + sizeof(header), text, at) == 0);
	free(text);
	at += sizeof(header) + dk_tar_padding(at);
	for (size_t i = 0; i < b->manifest.count; i++) {
		const struct dk_evidence_part *part = &b->manifest.part[i];

		dk_tar_header(part->name, part->size, header);
		FUZZ_CHECK(memcmp(data + at, header, sizeof(header)) == 0);
		at += sizeof(header) + part->size + dk_tar_padding(part->size);
	}
	FUZZ_CHECK(at == b->end);
	if (b->signature_len > 0)
		at += sizeof(header) + b->signature_len + dk_tar_padding(b->signature_len);
	FUZZ_CHECK(at + DK_TAR_END_BYTES == len);
}

static void
file(const uint8_t *data, size_t len)
{
	static const struct dk_bundle_sink none;
	static struct dk_bundle b;

	FUZZ_CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, data, len, 0) == (ssize_t)len);
	FUZZ_CHECK(lseek(fd, 0, SEEK_SET) == 0);
	if (dk_bundle_open(fd, &b) == DK_OK && dk_bundle_read(&b, &none) == DK_OK)
		check_file(data, len, &b);
	dk_bundle_clear(&b);
}

/* Nobody can sign here: none holds. */
static void
signature(const uint8_t *data, size_t len)
{
	static struct dk_bundle b;
	struct dk_bundle_signature parsed;
	struct dk_log_event event;
	struct dk_note note;
	uint8_t id[32];
	uint64_t index;

	if (len == 0 || len > sizeof(b.signature))
		return;
	memcpy(b.signature, data, len);
	b.signature_len = len;
	if (dk_bundle_signature_parse(data, len, &parsed) == DK_OK)
		FUZZ_CHECK(parsed.receipt + parsed.receipt_len == data + len);
	FUZZ_CHECK(dk_bundle_signature_check(&b, id, &event, &index, &note) != DK_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const fuzz_way ways[] = { file, manifest, signature };

	if (fd < 0)
		fd = memfd_create("bundle", MFD_CLOEXEC);
	FUZZ_CHECK(fd >= 0);
	fuzz_one_of(ways, sizeof(ways) / sizeof(ways[0]), data, len);
	return 0;
}
