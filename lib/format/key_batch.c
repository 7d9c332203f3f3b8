/* SPDX-License-Identifier: Apache-2.0 */
#include "format/key_batch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "format/open.h"

/* Header blocks that wait for dk_key_batch_ask(): four thousand of the least length.
 * Objects beyond that are asked for one by one. */
#define BLOCKS_MAX_BYTES (16u << 20)
#define SIDES 2

enum state { WANTED, HELD, TAKEN };

/* One answer of one key. */
struct entry {
	struct entry *next; /* of the same object */
	struct object *object;
	const struct dk_key *key; /* that was in place of the batch's */
	enum state state;
	unsigned side; /* index in object->side */
	uint32_t stanza;
	uint8_t id[DK_SHA384_BYTES];
	dk_err err;
	struct dk_secret32 share;
};

struct object {
	struct dk_block *block; /* until all answers are there */
	struct dk_key_batch_side side[SIDES];
	struct entry *first;
};

struct dk_key_batch {
	pthread_mutex_t lock; /* of all entries, and of bytes */
	size_t bytes;         /* of all blocks */
	size_t count;
	struct object *object;
	/* What is asked in one call: at most one entry for each side of each object. */
	struct dk_unwrap *request;
	struct entry **asked;
};

struct joined {
	struct dk_key_batch *batch;
	struct dk_key *key;
};

/* ---- the key in place of another ---- */

/* Of all that a share is asked for with: core header and set. */
static dk_err
identify(const uint8_t *block, const struct dk_header *header, dk_side side,
    uint8_t ret_id[DK_SHA384_BYTES])
{
	const struct dk_set *set = &header->set[side == DK_SIDE_CUSTOMER ? 0 : 1];
	const struct dk_part core = { block, header->core_len };
	struct dk_part parts[2] = { { ret_id, DK_SHA384_BYTES },
		{ block + set->offset, set->len } };
	dk_err err = dk_sha384(&core, 1, ret_id);

	return err == DK_OK ? dk_sha384(parts, 2, ret_id) : err;
}

static struct entry *
find(struct dk_key_batch *batch, enum state state, const struct dk_key *key, uint32_t stanza,
    const uint8_t id[DK_SHA384_BYTES])
{
	for (size_t i = 0; i < batch->count; i++) {
		for (struct entry *e = batch->object[i].first; e; e = e->next) {
			if (e->state == state && e->key == key && e->stanza == stanza &&
			    memcmp(e->id, id, sizeof(e->id)) == 0)
				return e;
		}
	}
	return NULL;
}

static bool
take(struct dk_key_batch *batch, const struct dk_key *key, struct dk_unwrap *request)
{
	uint8_t id[DK_SHA384_BYTES];
	struct entry *e;

	if (identify(request->block, request->header, request->side, id) != DK_OK)
		return false;
	(void)pthread_mutex_lock(&batch->lock);
	e = find(batch, HELD, key, request->stanza, id);
	if (e) {
		request->err = e->err;
		if (e->err == DK_OK)
			*request->share = e->share;
		dk_secret32_clear(&e->share);
		e->state = TAKEN;
	}
	(void)pthread_mutex_unlock(&batch->lock);
	return e != NULL;
}

static dk_err
joined_unwrap(const struct dk_key *key, struct dk_unwrap *requests, size_t n)
{
	const struct joined *joined = key->impl;
	dk_err err;

	for (size_t i = 0; i < n; i++) {
		if (take(joined->batch, joined->key, &requests[i]))
			continue;
		err = joined->key->ops->unwrap(joined->key, &requests[i], 1);
		if (err != DK_OK)
			requests[i].err = err;
	}
	return DK_OK;
}

static dk_err
joined_wrap(const struct dk_key *key, const struct dk_wrap_context *context,
    const struct dk_secret32 *share, uint8_t *body, size_t *ret_len)
{
	const struct joined *joined = key->impl;

	return joined->key->ops->wrap(joined->key, context, share, body, ret_len);
}

static bool
joined_opens(const struct dk_key *key, const uint8_t id[DK_KEY_ID_BYTES],
    const uint8_t custodian[DK_CUSTODIAN_BYTES])
{
	const struct joined *joined = key->impl;

	return joined->key->ops->opens && joined->key->ops->opens(joined->key, id, custodian);
}

static void
joined_passed_over(const struct dk_key *key, dk_err err)
{
	const struct joined *joined = key->impl;

	if (joined->key->ops->passed_over)
		joined->key->ops->passed_over(joined->key, err);
}

static void
joined_free(struct dk_key *key)
{
	struct joined *joined = key->impl;

	dk_key_free(joined->key);
	free(joined);
	free(key);
}

static const struct dk_key_ops joined_ops = {
	.wrap = joined_wrap,
	.unwrap = joined_unwrap,
	.opens = joined_opens,
	.passed_over = joined_passed_over,
	.free = joined_free,
};

bool
dk_key_batch_suits(const struct dk_key *key)
{
	return key->ops->many && key->ops->unwrap;
}

bool
dk_key_wraps_far(const struct dk_key *key)
{
	return key->stanza_type == DK_STANZA_KMS;
}

dk_err
dk_key_batch_join(struct dk_key_batch *batch, struct dk_key **key)
{
	struct dk_key *made = malloc(sizeof(*made));
	struct joined *joined = malloc(sizeof(*joined));

	if (!made || !joined) {
		free(made);
		free(joined);
		return DK_ERR_NOMEM;
	}
	*joined = (struct joined){ .batch = batch, .key = *key };
	*made = **key; /* with the recovery key, which stays the other's */
	made->ops = &joined_ops;
	made->impl = joined;
	*key = made;
	return DK_OK;
}

