/* SPDX-License-Identifier: Apache-2.0 */
/* Answers counted by a text, such as a label. */
#ifndef DK_CLI_ASSESS_TALLY_H
#define DK_CLI_ASSESS_TALLY_H

#include <stdbool.h>

#include "exposure/exposure.h"
#include "json.h"

extern const char *const assess_answers[3]; /* by enum dk_exposure_answer */

struct assess_tally {
	void *root; /* of tsearch() */
};

/* False: out of memory. */
bool assess_tally_add(struct assess_tally *tally, const char *name, enum dk_exposure_answer answer);
/* An array of objects in the order of their names, byte by byte: member is that of the text. */
void assess_tally_json(
    struct assess_tally *tally, struct json *json, const char *array, const char *member);
/* All, in this order. */
typedef void (*assess_tally_fn)(void *ctx, const char *name, const uint64_t count[3]);
void assess_tally_each(struct assess_tally *tally, assess_tally_fn fn, void *ctx);
void assess_tally_clear(struct assess_tally *tally);

#endif
