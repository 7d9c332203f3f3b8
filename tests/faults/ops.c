/* SPDX-License-Identifier: Apache-2.0 */
#include "ops.h"

#include <string.h>

#include "outcome.h"

static dk_err
horse(void *ctx, const char *name, uint8_t *buf, size_t cap, size_t *ret_len)
{
	(void)ctx;
	(void)name;
	if (cap < 5)
		return DK_ERR_ARGUMENT;
	memcpy(buf, "horse", 5);
	*ret_len = 5;
	return DK_OK;
}

static void
read_private(const struct world *world, int arg, struct outcome *out)
{
	const struct text *text = &world->private[arg];

	out->err = dk_key_read(text->bytes, text->len, "", DK_SIDE_ANY, NULL, &out->key);
}

static void
read_public(const struct world *world, int arg, struct outcome *out)
{
	const struct text *text = &world->public[arg];

	out->err = dk_key_read(text->bytes, text->len, "", DK_SIDE_ANY, NULL, &out->key);
}

static void
read_sealed(const struct world *world, int arg, struct outcome *out)
{
	const struct dk_key_options options = { .passphrase = horse };
	const struct text *text = &world->sealed;

	(void)arg;
	out->err = dk_key_read(text->bytes, text->len, "", DK_SIDE_ANY, &options, &out->key);
}

static void
generate(const struct world *world, int arg, struct outcome *out)
{
	static const char *const types[] = { "p256", "p384", "rsa3072" };
	const struct dk_key_spec spec = { .side = DK_SIDE_CUSTOMER, .type = types[arg] };

	(void)world;
	out->err = dk_key_generate(&spec, &out->key);
}

static void
write_private(const struct world *world, int arg, struct outcome *out)
{
	out->err = dk_key_write_private(world->key[arg], NULL, sink, SINK_BYTES, &out->len);
}

static void
write_sealed(const struct world *world, int arg, struct outcome *out)
{
	const struct dk_key_seal seal = { (const uint8_t *)"horse", 5, 3, 65536, 1 };

	out->err = dk_key_write_private(world->key[arg], &seal, sink, SINK_BYTES, &out->len);
}

static void
write_public(const struct world *world, int arg, struct outcome *out)
{
	out->err = dk_key_write_public(world->key[arg], sink, SINK_BYTES, &out->len);
}

static void
encrypt_memory(const struct world *world, int arg, struct outcome *out)
{
	const struct dk_encrypt_params params = writers(world);

	(void)arg;
	out->err = dk_encrypt_memory(&params, world->plain, PLAIN_BYTES, &out->data, &out->len);
}

/* arg: of the large text, with threads. */
static void
encrypt(const struct world *world, int arg, struct outcome *out)
{
	const struct dk_encrypt_params params = writers(world);
	const size_t len = arg ? LARGE_BYTES : PLAIN_BYTES;
	const struct dk_source in = source_of(world->plain, &len);
	const struct dk_sink to = sink_of(&out->len);
	const struct dk_work work = { .jobs = arg ? 3 : 1 };

	out->err = dk_encrypt(&params, &in, &to, &work);
}

static void
decrypt_memory(const struct world *world, int arg, struct outcome *out)
{
	const struct dk_decrypt_params params = readers(world, arg);

	out->err = dk_decrypt_memory(
	    &params, world->object, world->object_len, &out->data, &out->len, NULL);
}

static void
decrypt(const struct world *world, int arg, struct outcome *out)
{
	const struct dk_decrypt_params params = readers(world, T_P256);
	const struct dk_source in = arg ? source_of(world->large, &world->large_len)
					: source_of(world->object, &world->object_len);
	const struct dk_sink to = sink_of(&out->len);
	const struct dk_work work = { .jobs = arg ? 3 : 1 };
	struct dk_place place;

	out->err = dk_decrypt(&params, &in, &to, &work, &place);
}

static void
write_pieces(const struct world *world, int arg, struct outcome *out)
{
	const struct dk_encrypt_params params = writers(world);
	const struct dk_sink to = sink_of(&out->len);
	struct dk_writer *writer = NULL;

	(void)arg;
	out->err = dk_writer_new(&params, &to, &writer);
	for (size_t at = 0; at < PLAIN_BYTES && out->err == DK_OK; at += 1000)
		out->err = dk_writer_write(writer, world->plain + at, 1000);
	if (out->err == DK_OK)
		out->err = dk_writer_finish(writer);
	dk_writer_free(writer);
}

