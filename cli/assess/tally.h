/* SPDX-License-Identifier: Apache-2.0 */
/* Answers counted by a text, such as a label. */
#ifndef DK_CLI_ASSESS_TALLY_H
#define DK_CLI_ASSESS_TALLY_H

#include <stdbool.h>

#include "exposure/exposure.h"
#include "cli/files/json.h"

extern const char *const assess_answers[3]; /* by enum dk_exposure_answer */

struct assess_tally {
	void *root; /* of tsearch() */
};

/* False: out of memory. */
bool assess_tally_add(struct assess_tally *tally, const char *name, enum dk_exposure_answer answer);
/* The same for many at once. */
bool assess_tally_put(struct assess_tally *tally, const char *name, const uint64_t count[3]);
/* All in the order of their names, byte by byte; names and counts stay until it is cleared. */
typedef void (*assess_tally_fn)(void *ctx, const char *name, const uint64_t count[3]);
void assess_tally_each(const struct assess_tally *tally, assess_tally_fn fn, void *ctx);
/* An array of objects in this order: member is that of the text. */
void assess_tally_json(
    const struct assess_tally *tally, struct json *json, const char *array, const char *member);
/* Lines on standard output, likewise. */
void assess_tally_text(const struct assess_tally *tally, const char *member);
void assess_tally_clear(struct assess_tally *tally);

#endif
