/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/objects/crypt.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/files/fileio.h"
#include "format/open.h"

#define RANGE_PIECE_BYTES (1u << 20)
#define FILE_NAME_MAX_BYTES 255

/* The input's name, where the format can hold it. */
static const char *
storable(const char *name)
{
	size_t len = name ? strlen(name) : 0;

	if (len == 0 || len > FILE_NAME_MAX_BYTES || !dk_text_valid((const uint8_t *)name, len))
		return NULL;
	return name;
}

int
crypt_encrypt(void *ctx, struct work_file *file)
{
	const struct crypt_encrypt *encrypt = ctx;
	struct dk_encrypt_params params = encrypt->params;
	struct dk_work work = {
		.jobs = file->jobs, .progress = progress_part_at, .progress_ctx = file->progress
	};
	struct file_source in;
	struct file_sink out;

	if (encrypt->own_name)
		params.file_name = storable(file->name);
	file_source_init(&in, file->in, &file->st);
	file_sink_init(&out, file->out);
	file->failure.err = dk_encrypt(&params, &in.source, &out.sink, &work);
	file->written = out.written;
	if (file->failure.err != DK_OK) {
		file_explain(&file->failure, &in, &out);
		return -1;
	}
	return in.regular ? file_check_length(file->in, &file->st, &file->failure) : 0;
}

static dk_err
copy_range(const struct crypt_decrypt *decrypt, struct dk_range *range, void *buf,
    const struct file_sink *out, struct work_file *file)
{
	uint64_t at = decrypt->offset;
	uint64_t left = decrypt->length;
	size_t got;

	do {
		size_t want = left < RANGE_PIECE_BYTES ? (size_t)left : RANGE_PIECE_BYTES;
		dk_err err = dk_range_read(range, at, buf, want, &got, &file->failure.place);

		if (err != DK_OK)
			return err;
		if (got > 0 && out->sink.write(out->sink.ctx, buf, got) != 0)
			return DK_ERR_WRITE;
		progress_part_add(file->progress, got);
		at += got;
		left -= got;
	} while (got > 0 && left > 0);
	return DK_OK;
}

static dk_err
decrypt_range(const struct crypt_decrypt *decrypt, const struct file_source *in,
    const struct file_sink *out, struct work_file *file)
{
	struct dk_range *range = NULL;
	void *buf = malloc(RANGE_PIECE_BYTES);
	dk_err err;

	if (!buf)
		return DK_ERR_NOMEM;
	err = dk_range_new(&decrypt->params, &in->source, &range, &file->failure.place);
	if (err == DK_OK)
		err = copy_range(decrypt, range, buf, out, file);
	dk_range_free(range);
	free(buf);
	return err;
}

void
crypt_decrypt_ahead(
    void *ctx, const struct dk_source *in, struct dk_key_batch *shares, size_t index)
{
	const struct crypt_decrypt *decrypt = ctx;

	dk_open_ahead(&decrypt->params, in, shares, index);
}

int
crypt_decrypt(void *ctx, struct work_file *file)
{
	const struct crypt_decrypt *decrypt = ctx;
	struct dk_work work = {
		.jobs = file->jobs, .progress = progress_part_at, .progress_ctx = file->progress
	};
	struct file_source in;
	struct file_sink out;

	file_source_init(&in, file->in, &file->st);
	file_sink_init(&out, file->out);
	if (decrypt->range && !in.regular && file->st.st_size > 0)
		return failure_why(&file->failure, "a range needs a regular file");
	if (decrypt->range && !in.regular && !S_ISREG(file->st.st_mode))
		return failure_why(&file->failure, "a range needs a regular file");
	if (decrypt->range)
		file->failure.err = decrypt_range(decrypt, &in, &out, file);
	else
		file->failure.err = dk_decrypt(
		    &decrypt->params, &in.source, &out.sink, &work, &file->failure.place);
	file->written = out.written;
	if (file->failure.err == DK_OK)
		return 0;
	file_explain(&file->failure, &in, &out);
	return -1;
}