/* ---- what is asked for ---- */

/* The share that reading asks for first, from this stanza on, if it asks us. */
static void
want(struct object *object, unsigned side, uint32_t stanza)
{
	const struct dk_key_batch_side *s = &object->side[side];
	const struct dk_key *key = dk_open_next(object->block, s->side, s->keys, s->count, &stanza);
	const struct joined *joined;
	struct entry *e;

	if (!key || key->ops != &joined_ops)
		return;
	e = calloc(1, sizeof(*e));
	if (!e)
		return;
	joined = key->impl;
	e->object = object;
	e->key = joined->key;
	e->side = side;
	e->stanza = stanza;
	if (identify(object->block->data, &object->block->header, s->side, e->id) != DK_OK) {
		free(e);
		return;
	}
	e->next = object->first;
	object->first = e;
}

static bool
has_room(struct dk_key_batch *batch, size_t len)
{
	bool room;

	(void)pthread_mutex_lock(&batch->lock);
	room = batch->bytes + len <= BLOCKS_MAX_BYTES;
	if (room)
		batch->bytes += len;
	(void)pthread_mutex_unlock(&batch->lock);
	return room;
}

void
dk_key_batch_add(struct dk_key_batch *batch, size_t index, struct dk_block *block,
    const struct dk_key_batch_side *sides, size_t n)
{
	struct object *object = &batch->object[index];

	if (n > SIDES || !has_room(batch, block->len)) {
		dk_block_free(block);
		return;
	}
	object->block = block;
	for (unsigned i = 0; i < n; i++) {
		object->side[i] = sides[i];
		want(object, i, 0);
	}
}

/* All that is wanted of one key; their number. */
static size_t
gather(struct dk_key_batch *batch)
{
	const struct dk_key *key = NULL;
	size_t n = 0;

	for (size_t i = 0; i < batch->count; i++) {
		for (struct entry *e = batch->object[i].first; e; e = e->next) {
			if (e->state != WANTED || (key && e->key != key))
				continue;
			key = e->key;
			batch->asked[n] = e;
			batch->request[n++] = (struct dk_unwrap){ .block = e->object->block->data,
				.header = &e->object->block->header,
				.side = e->object->side[e->side].side,
				.stanza = e->stanza,
				.share = &e->share,
				.err = DK_ERR_CRYPTO };
		}
	}
	return n;
}

static void
ask(struct dk_key_batch *batch, size_t n)
{
	const struct dk_key *key = batch->asked[0]->key;
	dk_err err = key->ops->unwrap(key, batch->request, n);

	for (size_t i = 0; i < n; i++) {
		struct entry *e = batch->asked[i];

		e->err = err != DK_OK ? err : batch->request[i].err;
		e->state = HELD;
		if (e->err != DK_OK)
			dk_secret32_clear(&e->share);
		/* Reading will go on to another key. */
		if (dk_open_may_try_next(e->err))
			want(e->object, e->side, e->stanza + 1);
	}
}

void
dk_key_batch_ask(struct dk_key_batch *batch)
{
	size_t n;

	/* Each turn is about later stanzas of an object than the one before. */
	while ((n = gather(batch)) > 0)
		ask(batch, n);
	for (size_t i = 0; i < batch->count; i++) {
		dk_block_free(batch->object[i].block);
		batch->object[i].block = NULL;
	}
	batch->bytes = 0;
}

/* ---- its end ---- */

/* A copy of the object may have been read with the share of this one. */
static void
give_back(struct dk_key_batch *batch, const struct entry *e)
{
	struct entry *copy = find(batch, TAKEN, e->key, e->stanza, e->id);

	if (!copy || e->state != HELD)
		return;
	copy->err = e->err;
	copy->share = e->share;
	copy->state = HELD;
}

void
dk_key_batch_drop(struct dk_key_batch *batch, size_t index)
{
	struct object *object = &batch->object[index];
	struct entry *e;

	(void)pthread_mutex_lock(&batch->lock);
	while ((e = object->first) != NULL) {
		object->first = e->next;
		give_back(batch, e);
		dk_wipe(e, sizeof(*e));
		free(e);
	}
	(void)pthread_mutex_unlock(&batch->lock);
	dk_block_free(object->block);
	object->block = NULL;
}

dk_err
dk_key_batch_new(size_t objects, struct dk_key_batch **ret)
{
	struct dk_key_batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return DK_ERR_NOMEM;
	batch->count = objects;
	batch->object = calloc(objects, sizeof(*batch->object));
	batch->request = calloc(objects, SIDES * sizeof(*batch->request));
	batch->asked = calloc(objects, SIDES * sizeof(struct entry *));
	if (!batch->object || !batch->request || !batch->asked ||
	    pthread_mutex_init(&batch->lock, NULL) != 0) {
		free(batch->object);
		free(batch->request);
		free(batch->asked);
		free(batch);
		return DK_ERR_NOMEM;
	}
	*ret = batch;
	return DK_OK;
}

void
dk_key_batch_free(struct dk_key_batch *batch)
{
	if (!batch)
		return;
	for (size_t i = 0; i < batch->count; i++)
		dk_key_batch_drop(batch, i);
	(void)pthread_mutex_destroy(&batch->lock);
	free(batch->object);
	free(batch->request);
	free(batch->asked);
	free(batch);
}
