/* SPDX-License-Identifier: Apache-2.0 */
#include "assess_tally.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

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

bool
assess_tally_add(struct assess_tally *tally, const char *name, enum dk_exposure_answer answer)
{
	struct node key = { .name = name };
	struct node **found = tfind(&key, &tally->root, by_name);
	size_t len = strlen(name) + 1;
	struct node *node;

	if (!found) {
		node = calloc(1, sizeof(*node) + len);
		if (!node)
			return false;
		memcpy(node->text, name, len);
		node->name = node->text;
		found = tsearch(node, &tally->root, by_name);
		if (!found) {
			free(node);
			return false;
		}
	}
	(*found)->count[answer]++;
	return true;
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
assess_tally_each(struct assess_tally *tally, assess_tally_fn fn, void *ctx)
{
	struct walk walk = { .fn = fn, .ctx = ctx };

	twalk_r(tally->root, visit_node, &walk);
}

struct put {
	struct json *json;
	const char *member;
};

static void
put_node(void *ctx, const char *name, const uint64_t count[3])
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
    struct assess_tally *tally, struct json *json, const char *array, const char *member)
{
	struct put put = { .json = json, .member = member };

	json_open(json, array, '[');
	assess_tally_each(tally, put_node, &put);
	json_close(json, ']');
}

void
assess_tally_clear(struct assess_tally *tally)
{
	tdestroy(tally->root, free);
	tally->root = NULL;
}
