/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shares of several objects in one call of a key.
 *
 * A key behind a network needs about as long for a thousand objects as for one.
 * Who is about to read several objects therefore adds the header block of each,
 * asks once, and then reads them as ever, with keys that stand in place of the
 * ones that it had:
 *
 *   dk_key_batch_join      each key that takes several requests at once
 *   dk_open_ahead ...      for each object; calls dk_key_batch_add()
 *   dk_key_batch_ask
 *   dk_decrypt ...         for each object
 *   dk_key_batch_drop      for each object
 *
 * A share serves one reading of its object: it is wiped when it is given out, and
 * one that was not is wiped by dk_key_batch_drop(). An error is kept and given out
 * in the same way. What the batch does not hold is asked of the key, so that a
 * batch changes how often a key is asked and nothing else.
 */
#ifndef DK_FORMAT_KEY_BATCH_H
#define DK_FORMAT_KEY_BATCH_H

#include "format/key_impl.h"
#include "format/source.h"

struct dk_key_batch;

/* For at most so many objects at a time. */
DK_MUST_USE dk_err dk_key_batch_new(size_t objects, struct dk_key_batch **ret);
/* NULL is allowed. Wipes what it still holds. */
void dk_key_batch_free(struct dk_key_batch *batch);

/* Whether the key takes several requests at once. */
bool dk_key_batch_suits(const struct dk_key *key);
/*
 * Put a key in place of *key that takes shares from the batch, and else from *key,
 * which it owns from then on. The new one must not be used behind
 * dk_key_batch_free(), only freed. *key is untouched on error.
 */
DK_MUST_USE dk_err dk_key_batch_join(struct dk_key_batch *batch, struct dk_key **key);

/* A side that will be opened with one of these keys. */
struct dk_key_batch_side {
	dk_side side;
	struct dk_key *const *keys; /* borrowed until dk_key_batch_ask() */
	size_t count;
};

/*
 * What will be read of object number index. Takes the block over. Several threads
 * may add, each another index. Without memory for it, or where its keys do not ask
 * the batch, the object is left to be asked for when it is read.
 */
void dk_key_batch_add(struct dk_key_batch *batch, size_t index, struct dk_block *block,
    const struct dk_key_batch_side *sides, size_t n);

/* dk_key_batch_add() for dk_rewrap() with these params; nothing if it would fail before
 * it opens the side. That for dk_decrypt() is dk_open_ahead() in open.h. */
struct dk_rewrap_params; /* doublekey/object.h */
void dk_rewrap_ahead(const struct dk_rewrap_params *params, const struct dk_source *in,
    struct dk_key_batch *batch, size_t index);

/* Whether the side is wrapped to exactly the keys of these params already, so that there
 * is nothing to do; not whether to their newest versions. False also on any error. */
bool dk_rewrap_is_done(const struct dk_rewrap_params *params, const struct dk_source *in);

/* Whether wrapping to the key asks another system each time, and waits for it. */
bool dk_key_wraps_far(const struct dk_key *key);

/* Ask for the shares of all objects that were added; not while others use the batch. */
void dk_key_batch_ask(struct dk_key_batch *batch);

/* The object was read, or will not be. */
void dk_key_batch_drop(struct dk_key_batch *batch, size_t index);

#endif
