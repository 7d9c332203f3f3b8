/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a bundle, spec/evidence.md section 1. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "evidence/tar.h"
#include "cli/evidence/parts.h"
#include "cli/console/message.h"

#define PIECE_BYTES 262144

static const uint8_t zeros[DK_TAR_END_BYTES];

static bool
fail(const char *name, dk_err err)
{
	message_err(name, err, NULL);
	return false;
}

static int
by_name(const void *a, const void *b)
{
	const struct evidence_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static bool
write_content(const struct evidence_file *file, int fd, struct output *output, uint8_t *piece)
{
	uint8_t digest[DK_SHA256_BYTES];
	struct dk_sha256_run run;
	uint64_t size = 0;
	dk_err err = DK_OK;
	bool ok = true;

	dk_sha256_begin(&run);
	while (ok) {
		ssize_t n = read(fd, piece, PIECE_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			err = DK_ERR_READ;
		if (n <= 0)
			break;
		size += (uint64_t)n;
		if (size > file->size)
			break; /* its header is out already */
		err = dk_sha256_add(&run, piece, (size_t)n);
		ok = err == DK_OK && output_write(output, piece, (size_t)n);
	}
	if (ok && err == DK_OK)
		err = dk_sha256_end(&run, digest);
	dk_sha256_drop(&run);
	if (ok && err == DK_OK &&
	    (size != file->size || memcmp(digest, file->digest, sizeof(digest)) != 0))
		err = DK_ERR_CHANGED;
	return err == DK_OK ? ok : fail(file->path, err);
}

static bool
write_member(const struct evidence_file *file, struct output *output, uint8_t *piece)
{
	uint8_t header[DK_TAR_BLOCK_BYTES];
	int fd = open(file->path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return fail(file->path, DK_ERR_READ);
	dk_tar_header(file->name, file->size, header);
	ok = output_write(output, header, sizeof(header)) &&
	    write_content(file, fd, output, piece) &&
	    output_write(output, zeros, dk_tar_padding(file->size));
	(void)close(fd);
	return ok;
}

static bool
write_manifest(struct dk_manifest *m, struct output *output)
{
	size_t cap = DK_MANIFEST_HEAD_BYTES + m->count * (size_t)DK_MANIFEST_PART_BYTES;
	uint8_t header[DK_TAR_BLOCK_BYTES], *text = malloc(cap);
	struct dk_writer_buf wr;
	bool ok;

	if (!text)
		return fail(NULL, DK_ERR_NOMEM);
	dk_wr_init(&wr, text, cap);
	dk_manifest_write(&wr, m);
	if (wr.failed || wr.len > DK_MANIFEST_MAX_BYTES) {
		free(text);
		return fail("manifest", DK_ERR_EVIDENCE_FILE);
	}
	dk_tar_header("manifest", wr.len, header);
	ok = output_write(output, header, sizeof(header)) && output_write(output, text, wr.len) &&
	    output_write(output, zeros, dk_tar_padding(wr.len));
	free(text);
	return ok;
}

/* The manifest's parts point to the names of the files. */
static bool
name_parts(struct evidence_parts *parts, struct dk_manifest *m)
{
	qsort(parts->file, parts->count, sizeof(parts->file[0]), by_name);
	m->part = calloc(parts->count + 1, sizeof(m->part[0]));
	if (!m->part)
		return fail(NULL, DK_ERR_NOMEM);
	for (size_t i = 0; i < parts->count; i++) {
		const struct evidence_file *file = &parts->file[i];
		struct dk_evidence_part *part = &m->part[m->count];

		if (m->count > 0 && strcmp(part[-1].name, file->name) == 0)
			continue; /* two files with one digest are one */
		*part = (struct dk_evidence_part){ .name = file->name, .size = file->size };
		memcpy(part->digest, file->digest, sizeof(part->digest));
		m->count++;
	}
	return true;
}

static bool
write_all(const struct evidence_parts *parts, struct dk_manifest *m, struct output *output)
{
	uint8_t *piece = malloc(PIECE_BYTES);
	bool ok = piece || fail(NULL, DK_ERR_NOMEM);

	ok = ok && write_manifest(m, output);
	for (size_t i = 0; ok && i < parts->count; i++)
		if (i == 0 || strcmp(parts->file[i - 1].name, parts->file[i].name) != 0)
			ok = write_member(&parts->file[i], output, piece);
	free(piece);
	return ok && output_write(output, zeros, sizeof(zeros));
}

bool
evidence_parts_write(
    struct evidence_parts *parts, struct dk_manifest *manifest, struct output *output)
{
	bool ok = name_parts(parts, manifest) && write_all(parts, manifest, output);

	free(manifest->part);
	manifest->part = NULL;
	manifest->count = 0;
	return ok;
}