static void
read_pieces(const struct world *world, int arg, struct outcome *out)
{
	const struct dk_decrypt_params params = readers(world, arg);
	const struct dk_source in = source_of(world->object, &world->object_len);
	struct dk_reader *reader = NULL;
	struct dk_place place;
	size_t n = 1;

	out->len = 0;
	out->err = dk_reader_new(&params, &in, &reader, &place);
	while (out->err == DK_OK && n > 0) {
		out->err = dk_reader_read(reader, sink + out->len, 1000, &n, &place);
		out->len += out->err == DK_OK ? n : 0;
	}
	dk_reader_free(reader);
}

static void
read_range(const struct world *world, int arg, struct outcome *out)
{
	const struct dk_decrypt_params params = readers(world, T_P384);
	const struct dk_source in = source_of(world->object, &world->object_len);
	struct dk_range *range = NULL;

	out->err = dk_range_new(&params, &in, &range, NULL);
	if (out->err == DK_OK)
		out->err = dk_range_read(range, (uint64_t)arg, sink, PLAIN_BYTES, &out->len, NULL);
	dk_range_free(range);
}

static void
read_names(const struct world *world, int arg, struct outcome *out)
{
	const struct dk_decrypt_params params = readers(world, arg);
	const struct dk_source in = source_of(world->object, &world->object_len);

	sink[0] = '\0';
	out->err = dk_metadata_read(&params, &in, (void *)sink, NULL);
}

static void
inspect(const struct world *world, int arg, struct outcome *out)
{
	const struct dk_source in = source_of(world->object, &world->object_len);

	(void)arg;
	out->err = dk_inspect(&in, &out->info, NULL);
}

/* From the key of type arg to all three of that side. */
static void
rewrap(const struct world *world, int arg, struct outcome *out)
{
	const bool provider = arg >= PROVIDER;
	const struct dk_rewrap_params params = {
		.side = provider ? DK_SIDE_PROVIDER : DK_SIDE_CUSTOMER,
		.open = &world->key[arg],
		.open_count = 1,
		.to = &world->pub[provider ? PROVIDER : CUSTOMER],
		.to_count = 3,
	};
	const struct dk_source in = source_of(world->object, &world->object_len);

	out->err = dk_rewrap(&params, &in, &out->data, &out->len, &out->at, NULL);
}

static void
split(const struct world *world, int arg, struct outcome *out)
{
	const struct dk_split_params params = { .shares = SHARES, .threshold = SHARES - 1 };
	struct dk_split *made = NULL;

	out->len = 0;
	out->err = dk_key_split(world->key[arg], &params, &made);
	if (out->err == DK_OK)
		out->err = dk_split_write(made, 1, (char *)sink, SINK_BYTES, &out->len);
	dk_split_free(made);
}

static void
join(const struct world *world, int arg, struct outcome *out)
{
	struct dk_join *made = NULL;
	struct dk_place place;

	(void)arg;
	out->err = dk_join_new(&made);
	for (unsigned i = 1; i < SHARES && out->err == DK_OK; i++)
		out->err = dk_join_add(
		    made, (const uint8_t *)world->share[i], world->share_len[i], &place);
	if (out->err == DK_OK)
		out->err = dk_join_finish(made, &out->key);
	dk_join_free(made);
}

/* Everything from the key files on, as a program does that has just started. */
static void
start_encrypt(const struct world *world, int arg, struct outcome *out)
{
	struct world own = *world;

	out->len = 0;
	out->err = DK_OK;
	memset(own.key, 0, sizeof(own.key));
	memset(own.pub, 0, sizeof(own.pub));
	for (int i = 0; i < KEYS && out->err == DK_OK; i++) {
		struct dk_key **key = i == CREATOR ? &own.key[i] : &own.pub[i];
		const struct text *text = i == CREATOR ? &own.private[i] : &own.public[i];

		out->err = dk_key_read(text->bytes, text->len, "", DK_SIDE_ANY, NULL, key);
	}
	if (out->err == DK_OK)
		encrypt(&own, arg, out);
	for (int i = 0; i < KEYS; i++)
		dk_key_free(i == CREATOR ? own.key[i] : own.pub[i]);
}

