/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole object, body included. The first byte of the input says what is
 * repaired before it is read: 1 the header, 3 the body too; without bit 0 the
 * object is read as it is, with the published test keys (FUZZ_KEYS).
 */
#include <string.h>

#include "fuzz.h"
#include "keyring.h"
#include "repair.h"
#include "ways.h"

#define KEYS 3

static const way_fn ways[] = { way_stream, way_file, way_pieces, way_ranges };

/* Every way finds the same: body is what there is to find, NULL if that is not known. */
static void
read_all_ways(const struct dk_decrypt_params *params, struct object_bytes object,
    const struct fuzz_body *body, bool opens)
{
	struct handed_out first = { malloc(object.len), 0 };

	FUZZ_CHECK(first.data != NULL);
	FUZZ_CHECK((way_stream(params, object, &first) == DK_OK) == opens);
	FUZZ_CHECK(!body || first.len <= body->len);
	FUZZ_CHECK(!body || first.len == 0 || memcmp(first.data, body->plaintext, first.len) == 0);
	for (size_t i = 1; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct handed_out out = { malloc(object.len), 0 };
		dk_err err;

		FUZZ_CHECK(out.data != NULL);
		err = ways[i](params, object, &out);
		/* A range does not look at the segments outside of it, but these are all. */
		FUZZ_CHECK((err == DK_OK) == opens);
		FUZZ_CHECK(err != DK_OK ||
		    (out.len == first.len && memcmp(out.data, first.data, out.len) == 0));
		free(out.data);
	}
	free(first.data);
}

static void
inspect(struct object_bytes object, const struct dk_header *h)
{
	const struct dk_source in = object_source(&object);
	struct dk_object_info *info = NULL;

	if (dk_inspect(&in, &info, NULL) != DK_OK)
		return;
	FUZZ_CHECK(h != NULL);
	FUZZ_CHECK(info->body_offset == h->block_len && info->created == h->created);
	FUZZ_CHECK(info->customer.stanza_count == h->set[0].stanza_count);
	FUZZ_CHECK(info->provider.former_count == h->set[1].former_count);
	FUZZ_CHECK(strlen(info->label) == h->label_len);
	FUZZ_CHECK(info->plaintext_size <= object.len);
	dk_object_info_free(info);
}

/* A new key for the customer, and the object still opens, with that key only. */
static void
rewrap(struct object_bytes object, struct fuzz_keys *keys, const struct fuzz_body *body)
{
	struct dk_key *old = &keys->side[0], *to = &keys->next, *provider = &keys->side[1];
	const struct dk_rewrap_params params = {
		.side = DK_SIDE_CUSTOMER, .open = &old, .open_count = 1, .to = &to, .to_count = 1
	};
	const struct dk_decrypt_params read = {
		.customer = &to, .customer_count = 1, .provider = &provider, .provider_count = 1
	};
	const struct dk_source in = object_source(&object);
	size_t len, old_len, body_len;
	uint8_t *block, *whole;

	if (dk_rewrap(&params, &in, &block, &len, &old_len, NULL) != DK_OK)
		return;
	FUZZ_CHECK(old_len <= object.len && len % DK_HEADER_UNIT_BYTES == 0);
	body_len = object.len - old_len;
	whole = malloc(len + body_len);
	FUZZ_CHECK(whole != NULL);
	memcpy(whole, block, len);
	memcpy(whole + len, object.data + old_len, body_len);
	read_all_ways(&read, (struct object_bytes){ whole, len + body_len }, body, true);
	free(whole);
	free(block);
}

static void
repaired(struct object_bytes object, const struct dk_header *h, const struct fuzz_body *body)
{
	struct fuzz_keys keys;
	struct dk_key *side[2] = { &keys.side[0], &keys.side[1] };
	const struct dk_decrypt_params params = {
		.customer = &side[0], .customer_count = 1, .provider = &side[1], .provider_count = 1
	};
	struct dk_object_metadata metadata;
	const struct dk_source in = object_source(&object);
	bool opens;

	fuzz_keys_fit(object.data, h, &keys);
	/* Everything in the header is right now, but for what the metadata say. */
	opens = dk_metadata_read(&params, &in, &metadata, NULL) == DK_OK && body->complete;
	read_all_ways(&params, object, body, opens);
	if (opens)
		rewrap(object, &keys, body);
}

static void
as_it_is(struct object_bytes object)
{
	static const char *const types[KEYS] = { "p256", "p384", "rsa3072" };
	static struct dk_key *keys[2][KEYS];
	const struct dk_decrypt_params params = { .customer = keys[0],
		.customer_count = KEYS,
		.provider = keys[1],
		.provider_count = KEYS };
	struct handed_out out = { malloc(object.len), 0 };
	dk_err err;

	for (unsigned i = 0; i < 2 * KEYS; i++) {
		dk_side side = i < KEYS ? DK_SIDE_CUSTOMER : DK_SIDE_PROVIDER;
		char name[32];

		(void)snprintf(name, sizeof(name), "%s-%s", dk_side_name(side), types[i % KEYS]);
		if (!keys[i / KEYS][i % KEYS])
			keys[i / KEYS][i % KEYS] = keyring_open(FUZZ_KEYS, name, side);
	}
	FUZZ_CHECK(out.data != NULL);
	err = way_stream(&params, object, &out);
	free(out.data);
	read_all_ways(&params, object, NULL, err == DK_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct dk_header h;
	struct dk_header_error where;
	struct fuzz_body body = { 0 };
	uint8_t *copy;
	bool parsed;

	if (len < 2)
		return 0;
	copy = fuzz_exact(data + 1, len - 1);
	parsed = dk_header_parse(copy, len - 1, &h, &where) == DK_OK;
	if (!(data[0] & 1)) {
		as_it_is((struct object_bytes){ copy, len - 1 });
	} else if (parsed) {
		fuzz_repair_header(copy, &h);
		if (data[0] & 2)
			fuzz_repair_body(copy, len - 1, &h, &body);
		repaired((struct object_bytes){ copy, len - 1 }, &h, &body);
	}
	inspect((struct object_bytes){ copy, len - 1 }, parsed ? &h : NULL);
	free(body.plaintext);
	free(copy);
	return 0;
}
