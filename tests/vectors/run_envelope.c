/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the envelope vectors through every way in which the library reads an
 * object, and compares error, place and everything that was handed out.
 *
 * usage: run_envelope KEYS FOLDER|VECTOR
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "doublekey/doublekey.h"
#include "folder.h"
#include "keyring.h"
#include "unit/memory.h"
#include "vector.h"

typedef dk_err (*way_fn)(const struct vector *v, const struct dk_decrypt_params *params,
    struct memory *out, struct dk_place *place);

static dk_err
decrypt_stream(const struct vector *v, const struct dk_decrypt_params *params, struct memory *out,
    struct dk_place *place)
{
	struct memory m = { .data = v->object, .len = v->object_len };
	const struct dk_source in = memory_stream(&m);
	const struct dk_sink sink = { out, memory_write };
	const struct dk_work work = { .jobs = 3 };

	return dk_decrypt(params, &in, &sink, &work, place);
}

static dk_err
decrypt_file(const struct vector *v, const struct dk_decrypt_params *params, struct memory *out,
    struct dk_place *place)
{
	struct memory m = { .data = v->object, .len = v->object_len };
	const struct dk_source in = memory_source(&m);
	const struct dk_sink sink = { out, memory_write };

	return dk_decrypt(params, &in, &sink, NULL, place);
}

static dk_err
read_pieces(const struct vector *v, const struct dk_decrypt_params *params, struct memory *out,
    struct dk_place *place)
{
	struct memory m = { .data = v->object, .len = v->object_len };
	const struct dk_source in = memory_stream(&m);
	struct dk_reader *reader = NULL;
	uint8_t buf[777];
	size_t n = 1;
	dk_err err;

	err = dk_reader_new(params, &in, &reader, place);
	while (err == DK_OK && n > 0) {
		err = dk_reader_read(reader, buf, sizeof(buf), &n, place);
		if (err == DK_OK)
			(void)memory_write(out, buf, n);
	}
	dk_reader_free(reader);
	return err;
}

static dk_err
read_range(const struct vector *v, const struct dk_decrypt_params *params, struct memory *out,
    struct dk_place *place)
{
	struct memory m = { .data = v->object, .len = v->object_len };
	const struct dk_source in = memory_source(&m);
	unsigned long long at = v->range_offset, left = v->range_len;
	struct dk_range *range = NULL;
	uint8_t buf[4064];
	size_t n = 1;
	dk_err err;

	err = dk_range_new(params, &in, &range, place);
	do {
		/* Whole segments, so that each is handed out once it is verified. */
		size_t want = sizeof(buf) - (size_t)(at % sizeof(buf));

		if (want > left)
			want = (size_t)left;
		if (err == DK_OK)
			err = dk_range_read(range, at, buf, want, &n, place);
		if (err != DK_OK)
			break;
		(void)memory_write(out, buf, n);
		at += n;
		left -= n;
	} while (left > 0 && n > 0);
	dk_range_free(range);
	return err;
}

static bool
complain(const char *path, const char *way, const char *what, const char *got, const char *want)
{
	printf("FAIL %s (%s): %s is \"%s\", expected \"%s\"\n", path, way, what, got, want);
	return false;
}

static bool
compare(const char *path, const char *way, const struct vector *v, dk_err err,
    const struct dk_place *place, const struct memory *out)
{
	const struct dk_part part = { out->data, out->len };
	uint8_t digest[DK_SHA256_BYTES];
	char hex[65];

	if (v->success && err != DK_OK)
		return complain(path, way, "error", dk_err_name(err), "none");
	if (!v->success && strcmp(v->error, dk_err_name(err)) != 0)
		return complain(path, way, "error", dk_err_name(err), v->error);
	if (!v->success && strcmp(v->category, dk_category_name(dk_err_category(err))) != 0)
		return complain(
		    path, way, "category", dk_category_name(dk_err_category(err)), v->category);
	if (!v->success && strcmp(v->where, place->text) != 0)
		return complain(path, way, "place", place->text, v->where);
	if (dk_sha256(&part, 1, digest) != DK_OK)
		abort();
	dk_hex(digest, sizeof(digest), hex);
	if (strcmp(hex, v->released) != 0)
		return complain(path, way, "released", hex, v->released);
	return true;
}

