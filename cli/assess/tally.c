/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/assess/tally.h"

#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define SHOWN_BYTES 1024

const char *const assess_answers[3] = {
	[DK_NOT_READABLE] = "not-readable", [DK_UNKNOWN] = "unknown", [DK_READABLE] = "readable"
};

struct node {
	const char *name; /* of one that is kept, in text */
	uint64_t count[3];
	char text[];
};

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct node *)a)->name, ((const struct node *)b)->name);
}

/* The node of a name, made if there is none; NULL: out of memory. */
static struct node *
node_of(struct assess_tally *tally, const char *name)
{
	const struct node key = { .name = name };
	struct node **found = tfind(&key, &tally->root, by_name);
	size_t len = strlen(name) + 1;
	struct node *node;

	if (found)
		return *found;
	node = calloc(1, sizeof(*node) + len);
	if (!node)
		return NULL;
	memcpy(node->text, name, len);
	node->name = node->text;
	if (tsearch(node, &tally->root, by_name))
		return node;
	free(node);
	return NULL;
}

bool
assess_tally_add(struct assess_tally *tally, const char *name, enum dk_exposure_answer answer)
{
	struct node *node = node_of(tally, name);

	if (node)
		node->count[answer]++;
	return node != NULL;
}

bool
assess_tally_put(struct assess_tally *tally, const char *name, const uint64_t count[3])
{
	struct node *node = node_of(tally, name);

	for (unsigned i = 0; i < 3 && node; i++)
		node->count[i] += count[i];
	return node != NULL;
}

struct walk {
	assess_tally_fn fn;
	void *ctx;
};

static void
visit_node(const void *at, VISIT visit, void *ctx)
{
	const struct node *node = *(const struct node *const *)at;
	const struct walk *walk = ctx;

	if (visit == postorder || visit == leaf)
		walk->fn(walk->ctx, node->name, node->count);
}

void
assess_tally_each(const struct assess_tally *tally, assess_tally_fn fn, void *ctx)
{
	struct walk walk = { .fn = fn, .ctx = ctx };

	twalk_r(tally->root, visit_node, &walk);
}

struct put {
	struct json *json;
	const char *member;
};

static void
put_json(void *ctx, const char *name, const uint64_t count[3])
{
	const struct put *put = ctx;

	json_open(put->json, NULL, '{');
	json_string(put->json, put->member, name);
	for (unsigned i = 3; i-- > 0;)
		json_number(put->json, assess_answers[i], count[i]);
	json_close(put->json, '}');
}

void
assess_tally_json(
    const struct assess_tally *tally, struct json *json, const char *array, const char *member)
{
	struct put put = { .json = json, .member = member };

	json_open(json, array, '[');
	assess_tally_each(tally, put_json, &put);
	json_close(json, ']');
}

static void
put_text(void *ctx, const char *name, const uint64_t count[3])
{
	const struct put *put = ctx;
	char safe[SHOWN_BYTES];

	(void)printf(
	    "%s \"%s\"", put->member, dk_text_show(name, strlen(name), "\"", safe, sizeof(safe)));
	for (unsigned i = 3; i-- > 0;)
		(void)printf(" %s %" PRIu64, assess_answers[i], count[i]);
	(void)putchar('\n');
}

void
assess_tally_text(const struct assess_tally *tally, const char *member)
{
	struct put put = { .member = member };

	assess_tally_each(tally, put_text, &put);
}

void
assess_tally_clear(struct assess_tally *tally)
{
	tdestroy(tally->root, free);
	tally->root = NULL;
}
