/* SPDX-License-Identifier: Apache-2.0 */
/* What an assessment found: a line for each object that is asked for, then totals; and JSON. */
#ifndef DK_CLI_ASSESS_OUT_H
#define DK_CLI_ASSESS_OUT_H

#include <stdio.h>

#include "assess.h"
#include "assess_inputs.h"
#include "assess_tally.h"
#include "json.h"

struct report;

enum assess_list { ASSESS_NONE, ASSESS_READABLE, ASSESS_UNKNOWN, ASSESS_ALL };

struct assess_totals {
	uint64_t objects, answer[3], on_device, online;
	uint64_t missing[8]; /* by bit of enum dk_exposure_missing */
};

struct assess_out {
	const struct assess *assess;
	enum assess_list list;
	const uint8_t *explain; /* an object id, which is shown in any case; NULL: none */
	bool explained;
	struct json *json; /* within its array of objects; or NULL */
	struct report *report; /* or NULL; counted as for JSON */
	struct assess_totals totals;
	/* Of JSON and report: objects by label; by customer key of their sets; and readable ones by the
	 * day of the log entry that made them so. */
	struct assess_tally label, key, day;
	uint32_t *counted; /* by key: the object counted last, and 1 */
};

/* All objects, one after the other, into the functions below. */
dk_err assess_judge(struct assess_out *out, struct dk_exposure *x);
/* label is NULL for an object that only the log has. False: out of memory. */
bool assess_out_object(struct assess_out *out, const uint8_t object_id[16], const char *label,
    const struct dk_exposure_object *object, const struct dk_exposure_verdict *verdict);
void assess_out_clear(struct assess_out *out);
/* The totals, as text on standard output. */
void assess_out_totals(const struct assess_out *out);
void assess_out_totals_json(struct assess_out *out);

#endif