static size_t
open_side(const char *keys, char names[][40], size_t n, dk_side side, struct dk_key **ret)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = keyring_open(keys, names[i], side);
	return n;
}

/* What a success file says about the object's texts. */
static bool
check_texts(const char *path, const struct vector *v, const struct dk_decrypt_params *params)
{
	struct memory m = { .data = v->object, .len = v->object_len };
	const struct dk_source in = memory_source(&m);
	struct dk_object_metadata metadata = { { 0 }, { 0 } };
	struct dk_object_info *info = NULL;
	struct dk_place place;
	bool ok = true;

	if (dk_inspect(&in, &info, &place) != DK_OK ||
	    dk_metadata_read(params, &in, &metadata, &place) != DK_OK)
		return complain(path, "texts", "result", "error", "none");
	if (v->label[0] && strcmp(v->label, info->label) != 0)
		ok = complain(path, "texts", "label", info->label, v->label);
	if (v->tenant[0] && strcmp(v->tenant, info->tenant) != 0)
		ok = complain(path, "texts", "tenant", info->tenant, v->tenant);
	if (v->file_name[0] && strcmp(v->file_name, metadata.file_name) != 0)
		ok = complain(path, "texts", "file name", metadata.file_name, v->file_name);
	if (v->media_type[0] && strcmp(v->media_type, metadata.media_type) != 0)
		ok = complain(path, "texts", "media type", metadata.media_type, v->media_type);
	dk_object_info_free(info);
	return ok;
}

static bool
run_ways(const char *path, const struct vector *v, const struct dk_decrypt_params *params)
{
	static const struct {
		const char *name;
		way_fn run;
		bool range;
	} ways[] = {
		{ "stream", decrypt_stream, false },
		{ "file", decrypt_file, false },
		{ "pieces", read_pieces, false },
		{ "range", read_range, true },
	};
	bool ok = true;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct dk_place place = { 0 };
		struct memory out = { 0 };
		dk_err err;

		if (ways[i].range != v->has_range)
			continue;
		err = ways[i].run(v, params, &out, &place);
		ok = compare(path, ways[i].name, v, err, &place, &out) && ok;
		free(out.data);
	}
	return (!v->success || check_texts(path, v, params)) && ok;
}

static bool
run(void *ctx, const char *path)
{
	const char *keys = ctx;
	struct dk_key *customer[VECTOR_KEYS_MAX], *provider[VECTOR_KEYS_MAX], *creator = NULL;
	struct dk_decrypt_params params = { .customer = customer, .provider = provider };
	struct vector v;
	bool ok;

	if (!vector_read(path, &v))
		return false;
	if (v.unknown[0]) {
		printf("SKIP %s: unknown header \"%s\"\n", path, v.unknown);
		vector_clear(&v);
		return true;
	}
	params.customer_count =
	    open_side(keys, v.customer, v.customers, DK_SIDE_CUSTOMER, customer);
	params.provider_count =
	    open_side(keys, v.provider, v.providers, DK_SIDE_PROVIDER, provider);
	params.min_epoch_customer = v.min_epoch_customer;
	params.min_epoch_provider = v.min_epoch_provider;
	if (v.creator[0])
		creator = keyring_open(keys, v.creator, DK_SIDE_CREATOR);
	params.require_creator = creator;
	ok = run_ways(path, &v, &params);
	for (size_t i = 0; i < params.customer_count; i++)
		dk_key_free(customer[i]);
	for (size_t i = 0; i < params.provider_count; i++)
		dk_key_free(provider[i]);
	dk_key_free(creator);
	vector_clear(&v);
	return ok;
}

int
main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	return folder_run(argv[2], run, argv[1]);
}
