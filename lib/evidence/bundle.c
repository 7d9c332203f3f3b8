/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/bundle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "evidence/tar.h"

#define PIECE_BYTES 262144u

void
dk_bundle_clear(struct dk_bundle *b)
{
	dk_manifest_clear(&b->manifest);
}

/* len bytes, or the file is too short. */
static dk_err
take(int fd, void *to, size_t len)
{
	uint8_t *at = to;

	while (len > 0) {
		ssize_t n = read(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return DK_ERR_READ;
		if (n == 0)
			return DK_ERR_EVIDENCE_FILE;
		at += n;
		len -= (size_t)n;
	}
	return DK_OK;
}

static dk_err
take_zeros(int fd, size_t len)
{
	uint8_t bytes[DK_TAR_END_BYTES], any = 0;
	dk_err err = take(fd, bytes, len);

	for (size_t i = 0; err == DK_OK && i < len; i++)
		any |= bytes[i];
	return err == DK_OK && any ? DK_ERR_EVIDENCE_FILE : err;
}

static void
set_place(struct dk_bundle *b, const char *name)
{
	(void)snprintf(b->place, sizeof(b->place), "%s", name);
}

/* ---- manifest ---- */

static dk_err
parse_manifest(struct dk_bundle *b, char *text, size_t len)
{
	const struct dk_part part = { text, len };
	unsigned line;
	dk_err err = take(b->fd, text, len);

	if (err == DK_OK)
		err = take_zeros(b->fd, dk_tar_padding(len));
	if (err == DK_OK)
		err = dk_sha256(&part, 1, b->digest);
	if (err != DK_OK)
		return err;
	err = dk_manifest_parse(text, len, &b->manifest, &line);
	if (err == DK_ERR_EVIDENCE_FILE)
		(void)snprintf(b->place, sizeof(b->place), "manifest line %u", line);
	return err;
}

dk_err
dk_bundle_open(int fd, struct dk_bundle *b)
{
	uint8_t header[DK_TAR_BLOCK_BYTES];
	uint64_t size;
	char *text;
	dk_err err;

	*b = (struct dk_bundle){ .fd = fd };
	set_place(b, "manifest");
	err = take(fd, header, sizeof(header));
	if (err != DK_OK)
		return err;
	if (!dk_tar_header_is(header, "manifest", DK_MANIFEST_MAX_BYTES, &size))
		return DK_ERR_EVIDENCE_FILE;
	text = malloc((size_t)size + 1);
	if (!text)
		return DK_ERR_NOMEM;
	err = parse_manifest(b, text, (size_t)size);
	free(text);
	if (err != DK_OK)
		return err;
	b->end = sizeof(header) + size + dk_tar_padding(size);
	b->place[0] = '\0';
	return DK_OK;
}

/* ---- parts ---- */

static dk_err
read_content(const struct dk_bundle *b, const struct dk_evidence_part *part,
    const struct dk_bundle_sink *sink, uint8_t *piece, struct dk_sha256_run *run)
{
	uint64_t left = part->size;
	dk_err err = DK_OK;

	while (left > 0 && err == DK_OK) {
		size_t n = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;

		err = take(b->fd, piece, n);
		if (err == DK_OK)
			err = dk_sha256_add(run, piece, n);
		if (err == DK_OK && sink->data)
			err = sink->data(sink->ctx, piece, n);
		left -= n;
	}
	return err;
}

static dk_err
read_part(struct dk_bundle *b, const struct dk_evidence_part *part,
    const struct dk_bundle_sink *sink, uint8_t *piece)
{
	uint8_t header[DK_TAR_BLOCK_BYTES], digest[DK_SHA256_BYTES];
	struct dk_sha256_run run;
	uint64_t size;
	dk_err err = take(b->fd, header, sizeof(header));

	if (err == DK_OK &&
	    (!dk_tar_header_is(header, part->name, DK_EVIDENCE_PART_MAX_BYTES, &size) ||
		size != part->size))
		err = DK_ERR_EVIDENCE_FILE;
	if (err == DK_OK && sink->begin)
		err = sink->begin(sink->ctx, part);
	if (err != DK_OK)
		return err;
	dk_sha256_begin(&run);
	err = read_content(b, part, sink, piece, &run);
	if (err == DK_OK)
		err = dk_sha256_end(&run, digest);
	dk_sha256_drop(&run);
	if (err == DK_OK &&
	    (memcmp(digest, part->digest, sizeof(digest)) != 0 ||
		!dk_evidence_name_is_of(part->name, digest)))
		err = DK_ERR_EVIDENCE_CHANGED;
	if (err == DK_OK)
		err = take_zeros(b->fd, dk_tar_padding(part->size));
	if (err == DK_OK && sink->end)
		err = sink->end(sink->ctx, part);
	b->end += sizeof(header) + part->size + dk_tar_padding(part->size);
	return err;
}

/* ---- the end ---- */

static dk_err
read_end(struct dk_bundle *b)
{
	uint8_t block[DK_TAR_BLOCK_BYTES], more;
	uint64_t size;
	ssize_t n;
	dk_err err = take(b->fd, block, sizeof(block));

	if (err != DK_OK)
		return err;
	if (block[0] != '\0') {
		if (!dk_tar_header_is(block, "signature", DK_SIGNATURE_PART_MAX_BYTES, &size) ||
		    size == 0)
			return DK_ERR_EVIDENCE_FILE;
		b->signature_len = (size_t)size;
		err = take(b->fd, b->signature, b->signature_len);
		if (err == DK_OK)
			err = take_zeros(b->fd, dk_tar_padding(size));
		if (err == DK_OK)
			err = take(b->fd, block, sizeof(block));
	}
	for (size_t i = 0; err == DK_OK && i < sizeof(block); i++)
		err = block[i] != '\0' ? DK_ERR_EVIDENCE_FILE : DK_OK;
	if (err == DK_OK)
		err = take_zeros(b->fd, DK_TAR_END_BYTES - DK_TAR_BLOCK_BYTES);
	if (err != DK_OK)
		return err;
	do
		n = read(b->fd, &more, 1);
	while (n < 0 && errno == EINTR);
	return n < 0 ? DK_ERR_READ : n > 0 ? DK_ERR_EVIDENCE_FILE : DK_OK;
}

dk_err
dk_bundle_read(struct dk_bundle *b, const struct dk_bundle_sink *sink)
{
	uint8_t *piece = malloc(PIECE_BYTES);
	dk_err err = piece ? DK_OK : DK_ERR_NOMEM;

	for (size_t i = 0; err == DK_OK && i < b->manifest.count; i++) {
		set_place(b, b->manifest.part[i].name);
		err = read_part(b, &b->manifest.part[i], sink, piece);
	}
	free(piece);
	if (err != DK_OK)
		return err;
	set_place(b, "end");
	err = read_end(b);
	if (err == DK_OK)
		b->place[0] = '\0';
	return err;
}
