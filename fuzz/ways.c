/* SPDX-License-Identifier: Apache-2.0 */
#include "ways.h"

#include <string.h>

#include "fuzz.h"

/* Short and odd, so that no boundary of the format falls on one of a call. */
#define READ_BYTES 997u
#define RANGE_BYTES 1531u

struct stream {
	struct object_bytes object;
	size_t pos;
};

static ptrdiff_t
read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const struct object_bytes *o = ctx;

	FUZZ_CHECK(len > 0);
	if (offset >= o->len)
		return 0;
	if (len > o->len - offset)
		len = (size_t)(o->len - offset);
	memcpy(buf, o->data + offset, len);
	return (ptrdiff_t)len;
}

static ptrdiff_t
read_next(void *ctx, void *buf, size_t len)
{
	struct stream *s = ctx;
	ptrdiff_t n = read_at(&s->object, s->pos, buf, len < READ_BYTES ? len : READ_BYTES);

	s->pos += (size_t)n;
	return n;
}

static int
keep(void *ctx, const void *buf, size_t len)
{
	struct handed_out *out = ctx;

	if (len > 0)
		memcpy(out->data + out->len, buf, len);
	out->len += len;
	return 0;
}

struct dk_source
object_source(struct object_bytes *object)
{
	return (struct dk_source){ .ctx = object, .read_at = read_at, .size = object->len };
}

dk_err
way_stream(
    const struct dk_decrypt_params *params, struct object_bytes object, struct handed_out *out)
{
	struct stream s = { object, 0 };
	const struct dk_source in = { &s, read_next, NULL, DK_SIZE_UNKNOWN };
	const struct dk_sink sink = { out, keep };
	const struct dk_work work = { .jobs = 1 };

	return dk_decrypt(params, &in, &sink, &work, NULL);
}

dk_err
way_file(const struct dk_decrypt_params *params, struct object_bytes object, struct handed_out *out)
{
	const struct dk_source in = object_source(&object);
	const struct dk_sink sink = { out, keep };
	const struct dk_work work = { .jobs = 2 };

	return dk_decrypt(params, &in, &sink, &work, NULL);
}

dk_err
way_pieces(
    const struct dk_decrypt_params *params, struct object_bytes object, struct handed_out *out)
{
	struct stream s = { object, 0 };
	const struct dk_source in = { &s, read_next, NULL, DK_SIZE_UNKNOWN };
	struct dk_reader *reader = NULL;
	uint8_t buf[RANGE_BYTES];
	size_t n = 1;
	dk_err err;

	err = dk_reader_new(params, &in, &reader, NULL);
	while (err == DK_OK && n > 0) {
		err = dk_reader_read(reader, buf, sizeof(buf), &n, NULL);
		if (err == DK_OK)
			(void)keep(out, buf, n);
	}
	dk_reader_free(reader);
	return err;
}

dk_err
way_ranges(
    const struct dk_decrypt_params *params, struct object_bytes object, struct handed_out *out)
{
	const struct dk_source in = object_source(&object);
	struct dk_range *range = NULL;
	uint64_t at;
	size_t n;
	dk_err err;

	err = dk_range_new(params, &in, &range, NULL);
	if (err != DK_OK)
		return err;
	at = dk_range_size(range);
	FUZZ_CHECK(at <= object.len);
	out->len = (size_t)at;
	while (at > 0 && err == DK_OK) {
		size_t want = at < RANGE_BYTES ? (size_t)at : RANGE_BYTES;

		at -= want;
		err = dk_range_read(range, at, out->data + at, want, &n, NULL);
		FUZZ_CHECK(err != DK_OK || n == want);
	}
	dk_range_free(range);
	return err;
}
