/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "outcome.h"

static const char *const types[] = { "p256", "p384", "rsa3072" };

static dk_err
write_key(struct world *world, int i)
{
	const struct dk_key_spec spec = {
		.side = i < PROVIDER ? DK_SIDE_CUSTOMER
				     : (i < CREATOR ? DK_SIDE_PROVIDER : DK_SIDE_CREATOR),
		.type = types[i % 3],
	};
	struct text *text = &world->private[i];
	struct dk_key *key;
	dk_err err;

	err = dk_key_generate(&spec, &key);
	if (err != DK_OK)
		return err;
	err = dk_key_write_private(key, NULL, text->bytes, sizeof(text->bytes), &text->len);
	text = &world->public[i];
	if (err == DK_OK)
		err = dk_key_write_public(key, text->bytes, sizeof(text->bytes), &text->len);
	dk_key_free(key);
	return err;
}

static dk_err
write_sealed(struct world *world)
{
	/* What the format asks for at least, since this runs often. */
	const struct dk_key_seal seal = { .passphrase = (const uint8_t *)"horse",
		.passphrase_len = 5,
		.passes = 3,
		.memory_kib = 65536,
		.lanes = 1 };
	struct text *text = &world->sealed;

	return dk_key_write_private(
	    world->key[CUSTOMER + T_P256], &seal, text->bytes, sizeof(text->bytes), &text->len);
}

static dk_err
write_shares(struct world *world)
{
	const struct dk_split_params params = { .shares = SHARES, .threshold = SHARES - 1 };
	struct dk_split *split;
	dk_err err;

	err = dk_key_split(world->key[CUSTOMER + T_P256], &params, &split);
	for (unsigned i = 0; i < SHARES && err == DK_OK; i++)
		err = dk_split_write(
		    split, i + 1, world->share[i], sizeof(world->share[i]), &world->share_len[i]);
	if (err == DK_OK)
		dk_split_free(split);
	return err;
}

static dk_err
write_object(const struct world *world, size_t plain_len, uint8_t **ret, size_t *ret_len)
{
	const struct dk_encrypt_params params = writers(world);
	uint8_t *made;
	dk_err err;

	err = dk_encrypt_memory(&params, world->plain, plain_len, &made, ret_len);
	if (err != DK_OK)
		return err;
	memcpy(*ret, made, *ret_len);
	free(made);
	return DK_OK;
}

static void *
shared(size_t len)
{
	void *data = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (data == MAP_FAILED)
		abort();
	return data;
}

struct world *
world_new(void)
{
	struct world *world = shared(sizeof(*world));

	world->plain = shared(LARGE_BYTES);
	world->object = shared(SINK_BYTES);
	world->large = shared(SINK_BYTES);
	for (size_t i = 0; i < LARGE_BYTES; i++)
		world->plain[i] = (uint8_t)(i * i >> 7);
	return world;
}

static bool
said(const char *what, dk_err err)
{
	if (err != DK_OK)
		(void)fprintf(stderr, "%s: %s\n", what, dk_err_name(err));
	return err == DK_OK;
}

bool
world_make(struct world *world)
{
	for (int i = 0; i < KEYS; i++) {
		if (!said("keys", write_key(world, i)))
			return false;
	}
	return world_open(world) && said("sealed key", write_sealed(world)) &&
	    said("shares", write_shares(world)) &&
	    said("object", write_object(world, PLAIN_BYTES, &world->object, &world->object_len)) &&
	    said(
		"large object", write_object(world, LARGE_BYTES, &world->large, &world->large_len));
}

bool
world_open(struct world *world)
{
	dk_err err = DK_OK;

	for (int i = 0; i < KEYS && err == DK_OK; i++) {
		err = dk_key_read(world->private[i].bytes, world->private[i].len, "", DK_SIDE_ANY,
		    NULL, &world->key[i]);
		if (err == DK_OK)
			err = dk_key_read(world->public[i].bytes, world->public[i].len, "",
			    DK_SIDE_ANY, NULL, &world->pub[i]);
	}
	return said("opening keys", err);
}
