/* SPDX-License-Identifier: Apache-2.0 */
#include "outcome.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint8_t sink[SINK_BYTES];
char untouched[1];

struct memory {
	const uint8_t *data;
	const size_t *len;
};

static ptrdiff_t
read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const struct memory *m = ctx;
	size_t left = offset < *m->len ? *m->len - (size_t)offset : 0;

	if (len > left)
		len = left;
	memcpy(buf, m->data + offset, len);
	return (ptrdiff_t)len;
}

/* One at a time. */
struct dk_source
source_of(const uint8_t *data, const size_t *len)
{
	static struct memory memory;

	memory = (struct memory){ data, len };
	return (struct dk_source){ .ctx = &memory, .read_at = read_at, .size = *len };
}

static int
write_sink(void *ctx, const void *buf, size_t len)
{
	size_t *at = ctx;

	if (len > SINK_BYTES - *at) {
		errno = ENOSPC;
		return -1;
	}
	memcpy(sink + *at, buf, len);
	*at += len;
	return 0;
}

struct dk_sink
sink_of(size_t *len)
{
	*len = 0;
	return (struct dk_sink){ .ctx = len, .write = write_sink };
}

struct dk_decrypt_params
readers(const struct world *world, int type)
{
	return (struct dk_decrypt_params){
		.customer = &world->key[CUSTOMER + type],
		.customer_count = 1,
		.provider = &world->key[PROVIDER + type],
		.provider_count = 1,
		.require_creator = world->pub[CREATOR],
	};
}

struct dk_encrypt_params
writers(const struct world *world)
{
	return (struct dk_encrypt_params){
		.customer = &world->pub[CUSTOMER],
		.customer_count = 3,
		.provider = &world->pub[PROVIDER],
		.provider_count = 3,
		.tenant = "tenant",
		.label = "label",
		.file_name = "name.txt",
		.media_type = "text/plain",
		.creator = world->key[CREATOR],
		.segment_length = 4096,
	};
}

const char *
judge_key(const struct world *world, int arg, struct outcome *outcome)
{
	const char *wrong = NULL;

	if (outcome->err != DK_OK)
		return outcome->key == UNTOUCHED ? NULL : "touched";
	if (strcmp(dk_key_id_hex(outcome->key), dk_key_id_hex(world->key[arg])) != 0)
		wrong = "another key";
	dk_key_free(outcome->key);
	return wrong;
}

const char *
judge_new_key(const struct world *world, int arg, struct outcome *outcome)
{
	struct outcome again = { .key = UNTOUCHED };
	struct text text;
	dk_err err;

	(void)world;
	(void)arg;
	if (outcome->err != DK_OK)
		return outcome->key == UNTOUCHED ? NULL : "touched";
	err = dk_key_write_private(outcome->key, NULL, text.bytes, sizeof(text.bytes), &text.len);
	if (err == DK_OK)
		err = dk_key_read(text.bytes, text.len, "", DK_SIDE_ANY, NULL, &again.key);
	dk_key_free(outcome->key);
	if (err != DK_OK)
		return "a key that is none";
	dk_key_free(again.key);
	return NULL;
}

static const char *
judge_file(const struct world *world, int arg, struct outcome *outcome, bool private)
{
	struct outcome again = { .key = UNTOUCHED };
	dk_err err;

	if (outcome->err != DK_OK)
		return outcome->len == 0 ? NULL : "touched";
	err = dk_key_read(sink, outcome->len, "", DK_SIDE_ANY, NULL, &again.key);
	if (private && err == DK_ERR_KEY_NEED_PASSPHRASE)
		return NULL;
	if (err != DK_OK)
		return "a key file that is none";
	if (!dk_key_has_private(again.key) != !private) {
		dk_key_free(again.key);
		return "the other half";
	}
	return judge_key(world, arg, &again);
}

const char *
judge_private(const struct world *world, int arg, struct outcome *outcome)
{
	return judge_file(world, arg, outcome, true);
}

const char *
judge_public(const struct world *world, int arg, struct outcome *outcome)
{
	return judge_file(world, arg, outcome, false);
}

const char *
judge_plain(const struct world *world, int arg, struct outcome *outcome)
{
	const char *wrong = NULL;

	(void)arg;
	if (outcome->err != DK_OK)
		return outcome->data == UNTOUCHED ? NULL : "touched";
	if (outcome->len != PLAIN_BYTES || memcmp(outcome->data, world->plain, PLAIN_BYTES) != 0)
		wrong = "another text";
	free(outcome->data);
	return wrong;
}

