/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of each kind that the sweep is there to find: it has to find them. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "outcome.h"

static void
leak(const struct world *world, int arg, struct outcome *out)
{
	char *first = malloc(10);
	char *second = malloc(10);

	(void)world;
	(void)arg;
	out->err = first && second ? DK_OK : DK_ERR_NOMEM;
	if (!second)
		return;
	free(first);
	free(second);
}

static void
leak_crypto(const struct world *world, int arg, struct outcome *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	char *more = malloc(10);

	(void)world;
	(void)arg;
	out->err = ctx && more ? DK_OK : DK_ERR_NOMEM;
	if (more)
		EVP_MD_CTX_free(ctx);
	free(more);
}

static void
unchecked(const struct world *world, int arg, struct outcome *out)
{
	volatile char *data = malloc(10);

	(void)world;
	(void)arg;
	*data = 'x';
	free((void *)data);
	out->err = DK_OK;
}

static void
twice(const struct world *world, int arg, struct outcome *out)
{
	char *volatile first = malloc(2000000);
	char *second = malloc(10);

	(void)world;
	(void)arg;
	free(first);
	if (!second)
		free(first);
	free(second);
	out->err = second ? DK_OK : DK_ERR_NOMEM;
}

/* Goes on without the buffer, and says that all is well. */
static void
ignored(const struct world *world, int arg, struct outcome *out)
{
	const struct dk_decrypt_params params = readers(world, T_P256);

	(void)arg;
	out->err = DK_OK;
	out->len = 0;
	out->data = malloc(PLAIN_BYTES);
	if (!out->data)
		return;
	free(out->data);
	out->err = dk_decrypt_memory(
	    &params, world->object, world->object_len, &out->data, &out->len, NULL);
}

static void
touching(const struct world *world, int arg, struct outcome *out)
{
	const struct dk_decrypt_params params = readers(world, T_P256);

	(void)arg;
	out->data = NULL;
	out->err = dk_decrypt_memory(
	    &params, world->object, world->object_len, &out->data, &out->len, NULL);
}

static void
misleading(const struct world *world, int arg, struct outcome *out)
{
	char *data = malloc(10);

	(void)world;
	(void)arg;
	out->err = data ? DK_OK : DK_ERR_STANZA_AUTH;
	free(data);
}

static void
whole(const struct world *world, int arg, struct outcome *out)
{
	char *data = malloc(10);

	(void)arg;
	memcpy(sink, world->object, world->object_len);
	out->len = world->object_len;
	out->err = data ? DK_OK : DK_ERR_NOMEM;
	free(data);
}

static const char *
no_judge(const struct world *world, int arg, struct outcome *outcome)
{
	(void)world;
	(void)arg;
	(void)outcome;
	return NULL;
}

const struct op controls[] = {
	{ "control: not freed", leak, no_judge, .finding = "not freed" },
	{ "control: not freed, libcrypto's", leak_crypto, no_judge, .finding = "not freed" },
	{ "control: not looked at", unchecked, no_judge, .finding = "ended by a signal" },
	{ "control: freed twice", twice, no_judge, .finding = "ended by a signal" },
	{ "control: ignored", ignored, judge_plain, .finding = "another text" },
	{ "control: output touched", touching, judge_plain, .finding = "touched" },
	{ "control: another error", misleading, no_judge, .finding = "error of another kind" },
	{ "control: not taken back", whole, judge_sunk_object,
	    .finding = "failure with a whole object" },
};
const size_t controls_count = sizeof(controls) / sizeof(controls[0]);
