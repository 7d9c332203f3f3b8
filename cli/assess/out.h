/* SPDX-License-Identifier: Apache-2.0 */
/* What an assessment found: a line for each object that is asked for, then totals; and JSON. */
#ifndef DK_CLI_ASSESS_OUT_H
#define DK_CLI_ASSESS_OUT_H

#include <stdio.h>

#include "cli/assess/assess.h"
#include "cli/assess/grants.h"
#include "cli/assess/inputs.h"
#include "cli/assess/tally.h"
#include "cli/files/json.h"

struct report;

enum assess_list { ASSESS_NONE, ASSESS_READABLE, ASSESS_UNKNOWN, ASSESS_ALL };

struct assess_totals {
	uint64_t objects, answer[3], on_device, online;
	uint64_t missing[8]; /* by bit of enum dk_exposure_missing */
	/* Objects by label; by customer key of their sets, behind the last object; and readable
	 * ones by the day of the log entry that made them so, and by who asked for it. */
	struct assess_tally label, key, day, user;
	/* By number of a key, and the object that was counted last, and 1. */
	struct assess_key_count {
		uint64_t of[3];
		uint32_t last;
	} * by_key;
};

struct assess_out {
	const struct assess *assess;
	const struct dk_exposure *exposure; /* from assess_judge() on */
	struct assess_grants grants;
	enum assess_list list;
	/* An object id, or the SHA-256 of a document, in hex: shown in any case; NULL: none. */
	const char *explain;
	bool explained;
	struct json *json;     /* within its array of objects; or NULL */
	struct report *report; /* or NULL */
	struct assess_totals totals;
	FILE *words; /* into text: what is said of one object */
	char *text;
	size_t text_len;
};

/* One object and its verdict; borrowed. */
struct assess_found {
	const char *id;    /* object id, or SHA-256 of a document, in hex */
	const char *label; /* NULL: only the log has it */
	const struct dk_exposure_object *object;
	const struct dk_exposure_verdict *verdict;
	const struct dk_catalogue_object *row; /* NULL likewise */
};

/* All objects, one after the other, into assess_out_object() and the report. */
dk_err assess_judge(struct assess_out *out, struct dk_exposure *x);
/* False: out of memory. */
bool assess_out_object(struct assess_out *out, const struct assess_found *found);
/* One object's whole argument, as lines. */
void assess_explain(FILE *f, const struct assess_out *out, const struct assess_found *found);
void assess_out_clear(struct assess_out *out);

/* Count it. False: out of memory. */
bool assess_totals_add(
    struct assess_totals *t, const struct assess *a, const struct assess_found *found);
/* Behind the last object. False: out of memory. */
bool assess_totals_end(struct assess_totals *t, const struct assess *a);
/* As text on standard output, and as members of section 9 behind the objects. False: out of
 * memory. */
void assess_totals_text(const struct assess_out *out);
bool assess_totals_json(const struct assess_out *out);
void assess_totals_clear(struct assess_totals *t);

#endif
