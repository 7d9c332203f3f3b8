/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of an assessment: a page (HTML) for people, and the list of affected objects beside
 * it (CSV). Rows of the list are written as the verdicts come; of the page, the first ones are
 * kept until all is counted, so that memory does not grow with the objects.
 *
 * Spec: spec/exposure.md section 10
 */
#ifndef DK_CLI_REPORT_H
#define DK_CLI_REPORT_H

#include "cli/assess/out.h"

enum report_language { REPORT_ENGLISH, REPORT_GERMAN };

/* Whether the page can be at path, with the list beside it. */
bool report_path_valid(const char *path);
/* Opens both files. False: told already. */
bool report_open(const char *path, bool force, enum report_language language, struct report **ret);
/* Before the first object; assess has the whole log, and is borrowed until the end. False: told
 * already. */
bool report_begin(struct report *report, const struct assess *assess);
/* Errors: those of the catalogue, DK_ERR_NOMEM */
dk_err report_object(struct report *report, const struct assess_found *found);
/* The page; then both files get their names. Frees report. False: told already. */
bool report_finish(
    struct report *report, struct assess_out *out, const struct assess_inputs *inputs);
/* Drops both; NULL is allowed. */
void report_abandon(struct report *report);

#endif