static void
start_decrypt(const struct world *world, int arg, struct outcome *out)
{
	const int need[] = { CUSTOMER + arg, PROVIDER + arg, CREATOR };
	struct world own = *world;

	out->err = DK_OK;
	memset(own.key, 0, sizeof(own.key));
	for (size_t i = 0; i < 3 && out->err == DK_OK; i++)
		out->err = dk_key_read(own.private[need[i]].bytes, own.private[need[i]].len, "",
		    DK_SIDE_ANY, NULL, &own.key[need[i]]);
	own.pub[CREATOR] = own.key[CREATOR];
	if (out->err == DK_OK)
		decrypt_memory(&own, arg, out);
	for (size_t i = 0; i < 3; i++)
		dk_key_free(own.key[need[i]]);
}

const struct op ops[] = {
	{ "key read p256", read_private, judge_key, .arg = CUSTOMER + T_P256 },
	{ "key read p384", read_private, judge_key, .arg = PROVIDER + T_P384, .twin = true },
	{ "key read rsa3072", read_private, judge_key, .arg = CUSTOMER + T_RSA },
	{ "key read sealed", read_sealed, judge_key, .arg = CUSTOMER + T_P256, .sample = true },
	{ "public key read p256", read_public, judge_key, .arg = CUSTOMER + T_P256 },
	{ "public key read p384", read_public, judge_key, .arg = PROVIDER + T_P384, .twin = true },
	{ "public key read rsa3072", read_public, judge_key, .arg = PROVIDER + T_RSA },
	{ "key generate p256", generate, judge_new_key, .arg = T_P256 },
	{ "key generate p384", generate, judge_new_key, .arg = T_P384, .twin = true },
	{ "key generate rsa3072", generate, judge_new_key, .arg = T_RSA, .sample = true },
	{ "key write p256", write_private, judge_private, .arg = CUSTOMER + T_P256 },
	{ "key write p384", write_private, judge_private, .arg = CUSTOMER + T_P384, .twin = true },
	{ "key write rsa3072", write_private, judge_private, .arg = CUSTOMER + T_RSA },
	{ "key write sealed", write_sealed, judge_private, .arg = CUSTOMER + T_P256,
	    .sample = true },
	{ "public key write", write_public, judge_public, .arg = CUSTOMER + T_RSA },
	{ "encrypt memory", encrypt_memory, judge_object, .arg = 0, .twin = true },
	{ "encrypt", encrypt, judge_sunk_object, .arg = 0 },
	{ "encrypt with threads", encrypt, judge_sunk_object, .arg = 1, .sample = true,
	    .twin = true },
	{ "decrypt memory p256", decrypt_memory, judge_plain, .arg = T_P256 },
	{ "decrypt memory p384", decrypt_memory, judge_plain, .arg = T_P384, .twin = true },
	{ "decrypt memory rsa3072", decrypt_memory, judge_plain, .arg = T_RSA },
	{ "decrypt", decrypt, judge_sunk_plain, .arg = 0, .twin = true },
	{ "decrypt with threads", decrypt, judge_sunk_plain, .arg = 1, .sample = true },
	{ "writer", write_pieces, judge_sunk_object, .arg = 0, .twin = true },
	{ "reader", read_pieces, judge_sunk_plain, .arg = 0 },
	{ "range", read_range, judge_range, .arg = 5000 },
	{ "metadata", read_names, judge_names, .arg = T_P256, .twin = true },
	{ "inspect", inspect, judge_info, .arg = 0 },
	{ "rewrap customer p256", rewrap, judge_rewrapped, .arg = CUSTOMER + T_P256 },
	{ "rewrap customer p384", rewrap, judge_rewrapped, .arg = CUSTOMER + T_P384, .twin = true },
	{ "rewrap provider rsa3072", rewrap, judge_rewrapped, .arg = PROVIDER + T_RSA },
	{ "split", split, judge_share, .arg = CUSTOMER + T_P256 },
	{ "split rsa3072", split, judge_share, .arg = CUSTOMER + T_RSA, .twin = true },
	{ "join", join, judge_key, .arg = CUSTOMER + T_P256 },
	{ "from the start: encrypt", start_encrypt, judge_sunk_object, .cold = true, .twin = true },
	{ "from the start: decrypt p384", start_decrypt, judge_plain, .arg = T_P384, .cold = true,
	    .twin = true },
	{ "from the start: decrypt rsa3072", start_decrypt, judge_plain, .arg = T_RSA,
	    .cold = true },
};
const size_t ops_count = sizeof(ops) / sizeof(ops[0]);