const char *
judge_sunk_plain(const struct world *world, int arg, struct outcome *outcome)
{
	size_t all = arg ? LARGE_BYTES : PLAIN_BYTES;

	if (outcome->len > all || memcmp(sink, world->plain, outcome->len) != 0)
		return "another text";
	if (outcome->err == DK_OK && outcome->len != all)
		return "success with a part of the text";
	return NULL;
}

static const char *
open_object(const struct world *world, const uint8_t *object, size_t len, size_t plain_len)
{
	const char *wrong = NULL;
	uint8_t *plain = NULL;
	size_t got;

	for (int type = 0; type < 3 && !wrong; type++) {
		const struct dk_decrypt_params params = readers(world, type);

		if (dk_decrypt_memory(&params, object, len, &plain, &got, NULL) != DK_OK)
			return "an object that does not open";
		if (got != plain_len || memcmp(plain, world->plain, got) != 0)
			wrong = "an object of another text";
		free(plain);
	}
	return wrong;
}

const char *
judge_object(const struct world *world, int arg, struct outcome *outcome)
{
	const char *wrong;

	(void)arg;
	if (outcome->err != DK_OK)
		return outcome->data == UNTOUCHED ? NULL : "touched";
	wrong = open_object(world, outcome->data, outcome->len, PLAIN_BYTES);
	free(outcome->data);
	return wrong;
}

const char *
judge_sunk_object(const struct world *world, int arg, struct outcome *outcome)
{
	const char *wrong = "not looked at";

	/* No keys are open where the start is tested. */
	if (world->key[0])
		wrong = open_object(world, sink, outcome->len, arg ? LARGE_BYTES : PLAIN_BYTES);
	if (outcome->err != DK_OK)
		return wrong ? NULL : "failure with a whole object";
	return wrong;
}

const char *
judge_range(const struct world *world, int arg, struct outcome *outcome)
{
	if (outcome->err != DK_OK)
		return NULL;
	if (outcome->len != PLAIN_BYTES - (size_t)arg ||
	    memcmp(sink, world->plain + arg, outcome->len) != 0)
		return "another text";
	return NULL;
}

const char *
judge_names(const struct world *world, int arg, struct outcome *outcome)
{
	const struct dk_object_metadata *names = (const void *)sink;

	(void)world;
	(void)arg;
	if (outcome->err != DK_OK)
		return sink[0] == '\0' ? NULL : "touched";
	if (strcmp(names->file_name, "name.txt") != 0 ||
	    strcmp(names->media_type, "text/plain") != 0)
		return "other names";
	return NULL;
}

const char *
judge_info(const struct world *world, int arg, struct outcome *outcome)
{
	const struct dk_object_info *info = outcome->info;
	const char *wrong = NULL;

	(void)arg;
	if (outcome->err != DK_OK)
		return outcome->info == UNTOUCHED ? NULL : "touched";
	if (info->plaintext_size != PLAIN_BYTES || info->customer.stanza_count != 3 ||
	    info->provider.stanza_count != 3 || strcmp(info->label, "label") != 0 ||
	    strcmp(info->provider.stanza[2].key_id, dk_key_id_hex(world->key[PROVIDER + T_RSA])) !=
		0)
		wrong = "another object";
	dk_object_info_free(outcome->info);
	return wrong;
}

const char *
judge_rewrapped(const struct world *world, int arg, struct outcome *outcome)
{
	const char *wrong = NULL;
	size_t rest;

	(void)arg;
	if (outcome->err != DK_OK)
		return outcome->data == UNTOUCHED ? NULL : "touched";
	rest = world->object_len - outcome->at;
	memcpy(sink, outcome->data, outcome->len);
	memcpy(sink + outcome->len, world->object + outcome->at, rest);
	free(outcome->data);
	wrong = open_object(world, sink, outcome->len + rest, PLAIN_BYTES);
	return wrong;
}

const char *
judge_share(const struct world *world, int arg, struct outcome *outcome)
{
	struct dk_join *join;
	dk_err err;

	(void)world;
	(void)arg;
	if (outcome->err != DK_OK)
		return outcome->len == 0 ? NULL : "touched";
	err = dk_join_new(&join);
	if (err != DK_OK)
		return dk_err_name(err);
	err = dk_join_add(join, sink, outcome->len, NULL);
	dk_join_free(join);
	return err == DK_OK ? NULL : "a share that is none";
}
